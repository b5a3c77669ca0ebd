"""Subjects: what a condition speaks about, its names and the domain of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..ranges import ValueRange
from ..value_types import Kind, Shape

AGGREGATES = ("mean", "min", "max", "len")
"""The functions that see the whole window of a sequence."""


@dataclass(frozen=True, slots=True)
class Domain:
    """All values one name can take: a kind, and for numbers the declared range (None: every number)."""

    kind: Kind
    range: ValueRange | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """The names that a condition may read.

    A scalar or a sequence has the one name `value` (of a sequence: its newest element), which `aliases`
    rename; a structured value has one name for each field. `domains` gives the domain of each.
    """

    shape: Shape
    domains: Mapping[str, Domain] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()

    @classmethod
    def scalar(
        cls, kind: Kind, within: ValueRange | None = None, *, aliases: tuple[str, ...] = ()
    ) -> Subject:
        """One number, flag or string, called `value` or by one of its aliases."""
        return cls(Shape.SCALAR, {"value": Domain(kind, within)}, frozenset(aliases))

    @classmethod
    def sequence(
        cls,
        kind: Kind,
        within: ValueRange | None = None,
        *,
        aliases: tuple[str, ...] = (),
    ) -> Subject:
        """A window of scalars, the newest last; `within` bounds each element."""
        domains = {"value": Domain(kind, within)}
        if kind.is_number:
            mean = Domain(Kind.FLOAT, within)
            domains |= {
                "mean(values)": mean,
                "min(values)": Domain(kind, within),
                "max(values)": Domain(kind, within),
            }
        domains["len(values)"] = Domain(Kind.INT, ValueRange.parse("[1, inf)"))
        return cls(Shape.SEQUENCE, domains, frozenset(aliases))

    @classmethod
    def structured(cls, fields: Mapping[str, Domain]) -> Subject:
        """A dataclass instance or mapping with these fields."""
        return cls(Shape.STRUCTURED, dict(fields))

    def resolve(self, name: str) -> str | None:
        """The canonical name that `name` stands for, or None where it is unknown."""
        if name in self.domains:
            return name
        return "value" if name in self.aliases and "value" in self.domains else None

    @property
    def readable_names(self) -> tuple[str, ...]:
        """Every name that may be written, for messages and suggestions."""
        plain = [name for name in self.domains if "(" not in name]
        return (*plain, *sorted(self.aliases))
