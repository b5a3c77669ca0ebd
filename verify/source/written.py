"""Expressions as source text: what `ast.unparse` returns, without its cost for the common ones."""

from __future__ import annotations

import ast
import sys

_DEEPEST = 8  # of what is written here; the rest is left to the standard library


def as_written(node: ast.expr) -> str:
    """Return the source text of an expression, the same object for the same text."""
    text = _simple(node, _DEEPEST)
    return sys.intern(ast.unparse(node) if text is None else text)


def _simple(node: ast.expr, deepest: int) -> str | None:
    """Return a name, a literal, or a type made of such; None for everything else."""
    if not deepest:
        return None
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=None | bool() | int() | str() as value, kind=None):
            return repr(value)
        case ast.Attribute(value=ast.Name() | ast.Attribute() as base, attr=name):
            before = _simple(base, deepest - 1)
            return None if before is None else f"{before}.{name}"
        case ast.Subscript(value=ast.Name() | ast.Attribute() as base, slice=index):
            before, inside = _simple(base, deepest - 1), _inside(index, deepest - 1)
            return None if before is None or inside is None else f"{before}[{inside}]"
        case ast.BinOp(left=left, op=ast.BitOr(), right=right) if not isinstance(right, ast.BinOp):
            first, second = _simple(left, deepest - 1), _simple(right, deepest - 1)
            return None if first is None or second is None else f"{first} | {second}"
        case _:
            return None


def _inside(index: ast.expr, deepest: int) -> str | None:
    """Return what stands between brackets: there a tuple needs none of its own."""
    if not isinstance(index, ast.Tuple):
        return _simple(index, deepest)
    parts = [_simple(one, deepest) for one in index.elts]
    return ", ".join(filter(None, parts)) if len(parts) > 1 and None not in parts else None
