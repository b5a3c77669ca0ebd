"""What the tests let pass at a point, as far as it decides which mutants there are and which change nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..document import EvidenceModel, SeenEvidence
from ..plan import PointKey
from ..recorder import DISTINCT
from .mutant import Kind, Mutant
from .replacing import differs, replaced

Row = list[object]


@dataclass(frozen=True)
class Sights:
    """The values of every point, by the tests that passed and let them pass."""

    evidence: EvidenceModel

    def tests(self, key: PointKey) -> list[str]:
        """Return the tests that pass a point."""
        return list(self._seen.get(key, {}))

    def kinds(self, key: PointKey) -> frozenset[str]:
        """Return of what kinds the values of a point are, by the first element of their summaries."""
        return frozenset(str(row[0]) for row in self._values(key))

    def holds_numbers(self, key: PointKey) -> bool:
        """Whether sequences of numbers pass a point."""
        return any(_is_sequence_of_numbers(row) for row in self._values(key))

    def changes_nothing(self, mutant: Mutant) -> str | None:
        """Say why a mutant changes no value that the tests let pass; None where it does, or nobody can tell.

        Only what is known whole is judged: numbers and texts, all of them.
        """
        seen = self._seen.get(mutant.point, {})
        if mutant.kind not in {Kind.DEFAULT, Kind.CONSTANT, Kind.SCALED, Kind.HELD} or not seen:
            return None
        if any(len(one.values) >= DISTINCT for one in seen.values()):
            return None
        rows = self._values(mutant.point)
        values = [_value(row) for row in rows]
        if any(value is _UNKNOWN for value in values):
            return None
        if mutant.kind is Kind.HELD:
            if all(len(one.values) == 1 for one in seen.values()):
                return "the value never changes within a test"
            return None
        if any(differs(value, replaced(mutant.kind, mutant.change, value)) for value in values):
            return None
        shown = ", ".join(map(repr, values[:3])) + (", ..." if len(values) > 3 else "")
        return f"all that passes there is {shown}"

    def _values(self, key: PointKey) -> list[Row]:
        numbers = {number: None for one in self._seen.get(key, {}).values() for number in one.values}
        return [list(self.evidence.values[number]) for number in numbers]

    @cached_property
    def _seen(self) -> Mapping[PointKey, dict[str, SeenEvidence]]:
        keys: list[PointKey] = []
        for point in self.evidence.points:
            function = self.evidence.functions[point.function]
            where = (function.module, function.function, point.number, point.parameter, point.key)
            keys.append(PointKey(*where))
        found: dict[PointKey, dict[str, SeenEvidence]] = {}
        for test in self.evidence.tests:
            if test.outcome == "passed":
                for one in test.seen:
                    found.setdefault(keys[one.point], {})[test.id] = one
        return found


_UNKNOWN = object()


def _value(row: Row) -> object:
    """Return the value that a summary is of, where it holds all of it."""
    if row[0] == "none":
        return None
    if len(row) != 2 or row[0] not in {"int", "float", "bool", "str"}:
        return _UNKNOWN
    if row[0] == "float":
        return math.nan if row[1] == "nan" else float(str(row[1]))
    return row[1]


def _is_sequence_of_numbers(row: Row) -> bool:
    if row[0] != "many" or row[1] not in {"list", "tuple", "collections.deque"}:
        return False
    first = row[4]
    return isinstance(first, list) and bool(first) and all(one[0] in {"int", "float"} for one in first)
