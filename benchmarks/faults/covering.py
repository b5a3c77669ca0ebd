"""Which tests cover a planted fault, by the evidence of a run without any: those that are to notice it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from telewire.verify.analysis import Verification
from telewire.verify.evidence.document import EvidenceModel
from telewire.verify.evidence.mutants.mutated import wire_points
from telewire.verify.evidence.mutants.sights import Sights
from telewire.verify.evidence.plan import PointKey

from .plant import Plant
from .tree import Function, Tree

_SENTINEL = "[sentinel]"


@dataclass(frozen=True)
class Covering:
    """The tests of a program, by what they pass. `verification` is of the program without any fault, with evidence."""

    tree: Tree
    verification: Verification

    def tests(self, plant: Plant) -> list[str]:
        """Return the tests that may notice a fault: those first that are likely to, and quick.

        These are the probes of the records whose wires it cuts, the tests that pass a point in a function that it
        changes, and those that pass any point of these wires.
        """
        records = {wire.record.id for wire in self.verification.wiring.wires if wire.record.id in plant.names}
        passed = {test.id for test in self.evidence.tests if test.outcome == "passed"}
        probes = [one.test for one in self.evidence.probes if one.record in records and one.test in passed]
        sentinels = [test for test in probes if test.endswith(_SENTINEL)]
        near = self._by_time(self._passing(self._points_in(plant)))
        far = self._by_time(self._passing(key for name in sorted(records) for key in self._points_of[name]))
        return list(dict.fromkeys((*sentinels, *(one for one in near if one not in probes), *probes, *far)))

    @property
    def evidence(self) -> EvidenceModel:
        """The evidence of the run without any fault."""
        found = self.verification.observed.evidence
        assert found is not None, self.verification.observed.missing
        return found

    def _by_time(self, tests: Iterable[str]) -> list[str]:
        return sorted(set(tests), key=lambda test: (self._seconds[test], test))

    def _passing(self, points: Iterable[PointKey]) -> Iterator[str]:
        for key in points:
            yield from self._sights.tests(key)

    @cached_property
    def _sights(self) -> Sights:
        return Sights(self.evidence)

    @cached_property
    def _seconds(self) -> dict[str, float]:
        return {test.id: test.seconds for test in self.evidence.tests}

    @cached_property
    def _points_of(self) -> dict[str, list[PointKey]]:
        """The points of each record's wire."""
        points = self.verification.observed.points
        return {
            wire.record.id: [point.key for point in wire_points(wire.edges, points)]
            for wire in self.verification.wiring.wires
        }

    def _points_in(self, plant: Plant) -> Iterator[PointKey]:
        """Yield the points in the functions that a fault changes."""
        root = self.verification.configuration.root
        lines = {root / path: list(self._functions_of(plant, path)) for path in plant.edits}
        for module in self.verification.observed.points.modules.values():
            changed = lines.get(Path(module.path), [])
            for point in module.points:
                if any(point.place.line in one for one in changed):
                    yield point.key

    def _functions_of(self, plant: Plant, path: str) -> Iterator[range]:
        """Yield the lines of the functions of a file that a fault changes."""
        content = self.tree.texts[path].content
        functions = [one for one in ast.walk(self.tree.modules[path]) if isinstance(one, Function)]
        for edit in plant.edits[path]:
            line = content.count(b"\n", 0, edit.start) + 1
            around = [one for one in functions if one.lineno <= line <= (one.end_lineno or 0)]
            if around:
                inner = max(around, key=lambda one: one.lineno)
                yield range(inner.lineno, (inner.end_lineno or inner.lineno) + 1)
