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
PASSED = "passed"
_FEW = 3


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

    def telling(self, mutant: Mutant) -> list[str]:
        """Return the tests in which a mutant may change something: those that can notice it.

        What they let pass decides, where all of it is known: numbers and texts, and each of them looked at.
        """
        seen = self._seen.get(mutant.point, {})
        return [test for test, one in seen.items() if self._may_change(mutant, one)]

    def why_none(self, mutant: Mutant) -> str:
        """Say why no test that passes the point of a mutant can notice it."""
        if mutant.kind is Kind.HELD:
            return "no test lets two values pass"
        values = [_value(row) for row in self._values(mutant.point)]
        shown = ", ".join(map(repr, values[:_FEW])) + (", ..." if len(values) > _FEW else "")
        return f"all that passes there is {shown}"

    def _may_change(self, mutant: Mutant, seen: SeenEvidence) -> bool:
        if mutant.kind is Kind.HELD and seen.passes < 2:
            return False
        values = [_value(list(self.evidence.values[number])) for number in seen.values]
        if seen.sampled or len(values) >= DISTINCT or any(value is _UNKNOWN for value in values):
            return True
        if mutant.kind is Kind.HELD:
            return len(values) > 1
        if mutant.kind in {Kind.DEFAULT, Kind.CONSTANT, Kind.SCALED}:
            return any(differs(value, replaced(mutant.kind, mutant.change, value)) for value in values)
        return True

    def _values(self, key: PointKey) -> list[Row]:
        numbers = {number: None for one in self._seen.get(key, {}).values() for number in one.values}
        return [list(self.evidence.values[number]) for number in numbers]

    @cached_property
    def outcomes(self) -> Mapping[str, str]:
        """How each test ended."""
        return {test.id: test.outcome for test in self.evidence.tests}

    @cached_property
    def _seen(self) -> Mapping[PointKey, dict[str, SeenEvidence]]:
        keys: list[PointKey] = []
        for point in self.evidence.points:
            function = self.evidence.functions[point.function]
            keys.append(
                PointKey(function.module, function.function, point.number, point.parameter, point.key)
            )
        found: dict[PointKey, dict[str, SeenEvidence]] = {}
        for test in self.evidence.tests:
            if test.outcome == PASSED:
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
