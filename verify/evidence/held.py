"""Where to see what a mapping holds under a key that its reader does not name: `for key, value in metrics.items()`."""

from __future__ import annotations

import ast

from .contents import Contents, Place
from .places import Seen, why_not

_ROWS = {"items", "values"}
_SAME_ROWS = {"sorted", "list", "tuple", "reversed", "iter"}


def held_at(contents: Contents, place: Place, source: bytes, key: str) -> Seen | None:
    """Return the mapping from which a value comes that stands at a place; None where the place names its key."""
    for node in contents.at(place):
        mapping = _mapping(contents, node)
        where = None if mapping is None else Place.of(mapping)
        if mapping is not None and where is not None and why_not(contents, mapping, source) is None:
            return Seen(mapping, where, key=key)
    return None


def _mapping(contents: Contents, node: ast.AST) -> ast.expr | None:
    match node:
        case ast.Call(func=ast.Attribute(value=mapping, attr=name), args=[]) if name in _ROWS:
            return mapping
        case ast.Call(func=ast.Attribute(value=mapping, attr="get" | "pop"), args=[key, *_]) if (
            not isinstance(key, ast.Constant)
        ):
            return mapping
        case ast.Subscript(value=mapping, slice=key, ctx=ast.Load()) if not isinstance(key, ast.Constant):
            return mapping
        case ast.Name(ctx=ast.Store()):
            return _iterated(contents, node)
        case _:
            return None


def _iterated(contents: Contents, name: ast.Name) -> ast.expr | None:
    """Return the mapping whose values a loop or comprehension gives to a name."""
    for outer, field in contents.around(name):
        if isinstance(outer, ast.For | ast.AsyncFor | ast.comprehension):
            return _in_rows(outer.iter, outer.target, name) if field == "target" else None
        if not isinstance(outer, ast.Tuple | ast.List):
            return None
    return None


def _in_rows(rows: ast.expr, target: ast.expr, name: ast.Name) -> ast.expr | None:
    """Return the mapping that rows are made of, if its values go to a name."""
    match rows, target:
        case ast.Call(func=ast.Attribute(value=mapping, attr="items"), args=[]), ast.Tuple(elts=[_, value]):
            return mapping if value is name else None
        case ast.Call(func=ast.Attribute(value=mapping, attr="values"), args=[]), _:
            return mapping if target is name else None
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]), ast.Tuple(elts=[_, value]):
            return _in_rows(inner, value, name)
        case ast.Call(func=ast.Name(id="zip"), args=inners), ast.Tuple(elts=values):
            found = (_in_rows(*pair, name) for pair in zip(inners, values, strict=False))
            return next((one for one in found if one is not None), None)
        case ast.Call(func=ast.Name(id=called), args=[inner, *_]), _ if called in _SAME_ROWS:
            return _in_rows(inner, target, name)
        case _:
            return None
