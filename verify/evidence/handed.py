"""Which functions a program hands to somebody who calls them later: a thread, an executor, an event loop, a framework.

Where a thread or a task begins in a function its stack does not say who made it. If the program itself never hands that
function on, a test did.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .contents import Contents

_NOT_HANDING = {
    "abstractmethod",
    "cache",
    "classmethod",
    "contextmanager",
    "dataclass",
    "override",
    "overload",
    "property",
    "setter",
    "staticmethod",
}
"""Decorators that give a function to nobody."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Files(Protocol):
    """The sources of a program."""

    paths: Mapping[str, str]

    def contents(self, module: str) -> tuple[bytes, Contents] | None:
        """Return a module's source and what it consists of; None where it cannot be read."""


@dataclass
class Handed:
    """Looks for that by name, in those files in which the name stands; what was found once is kept."""

    files: Files
    _known: dict[tuple[str, bool], bool] = field(default_factory=dict)

    def may_be(self, module: str, function: str) -> bool:
        """Whether the program hands a function on, or a coroutine of it; one within another it always does."""
        if "<locals>" in function:
            return True
        read = self.files.contents(module)
        node = None if read is None else read[1].function(function)
        key = (function.rpartition(".")[2], isinstance(node, ast.AsyncFunctionDef))
        if key not in self._known:
            self._known[key] = any(self._in(other, *key) for other in self.files.paths)
        return self._known[key]

    def _in(self, module: str, name: str, is_async: bool) -> bool:
        try:
            if name.encode() not in Path(self.files.paths[module]).read_bytes():
                return False
        except OSError:
            return False
        read = self.files.contents(module)
        return read is not None and any(_hands_on(read[1], name, is_async))


def _hands_on(contents: Contents, name: str, is_async: bool) -> Iterator[bool]:
    for node in ast.walk(contents.tree):
        if isinstance(node, _Function) and node.name == name:
            yield any(_last(one) not in _NOT_HANDING for one in node.decorator_list)
        elif _is_named(node, name):
            call, leading = next(contents.around(node), (None, ""))
            if not isinstance(call, ast.Call) or leading != "func":
                yield True
            elif is_async:
                around, _ = next(contents.around(call), (None, ""))
                yield not isinstance(around, ast.Await)


def _is_named(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Load)
    return isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Load)


def _last(decorator: ast.expr) -> str:
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
