"""What a file's text shows before it is parsed."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.source import SourceFile
from telewire.verify.source.words import FileWords, WordIndex


def words(text: str, module: str = "app.inner.a", *, is_package: bool = False) -> FileWords:
    return FileWords.of(SourceFile(module, Path("a.py"), "a.py", is_package), text.encode())


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("import os", {"os"}),
        ("import os.path as p, sys", {"os.path", "sys"}),
        ("import a; import b", {"a", "b"}),
        ("if x: import a", {"a"}),
        ("    from lib.one import two as three, four", {"lib.one", "lib.one.two", "lib.one.four"}),
        ("from lib import (\n    one,  # the first\n    two as three,\n)", {"lib", "lib.one", "lib.two"}),
        ("from lib import one, \\\n    two", {"lib", "lib.one", "lib.two"}),
        ("from . import b", {"app.inner", "app.inner.b"}),
        ("from .b import c", {"app.inner.b", "app.inner.b.c"}),
        ("from .. import b", {"app", "app.b"}),
        ("from ..b import *", {"app.b", "app.b.*"}),
        ("from.b import c", {"app.inner.b", "app.inner.b.c"}),
        ("from . b import c", {"app.inner.b", "app.inner.b.c"}),
        ("important = 1\nfrom_here = 2", set()),
    ],
)
def test_imports_are_found_in_the_text(text: str, imports: set[str]) -> None:
    assert words(text).imports() == imports


def test_a_package_imports_from_itself() -> None:
    assert words("from .b import c", "app", is_package=True).imports() == {"app.b", "app.b.c"}


def test_names_in_strings_count_where_something_imports_by_name() -> None:
    text = 'import importlib\nimportlib.import_module("lib.one")\n'
    assert "lib.one" in words(text).imports()
    assert "lib.one" not in words(text.replace("import_module", "other")).imports()


def test_words_in_strings_and_comments_count() -> None:
    assert words('x = "inf_grad_count"  # its mean').words == {b"x", b"inf_grad_count", b"its", b"mean"}


@pytest.mark.parametrize(
    ("text", "computes"),
    [
        ('getattr(x, "name")', False),
        ("getattr(x, name)", True),
        ('setattr(self.state, f"{name}_count", 1)', True),
        ("getattr(f(), names[0])", True),
    ],
)
def test_computed_names_of_attributes_are_noticed(text: str, computes: bool) -> None:
    assert words(text).computes_names is computes


INDEX = WordIndex(
    {
        "app": words("", "app", is_package=True),
        "app.state": words("class State: count = 0", "app.state"),
        "app.reader": words("from .state import State\nState.count", "app.reader"),
        "app.main": words("from . import reader\nreader.count", "app.main"),
        "app.other": words("count = 1", "app.other"),
    }
)


def test_those_see_a_module_that_import_it_directly_or_through_others() -> None:
    assert INDEX.seeing("app.state") == {"app.state", "app.reader", "app.main"}


def test_an_object_may_be_handed_to_all_that_those_import_who_see_its_class() -> None:
    index = WordIndex(
        {
            "app": words("", "app", is_package=True),
            "app.state": words("class State: count = 0", "app.state"),
            "app.main": words("from .state import State\nfrom .tools import show\nshow(State())", "app.main"),
            "app.tools": words("from .alerts import show", "app.tools", is_package=True),
            "app.tools.alerts": words("def show(it): print(it.count)", "app.tools.alerts"),
            "app.other": words("import app.main", "app.other"),
            "app.alone": words("def show(it): print(it.count)", "app.alone"),
        }
    )
    assert index.handed("app.state") == set(index.files) - {"app.alone"}


def test_a_class_is_defined_where_a_statement_says_so() -> None:
    index = WordIndex(
        {
            "a": words("class State: pass", "a"),
            "b": words("if x:\n    class \\\n  State(Base): pass", "b"),
            "c": words("class States: State = 1", "c"),
            "d": words("from a import State", "d"),
            "e": words("class Other: pass", "e"),
        }
    )
    assert index.defining_class("State") == {"a", "b"}
    assert index.searched == {"a", "b", "c", "d"}


def test_a_word_is_held_by_the_files_that_show_it() -> None:
    assert INDEX.holding("count") == {"app.state", "app.reader", "app.main", "app.other"}
    assert INDEX.holding("State") == {"app.state", "app.reader"}
    assert INDEX.holding("coun") == frozenset()


def test_what_is_no_word_may_be_anywhere() -> None:
    assert INDEX.holding("train/loss") == INDEX.holding("größe") == set(INDEX.files)
