"""Finds the value beside a value: what a slip of the hand, or of copy and paste, would take instead."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from ..contents import Contents

LIKE = 0.6
"""How alike the sources of two values have to be, for one to be taken for the other."""

_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.Module


def sibling_of(contents: Contents, node: ast.AST) -> str | None:
    """Return the source of the value that stands in the same place beside a value, None where there is none alike.

    Beside it is the next argument, entry, element or statement that is built in the same way: of
    `Payload(nan=m["nan"], inf=m["inf"])` the sibling of `m["inf"]` is `m["nan"]`.
    """
    if not isinstance(node, ast.expr) or isinstance(node, ast.Constant):
        return None
    own = ast.unparse(node)
    names = _Names(contents, node)
    inner: ast.AST = node
    way: list[tuple[str, int | None]] = []
    for outer, field in contents.around(node):
        value = getattr(outer, field)
        position = value.index(inner) if isinstance(value, list) else None
        if isinstance(value, list):
            found = [
                (difflib.SequenceMatcher(None, own, text, autojunk=False).ratio(), -at, text)
                for at, other in sorted(enumerate(value), key=lambda one: abs(one[0] - (position or 0)))
                if other is not inner and type(other) is type(inner)
                for text in _texts(other, way, node)
                if text != own and names.are_known_in(text)
            ]
            best = max(found, default=None)
            if best is not None and best[0] >= LIKE:
                return best[2]
        if isinstance(outer, _SCOPES):
            return None
        way.append((field, position))
        inner = outer
    return None


def _texts(other: ast.AST, way: list[tuple[str, int | None]], node: ast.AST) -> Iterator[str]:
    """Yield the source of what stands in another element where the node stands in its own."""
    found: object = other
    for field, position in reversed(way):
        found = getattr(found, field, None)
        if position is not None:
            if not isinstance(found, list) or position >= len(found):
                return
            found = found[position]
    if isinstance(found, ast.expr) and type(found) is type(node):
        yield ast.unparse(found)


class _Names:
    """The names that can be read where a node stands."""

    def __init__(self, contents: Contents, node: ast.AST) -> None:
        self._own = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        self._bound: set[str] = set()
        self._before: set[str] = set()
        line = getattr(node, "lineno", 0)
        for scope, field in contents.around(node):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and field == "body":
                given = scope.args
                for one in [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]:
                    if one is not None:
                        self._before.add(one.arg)
                self._read(scope, line)

    def _read(self, scope: ast.AST, line: int) -> None:
        pending: list[tuple[ast.AST, bool]] = [(scope, False)]
        while pending:
            node, is_inner = pending.pop()
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._bound.add(node.id)
                if not is_inner and (node.end_lineno or 0) < line:
                    self._before.add(node.id)
            inner = is_inner or isinstance(node, ast.comprehension)
            pending += [(child, inner) for child in ast.iter_child_nodes(node)]

    def are_known_in(self, text: str) -> bool:
        """Whether all names of a source are bound where the node stands."""
        names = {one.id for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Name)}
        return all(name in self._own or name in self._before or name not in self._bound for name in names)
