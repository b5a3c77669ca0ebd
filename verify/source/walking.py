"""Walks over syntax trees, past everything that can hold no other node."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_HOLD_NONE = (ast.Constant, ast.Global, ast.Name, ast.Nonlocal)
_NO_NODES = {
    "arg",
    "asname",
    "attr",
    "conversion",
    "ctx",
    "id",
    "is_async",
    "kind",
    "kwd_attrs",
    "level",
    "module",
    "op",
    "ops",
    "rest",
    "simple",
    "type_comment",
    "type_ignores",
}


class _Parts(dict[type[ast.AST], tuple[str, ...]]):
    """For each type of node the fields that can hold others."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        fields = () if issubclass(kind, _HOLD_NONE) else kind._fields
        self[kind] = tuple(name for name in fields if name not in _NO_NODES)
        return self[kind]


_PARTS = _Parts()


def children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that a node directly consists of; operators and contexts are no nodes here."""
    for name in _PARTS[type(node)]:
        part = getattr(node, name)
        if type(part) is list:
            yield from filter(None, part)
        elif isinstance(part, ast.AST):
            yield part


def walk(node: ast.AST) -> list[ast.AST]:
    """Return a node and all below it, those nearest to it first."""
    found = [node]
    for one in found:  # it grows meanwhile
        for name in _PARTS[type(one)]:
            part = getattr(one, name)
            if type(part) is list:
                found.extend(filter(None, part))
            elif isinstance(part, ast.AST):
                found.append(part)
    return found
