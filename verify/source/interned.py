"""Values of which there is one object each: equal means identical, so that they hash and compare at no cost."""

from __future__ import annotations

import dataclasses
from typing import Any


class Interned(type):
    """Metaclass of `@dataclass(frozen=True, slots=True, eq=False)`: the same arguments give the same object.

    Symbols and carriers are keys of nearly every table of an analysis; their hash would be computed millions of
    times over. An object is kept for as long as the process lives.
    """

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, object]) -> None:
        super().__init__(name, bases, namespace)
        cls._known: dict[tuple[object, ...], object] = {}

    def __call__(cls, *arguments: object, **keywords: object) -> Any:
        """Return the one object of these field values."""
        if not keywords:
            known = cls._known.get(arguments)
            if known is not None:
                return known
        made = super().__call__(*arguments, **keywords)
        values = tuple([getattr(made, field.name) for field in dataclasses.fields(made)])
        one = cls._known.setdefault(values, made)
        if not keywords:
            cls._known[arguments] = one  # with defaults left out
        return one
