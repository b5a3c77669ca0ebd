"""What a module's source consists of, told apart by content: functions with their digests, nodes by their number.

A function's digest and the numbers of the nodes in it stay the same when it moves, is formatted anew or gets a comment;
they are the same under every version of Python that reads the same syntax tree.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

TOP = "<module>"

_NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Place(NamedTuple):
    """Where a node stands: lines from 1, columns in bytes from 1, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of(cls, node: ast.AST) -> Place | None:
        """Return the place of a node; None for a node that has none."""
        line = getattr(node, "lineno", None)
        end_line = getattr(node, "end_lineno", None)
        if line is None or end_line is None:
            return None
        return cls(line, getattr(node, "col_offset", 0) + 1, end_line, getattr(node, "end_col_offset", 0) + 1)


class Contents:
    """One module's syntax tree, and what can be asked of it."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._at: dict[Place, list[ast.AST]] = {}
        self._above: dict[ast.AST, tuple[ast.AST, str]] = {}
        self._names: dict[ast.AST, str] | None = None
        self._numbers: dict[ast.AST, dict[ast.AST, int]] = {}
        self._digests: dict[str, str] = {}
        self._read()

    def at(self, place: Place) -> list[ast.AST]:
        """Return the expressions and statements that take up exactly a place, the outermost first."""
        return self._at.get(place, [])

    def around(self, node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
        """Yield what a node stands in, from the innermost: each with the name of the field that leads to the node."""
        above = self._above.get(node)
        while above is not None:
            yield above
            above = self._above.get(above[0])

    def function_of(self, node: ast.AST) -> str:
        """Return the name of the innermost function with a name that a node stands in; `<module>` outside of all."""
        return self.name(self._function_node(node))

    def number(self, node: ast.AST) -> int:
        """Return which node of its function a node is, counted over the whole function."""
        function = self._function_node(node)
        numbers = self._numbers.get(function)
        if numbers is None:
            numbers = self._numbers[function] = {node: at for at, node in enumerate(ast.walk(function))}
        return numbers[node]

    def name(self, function: ast.AST) -> str:
        """Return a function's qualified name; a second one of the same name gets a number."""
        if self._names is None:
            self._names = {self.tree: TOP}
            taken: dict[str, int] = {}
            for node, dotted in _functions(self.tree, ""):
                count = taken[dotted] = taken.get(dotted, 0) + 1
                self._names[node] = dotted if count == 1 else f"{dotted}#{count}"
        return self._names[function]

    def function(self, name: str) -> ast.AST | None:
        """Return the function of a qualified name, the tree for `<module>`; None where there is no such function."""
        self.name(self.tree)
        assert self._names is not None
        return next((node for node, known in self._names.items() if known == name), None)

    def digest(self, function: str) -> str | None:
        """Return the digest of a function's content, None where there is no such function."""
        if function not in self._digests:
            node = self.function(function)
            if node is None:
                return None
            self._digests[function] = digest_of(node)
        return self._digests[function]

    def _function_node(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return node
        for outer, _ in self.around(node):
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                return outer
        return self.tree

    def _read(self) -> None:
        pending: list[ast.AST] = [self.tree]
        while pending:
            node = pending.pop()
            place = Place.of(node) if isinstance(node, ast.expr | ast.stmt) else None
            if place is not None:
                self._at.setdefault(place, []).append(node)
            below: list[ast.AST] = []
            for name, value in ast.iter_fields(node):
                for child in value if isinstance(value, list) else (value,):
                    if isinstance(child, ast.AST) and child._fields:
                        self._above[child] = (node, name)
                        below.append(child)
            pending += reversed(below)


def digest_of(node: ast.AST) -> str:
    """Return the digest of a syntax tree without its places; of a module without the functions and classes in it."""
    found = hashlib.blake2b(digest_size=12)
    pending: list[object] = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, ast.AST):
            found.update(f"({type(part).__name__}".encode())
            pending.append(_END)
            for name in reversed(part._fields):
                value = getattr(part, name, None)
                if isinstance(part, ast.Module) and name == "body":
                    value = [one for one in part.body if not isinstance(one, _NAMED)]
                if value is None or value == [] or name in _IGNORED:
                    continue
                pending += [value, _Field(name)]
        elif isinstance(part, list):
            pending.append(_END)
            pending += reversed(part)
        elif isinstance(part, _Field):
            found.update(f" {part.name}=".encode())
        else:
            found.update(b")" if part is _END else repr(part).encode("utf-8", "backslashreplace"))
    return found.hexdigest()


class _Field(NamedTuple):
    name: str


_END = object()
_IGNORED = {"kind", "type_comment", "type_ignores", "ctx"}


def _functions(tree: ast.AST, inside: str) -> Iterator[tuple[ast.AST, str]]:
    pending: list[tuple[ast.AST, str]] = [(tree, inside)]
    while pending:
        node, prefix = pending.pop()
        inner = prefix
        if isinstance(node, _NAMED):
            dotted = f"{prefix}{node.name}"
            if isinstance(node, ast.ClassDef):
                inner = f"{dotted}."
            else:
                yield node, dotted
                inner = f"{dotted}.<locals>."
        pending += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]
