"""Values of which there is one object each: equal means identical, so that they hash and compare at no cost."""

from __future__ import annotations

from typing import Any


class Interned(type):
    """Metaclass of `@dataclass(frozen=True, slots=True, eq=False)`: the same arguments give the same object.

    Symbols and carriers are keys of nearly every table of an analysis; their hash would be computed millions of
    times over. An object is kept for as long as the process lives.
    """

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, object]) -> None:
        super().__init__(name, bases, namespace)
        cls._known: dict[
            tuple[object, ...], object
        ] = {}  # by the values of all fields, or without the defaults
        cls._named: dict[tuple[object, ...], object] = {}  # by arguments some of which are keywords
        cls._fields: tuple[str, ...] = tuple(namespace.get("__match_args__", ()))  # type: ignore[arg-type]

    def __call__(cls, *arguments: object, **keywords: object) -> Any:
        """Return the one object of these field values."""
        if keywords:
            table, key = cls._named, (*arguments, *keywords.items())
        else:
            table, key = cls._known, arguments
        one = table.get(key)
        if one is None:
            made = super().__call__(*arguments, **keywords)
            values = tuple([getattr(made, name) for name in cls._fields])
            one = table[key] = cls._known.setdefault(values, made)
        return one
