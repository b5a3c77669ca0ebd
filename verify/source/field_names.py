"""The names that a field goes by outside its class: `Field(alias="infCount")`, `msgspec.field(name="infCount")`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_TAKEN = {"alias", "validation_alias", "name"}
_GIVEN = {"alias", "serialization_alias", "name"}
_FIELDS = {"Field", "field", "attrib", "ib"}
_CHOICES = {"AliasChoices"}


def other_names(annotation: ast.expr, value: ast.expr | None) -> tuple[tuple[str, ...], str | None]:
    """Return the names that a constructor takes a field by, and the one that it is encoded under; mostly none."""
    taken: dict[str, None] = {}
    given: str | None = None
    for call in _field_calls(annotation, value):
        for keyword in call.keywords:
            names = list(_strings(keyword.value))
            if keyword.arg in _TAKEN:
                taken.update(dict.fromkeys(names))
            if keyword.arg in _GIVEN and names and (given is None or keyword.arg == "serialization_alias"):
                given = names[0]
    return tuple(taken), given


def _field_calls(annotation: ast.expr, value: ast.expr | None) -> Iterator[ast.Call]:
    """Yield the calls that say more of a field: its value, and what stands in `Annotated[int, Field(...)]`."""
    found = [value]
    match annotation:
        case ast.Subscript(value=outer, slice=ast.Tuple(elts=[_, *said])) if _last(outer) == "Annotated":
            found += said
        case _:
            pass  # a plain type
    for one in found:
        if isinstance(one, ast.Call) and one.keywords and _last(one.func) in _FIELDS:
            yield one


def _strings(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Call(func=function, args=arguments) if _last(function) in _CHOICES:
            for argument in arguments:
                yield from _strings(argument)
        case _:
            pass  # a path, or what is not known


def _last(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
