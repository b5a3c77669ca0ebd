"""Names are followed through imports to what they define."""

from __future__ import annotations

from pathlib import Path

from telewire.verify.source import (
    ClassSymbol,
    ConstantSymbol,
    FunctionSymbol,
    ModuleSymbol,
    Program,
    SourceFile,
    summarise,
)
from telewire.verify.source.program import ExternalSymbol


def program(**modules: str) -> Program:
    """A program of modules; `__` in a name stands for a dot, a module named `x__` is a package `x`."""
    summaries = []
    for written, text in modules.items():
        name, is_package = written.rstrip("_").replace("__", "."), written.endswith("__")
        summaries.append(summarise(SourceFile(name, Path(name), name, is_package), text))
    return Program.link(summaries)


def test_what_is_defined_here_is_found() -> None:
    found = program(a="X = 1\nclass C:\n    def m(self): ...\ndef f(): ...\n")
    assert found.resolve("a", "X") == ConstantSymbol("a", "X")
    assert found.resolve("a", "C") == ClassSymbol("a", "C")
    assert found.resolve("a", "C.m") == FunctionSymbol("a", "C.m")
    assert found.resolve("a", "f") == FunctionSymbol("a", "f")


def test_a_chain_of_re_exports_leads_to_the_definition() -> None:
    found = program(app__="from .a import C\n", app__a="from .b import D as C\n", app__b="class D: ...\n")
    assert found.resolve("app", "C") == ClassSymbol("app.b", "D")


def test_a_circle_of_re_exports_leads_nowhere() -> None:
    assert program(a="from b import x\n", b="from a import x\n").resolve("a", "x") is None


def test_a_star_import_gives_names_of_the_program_only() -> None:
    found = program(a="from b import *\n", b="import os\nclass C: ...\n")
    assert found.resolve("a", "C") == ClassSymbol("b", "C")
    assert found.resolve("a", "len") == ExternalSymbol("builtins.len")


def test_what_is_outside_keeps_its_dotted_name() -> None:
    assert program(a="import torch.nn as nn\n").resolve("a", "nn.Module") == ExternalSymbol("torch.nn.Module")


def test_a_name_missing_inside_the_program_is_not_outside_it() -> None:
    assert program(app__="", a="from app import absent\n").resolve("a", "absent") is None


def test_a_folder_inside_the_program_that_is_imported_as_if_it_stood_alone_is_no_library() -> None:
    """Where that leads depends on where the program is started; what is in there is not somebody else's."""
    imports = "from tools.data import x\nimport tools.data\n"
    found = program(app__="", app__tools="", app__tools__data="x = 1\n", a=imports)
    assert found.resolve("a", "x") is None


def test_a_library_that_is_called_like_a_folder_inside_the_program_is_one() -> None:
    found = program(
        app__="",
        app__torch="",
        app__torch__nn="",
        a="from torch.nn import Linear\n",
        b="from torch.optim import SGD\n",
    )
    assert found.resolve("a", "Linear") == ExternalSymbol("torch.nn.Linear")


def test_a_submodule_is_found_below_its_package() -> None:
    found = program(app__="", app__inner="x = 1\n", a="import app\n")
    assert found.resolve("a", "app.inner") == ModuleSymbol("app.inner")


def test_a_method_is_inherited_in_order() -> None:
    found = program(a="class A:\n    def m(self): ...\nclass B(A): ...\nclass C(B):\n    def m(self): ...\n")
    assert found.method(ClassSymbol("a", "B"), "m") == FunctionSymbol("a", "A.m")
    assert found.method(ClassSymbol("a", "C"), "m") == FunctionSymbol("a", "C.m")


def test_a_circle_of_bases_ends() -> None:
    found = program(a="class A(B): ...\nclass B(A): ...\n")
    assert set(found.mro(ClassSymbol("a", "A"))) == {ClassSymbol("a", "A"), ClassSymbol("a", "B")}


def test_subclasses_are_found_in_other_modules() -> None:
    found = program(a="class A: ...\n", b="from a import A\nclass B(A): ...\nclass C(B): ...\n")
    assert found.subclasses(ClassSymbol("a", "A")) == [ClassSymbol("b", "B"), ClassSymbol("b", "C")]


def test_a_similar_name_is_suggested_and_an_unlike_one_is_not() -> None:
    found = program(a="")
    assert found.closest("colect", among=["collect", "emit"]) == "collect"
    assert found.closest("zzz", among=["collect", "emit"]) is None
