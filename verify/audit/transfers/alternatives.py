"""Parameters of which a constructor takes one only: who passes one of them leaves out the others on purpose."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from ...source import ClassSymbol, FunctionSymbol, Program
from ..using.statements import definition_at

_ONE_OF = re.compile(r"(?i)\b(?:only|exactly|at most|either) one of\b|\bmutually exclusive\b")


def is_alternative(
    program: Program, text: str, owner: ClassSymbol, name: str, passed: Collection[str]
) -> bool:
    """Whether a class is made with a parameter that takes the place of another one.

    The constructor asks for the one where the other is missing (`if hook: ... elif name: ...`), or the docstring of the
    class or of the constructor says that one of them is to be given. `text` is that of the class's file.
    """
    cls = definition_at(text, owner.name, program.class_(owner).span.line)
    qualname = program.class_(owner).methods.get("__init__")
    constructor = None
    if qualname is not None:
        line = program.function(FunctionSymbol(owner.module, qualname)).span.line
        constructor = definition_at(text, "__init__", line)
        if constructor is not None and _are_asked_in_turn(constructor, name, passed):
            return True
    return any(
        _says_one_of(ast.get_docstring(one) or "", name, passed)
        for one in (cls, constructor)
        if one is not None
    )


def _are_asked_in_turn(constructor: ast.AST, name: str, passed: Collection[str]) -> bool:
    for node in ast.walk(constructor):
        if isinstance(node, ast.If):
            asked = [_names(test) for test in _tests(node)]
            own = next((place for place, names in enumerate(asked) if name in names), None)
            if own is not None and any(
                not names.isdisjoint(passed) and name not in names for names in asked[:own]
            ):
                return True
    return False


def _tests(node: ast.If) -> Iterator[ast.expr]:
    """Yield the tests of `if ...: elif ...:`, in their order."""
    following: ast.If | None = node
    while following is not None:
        yield following.test
        match following.orelse:
            case [ast.If() as following]:
                pass
            case _:
                following = None


def _names(test: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}


def _says_one_of(docstring: str, name: str, passed: Collection[str]) -> bool:
    """Whether a text names a parameter, and one that is passed, after saying that one of several is to be given."""
    said = _ONE_OF.search(docstring)
    if said is None:
        return False
    words = {*re.findall(r"\w+", docstring[said.end() :])}
    return name in words and not words.isdisjoint(passed)
