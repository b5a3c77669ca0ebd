"""Whether the values seen at two places are the same, by what is kept of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from .summaries import summary_of

Value = tuple[Any, ...]
"""A summary as it is compared: numbers by their value, whatever type they have."""

_NUMBERS = {"int", "float", "bool"}
_SCALAR = int | float | str


def value_of(data: object) -> Value:
    """Return a summary, read from evidence, in the form that is compared."""
    assert isinstance(data, list | tuple)
    if len(data) == 2 and isinstance(data[0], str) and data[0] in _NUMBERS and isinstance(data[1], _SCALAR):
        number = data[1]
        return ("number", float(number) if not isinstance(number, str) and _is_exact(number) else number)
    return tuple(value_of(one) if isinstance(one, list | tuple) else one for one in data)


def default_value(default: object) -> Value:
    """Return the summary of a record's default in the form that is compared."""
    return value_of(summary_of(default))


def is_default(value: Value, default: Value) -> bool:
    """Whether a value says nothing: the default, none at all, or something empty."""
    return value in {default, ("none",)} or (value[0] == "many" and value[2] == 0)


def is_known(value: Value) -> bool:
    """Whether enough is kept of a value to tell it from others."""
    if value[0] in {"object"}:
        return False
    if value[0] == "array":
        return value[-1] is not None
    return not (value[0] == "many" and value[3] is None)


def elements(value: Value) -> list[Value]:
    """Return what is kept of the elements of a container, the keys of a mapping left out, or of an object's fields."""
    if value[0] == "many":
        if "dict" in str(value[1]).lower() and all(one[0] == "many" and one[2] == 2 for one in value[4]):
            return [pair[4][1] for pair in value[4] if len(pair[4]) == 2]
        return list(value[4])
    if value[0] == "fields":
        return [one for _, one in value[3]]
    return []


def is_whole(value: Value) -> bool:
    """Whether all elements of a container are kept."""
    if value[0] == "many":
        return value[3] is not None and bool(len(value[4]) == value[2])
    return bool(value[0] == "fields")


def carried(sources: Collection[Value], targets: Collection[Value], default: Value) -> bool:
    """Whether something that is not the default was seen at both: itself, or as an element of the other."""
    held = _with_elements(sources, default)
    return not held.isdisjoint(_with_elements(targets, default))


def _with_elements(values: Collection[Value], default: Value) -> set[Value]:
    found: set[Value] = set()
    for value in values:
        for one in (value, *_elements(value)):
            if is_known(one) and not is_default(one, default):
                found.add(one)
    return found


def _elements(value: Value) -> Iterator[Value]:
    if value[0] == "many":
        for one in value[4]:
            yield one
            if one and one[0] == "many":  # the values of a mapping are the second of each pair
                yield from one[4]
    elif value[0] == "fields":
        for _, one in value[3]:
            yield one


def _is_exact(number: float) -> bool:
    return not isinstance(number, int) or abs(number) <= 1 << 53
