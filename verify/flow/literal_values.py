"""Literals as values: what they may be, what their parts are, and what operators and methods make of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from ..source import FunctionSymbol


@dataclass(frozen=True, slots=True)
class Struct:
    """A literal with named parts: an enum's member, an item of `dataclasses.fields`. `text` is it as a string."""

    parts: tuple[tuple[str, Value], ...]
    text: str | None = None
    formats: bool = False  # whether an f-string shows `text`


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, by the node that it is in."""

    function: FunctionSymbol
    node: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What a mapping holds under a key."""

    mapping: Table
    key: str


Value = str | int | float | bool | bytes | complex | tuple["Value", ...] | Struct | Table | Entry | None
"""A literal."""

Values = tuple[Value, ...]
"""The literals that something can be."""

Binding = Mapping[int, Value]
"""What loop variables are in one round: the node of each iterated element, and its value."""

UNBOUND: Binding = {}


def part(value: Value, position: object) -> Values | None:
    """Return what stands at a position of a tuple."""
    if not isinstance(value, tuple) or not isinstance(position, int) or isinstance(position, bool):
        return None
    return (value[position],) if -len(value) <= position < len(value) else None


def named(value: Value, name: str) -> Values | None:
    """Return the part of that name."""
    if not isinstance(value, Struct):
        return None
    return next(((part,) for own, part in value.parts if own == name), None)


def written(text: str) -> Values | None:
    """Return the literal that a source text is."""
    try:
        return (_frozen(ast.literal_eval(text)),)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _frozen(value: object) -> Value:
    match value:
        case list() | tuple():
            return tuple(_frozen(one) for one in value)
        case set():
            return tuple(sorted((_frozen(one) for one in value), key=repr))
        case dict():
            return tuple(_frozen(one) for one in value)  # iterated by its keys
        case None | str() | int() | float() | bytes() | complex():
            return value
        case _:
            raise ValueError(value)


def text_of(value: Value) -> str | None:
    """Return a literal as an f-string shows it."""
    match value:
        case Struct(text=text, formats=True):
            return text
        case str() | int():
            return str(value)
        case _:
            return None


def operated(operator: str, parts: tuple[Value, ...]) -> Value:
    """Return what an operator makes of literals: an f-string, `+`, `%`; None where that is not known."""
    if operator in {"f-string", "format"}:
        texts = [text_of(part) for part in parts]
        return None if None in texts else "".join(text for text in texts if text is not None)
    left, right = parts
    if operator == "Add":
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        return left + right if isinstance(left, tuple) and isinstance(right, tuple) else None
    arguments: tuple[str | None, ...] = tuple(
        text_of(one) for one in (right if isinstance(right, tuple) else (right,))
    )
    if not isinstance(left, str) or None in arguments:
        return None
    if left.count("%") != left.count("%s") + left.count("%d"):
        return None  # widths and names
    try:
        return left % arguments
    except (TypeError, ValueError):
        return None


def method_result(receiver: Value, name: str, arguments: list[Value]) -> str | None:
    """Return what a method of a string gives, None where that is not known."""
    if name == "join":
        parts = arguments[0] if arguments else None
        if not isinstance(receiver, str) or not isinstance(parts, tuple):
            return None
        texts = [part for part in parts if isinstance(part, str)]
        return receiver.join(texts) if len(texts) == len(parts) else None
    receiver = receiver.text if isinstance(receiver, Struct) else receiver
    texts = [text for text in map(text_of, arguments) if text is not None]
    if not isinstance(receiver, str) or len(texts) != len(arguments):
        return None
    if name == "format" and set(receiver) & set(":!.["):
        return None  # widths and parts
    try:
        result = getattr(receiver, name)(*texts)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        return None
    return result if isinstance(result, str) else None
