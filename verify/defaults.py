"""What a field holds before anything is stored into it, as far as its source says."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from .source.model import Default

_EMPTY: dict[str, list[object] | dict[str, object]] = {
    "list": [],
    "deque": [],
    "tuple": [],
    "set": [],
    "frozenset": [],
    "dict": {},
    "Counter": {},
    "OrderedDict": {},
}


@dataclass(frozen=True, slots=True)
class StartValue:
    """A value that stands in the source: a literal, or a container (as a list or dict) of literals."""

    value: object


def start_value(default: Default) -> StartValue | None:
    """Return the value of a default, or None where it cannot be told from the source."""
    if default.is_literal:
        return StartValue(default.literal)
    text = default.factory if default.factory is not None else default.text
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    if default.factory is not None and isinstance(node, ast.Name) and node.id in _EMPTY:
        return StartValue(_EMPTY[node.id])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _EMPTY:
        if not node.args:
            return StartValue(_EMPTY[node.func.id])
        node = node.args[0]
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return StartValue(list(value) if isinstance(value, tuple | set | frozenset) else value)
