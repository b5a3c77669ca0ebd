"""Evidence laid over the edges: which of them some passing test has seen a value go through, and if none, why."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ...registry.config import Configuration
from ..source import FunctionSymbol
from ..wiring import Edge, StageKind, Verdict, Wire, Wiring
from .arithmetic import comes_out, is_of_numbers, numbers_in, wanted_of
from .comparing import Value, carried, default_value, is_default, is_known, value_of
from .dependencies import changed
from .document import EvidenceModel, TestEvidence, UnusableEvidence, read_evidence
from .handed import Handed
from .hook import INSTRUMENTED, NOT_IMPORTED, file_digest
from .places import Unseen
from .plan import Point, PointKey
from .points import HopPoints, Sources, WirePoints, transform_of
from .recorder import By, Entry


class Observation(enum.StrEnum):
    """What evidence says of an edge, the most telling last: the last that holds of any test is that of the edge."""

    NO_EVIDENCE = "no-evidence"  # nothing was collected
    UNPROVED = "unproved"  # the edge is not proved, so nobody knows where to look
    UNSEEABLE = "unseeable"  # no value can be taken at one of its ends
    STALE = "stale"  # the code has changed since
    UNSEEN = "unseen"  # no test passes both of its ends
    NOT_PASSED = "not-passed"  # only tests that failed, or were skipped, saw it
    HARNESS = "harness"  # reached only because a test called the stage itself
    DEFAULT = "default-only"  # no test saw anything but the default
    UNKNOWN = "unknown"  # the values are of a kind that nothing is kept of, or only some were looked at
    DIFFERS = "differs"  # never the same value at both ends, or not what the stage's transform makes of it
    CONSTANT = "constant"  # what is computed, or what it is computed from, never changed
    TESTED = "tested"


_SHOWN = 4
_ORDER = {one: position for position, one in enumerate(Observation)}


@dataclass(frozen=True, slots=True)
class EdgeObservation:
    """What evidence says of one edge, why it is no more, and the tests that show it."""

    edge: Edge
    observation: Observation
    reason: str
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Passed:
    """What one test saw at a point, in how many passes; `some_of` says how many, where not all were looked at."""

    values: tuple[Value, ...]
    some_of: int = 0
    passes: int = 0


_NOT_TO_SEE = _Passed(())


@dataclass(frozen=True, slots=True)
class _Sight:
    """What one test saw at every point of an edge, hop by hop."""

    test: TestEvidence
    hops: tuple[tuple[HopPoints, _Passed, _Passed], ...]
    entries: tuple[frozenset[Entry], ...]

    def resting(self, edge: Edge) -> _Passed:
        """Return what rested in the edge's carrier: what came in at its end, for a consumer what it read."""
        return self.hops[0][1] if edge.target.kind is StageKind.CONSUMER else self.hops[-1][2]


@dataclass(frozen=True)
class Observed:
    """Evidence, laid over the points of the wires.

    `missing` says why there is none, `is_unusable` whether there is a file all the same. `root` is the folder that
    files of tests are named from: those that have changed since are left out.
    """

    points: WirePoints
    evidence: EvidenceModel | None
    missing: str = "no run-time evidence has been collected"
    entry_points: frozenset[tuple[str, str]] = frozenset()
    root: Path | None = None
    is_unusable: bool = False
    _edges: dict[int, EdgeObservation] = field(default_factory=dict, compare=False)

    def of_wire(self, wire: Wire) -> tuple[EdgeObservation, ...]:
        """Return what evidence says of each edge of a wire."""
        return tuple(self.of_edge(edge) for edge in wire.edges)

    def of_edge(self, edge: Edge) -> EdgeObservation:
        """Return what evidence says of an edge."""
        found = self._edges.get(id(edge))
        if found is None:
            found = self._edges[id(edge)] = self._observe(edge)
        return found

    @classmethod
    def of(cls, configuration: Configuration, wiring: Wiring, paths: Mapping[str, str]) -> Observed:
        """Read a project's evidence and lay it over its wires; `paths` are the files of its modules."""
        points = WirePoints.of(wiring, Sources(paths))
        entry_points = frozenset(
            (module.strip(), name.strip())
            for module, _, name in (
                text.partition("[")[0].partition(":") for text in configuration.entry_points
            )
        )
        try:
            evidence = None if configuration.evidence is None else read_evidence(configuration.evidence)
        except UnusableEvidence as error:
            return cls(points, None, str(error), entry_points, is_unusable=True)
        return cls(points, evidence, entry_points=entry_points, root=configuration.root)

    # -- one edge -----------------------------------------------------------------------------------------------

    def _observe(self, edge: Edge) -> EdgeObservation:
        if edge.verdict is not Verdict.PROVED:
            return EdgeObservation(edge, Observation.UNPROVED, "the edge is not proved")
        if self.evidence is None:
            return EdgeObservation(edge, Observation.NO_EVIDENCE, self.missing)
        found: EdgeObservation | None = None
        for ways in self.points.ways(edge):
            judged = [self._along(edge, way) for way in ways]
            best = max(
                judged, key=lambda one: _ORDER[one.observation]
            )  # the first of equals: the proof's own
            if found is None or _ORDER[best.observation] < _ORDER[found.observation]:
                found = best
        assert found is not None
        return found

    def _along(self, edge: Edge, hops: Sequence[HopPoints]) -> EdgeObservation:
        """Return what evidence says of one way along an edge."""
        assert self.evidence is not None
        for end in (hops[0].source, hops[-1].target):
            if isinstance(end, Unseen):
                return EdgeObservation(edge, Observation.UNSEEABLE, f"no value can be seen: {end.reason}")
        begun = self.points.beginnings(edge)
        unusable = self._unusable(edge, [*_points(hops), *begun])
        if unusable is not None:
            return unusable
        sights = [
            sight for test in self.evidence.tests if (sight := self._sight(test, hops, begun)) is not None
        ]
        passing = [sight for sight in sights if sight.test.outcome == "passed"]
        if not passing:
            return self._unseen(edge, hops, sights)
        standing = [sight for sight in passing if sight.test.id.partition("::")[0] not in self._changed_files]
        if not standing:
            file = passing[0].test.id.partition("::")[0]
            tests = tuple(sight.test.id for sight in passing)
            return EdgeObservation(edge, Observation.STALE, f"{file} has changed since its tests ran", tests)
        return self._judged(edge, standing)

    def _unusable(self, edge: Edge, points: Iterable[Point]) -> EdgeObservation | None:
        """Say why evidence says nothing of an edge: its code has changed since, or could not be instrumented."""
        for point in points:
            key = point.key
            function = (key.module, key.function)
            what = changed(function, self._known_functions.get(function), self.points.functions[function])
            if what is not None:
                return EdgeObservation(edge, Observation.STALE, f"{what} has changed since the tests ran")
            number = self._known_points.get(key)
            if number is None:
                reason = (
                    f"the wire has another way through {key.module}:{key.function} than when the tests ran"
                )
                return EdgeObservation(edge, Observation.STALE, reason)
            assert self.evidence is not None
            refused = self.evidence.points[number].refused
            if refused is not None:
                return EdgeObservation(edge, Observation.UNSEEABLE, f"no value can be seen: {refused}")
            state = self.evidence.modules.get(key.module, NOT_IMPORTED)
            if state not in {INSTRUMENTED, NOT_IMPORTED}:
                return EdgeObservation(edge, Observation.UNSEEABLE, f"{key.module}: {state}")
        return None

    def _sight(self, test: TestEvidence, hops: Sequence[HopPoints], begun: Sequence[Point]) -> _Sight | None:
        seen = self._seen[test.id]
        if begun and not any(self._known_points[point.key] in seen for point in begun):
            return None  # somebody else called what the stage calls
        passed: list[tuple[HopPoints, _Passed, _Passed]] = []
        for hop in hops:
            source, target = self._passed(seen, hop.source), self._passed(seen, hop.target)
            if source is None or target is None:
                return None
            passed.append((hop, source, target))
        entries = tuple(frozenset(one for one in self._entries(seen, point)) for point in _points(hops))
        return _Sight(test, tuple(passed), entries)

    def _passed(self, seen: Mapping[int, int], point: Point | Unseen) -> _Passed | None:
        """Return what a test saw at a point, None where it does not pass it; between the ends some cannot be seen."""
        if isinstance(point, Unseen):
            return _NOT_TO_SEE
        at = seen.get(self._known_points[point.key])
        return None if at is None or not self._all_passed[at].values else self._all_passed[at]

    def _entries(self, seen: Mapping[int, int], point: Point) -> list[Entry]:
        at = seen.get(self._known_points[point.key])
        return [] if at is None else self._all_seen[at].entries

    # -- what it comes to ---------------------------------------------------------------------------------------

    def _unseen(self, edge: Edge, hops: Sequence[HopPoints], sights: Sequence[_Sight]) -> EdgeObservation:
        if sights:
            tests = tuple(sight.test.id for sight in sights)
            named = _named(f"{sight.test.id} ({sight.test.outcome})" for sight in sights)
            return EdgeObservation(
                edge, Observation.NOT_PASSED, f"seen only by tests that did not pass: {named}", tests
            )
        points = _points(hops)
        numbers = [self._known_points[point.key] for point in points]
        nearest = max(
            self._seen, key=lambda test: sum(one in self._seen[test] for one in numbers), default=None
        )
        seen = {} if nearest is None else self._seen[nearest]
        missing = next(
            (point for point, number in zip(points, numbers, strict=True) if number not in seen), None
        )
        if missing is None:
            reason = f"no test runs {edge.name}: what it calls is called by others"
            return EdgeObservation(edge, Observation.UNSEEN, reason)
        reason = f"no test passes {_where(missing)}"
        if nearest is not None and any(one in seen for one in numbers):
            reason = f"{_where(missing)} is not passed by the test that comes nearest, {nearest}"
        return EdgeObservation(edge, Observation.UNSEEN, reason)

    def _judged(self, edge: Edge, passing: Sequence[_Sight]) -> EdgeObservation:
        default = default_value(edge.record.default)
        real = [sight for sight in passing if self._is_real(edge, sight)]
        if not real:
            reason = (
                f"only tests that call {edge.name} themselves see it: {_named(s.test.id for s in passing)}"
            )
            return EdgeObservation(edge, Observation.HARNESS, reason, tuple(s.test.id for s in passing))
        telling = [
            sight
            for sight in real
            if any(not is_default(value, default) for value in sight.resting(edge).values)
        ]
        if not telling:
            reason = f"seen only at its default by {_named(s.test.id for s in real)}"
            some_of = sum(sight.resting(edge).some_of for sight in real)
            found = Observation.UNKNOWN if some_of else Observation.DEFAULT
            return EdgeObservation(edge, found, reason + _only_some(some_of), tuple(s.test.id for s in real))
        worst: EdgeObservation | None = None
        shown: list[str] = []
        for sight in telling:
            copied = self._copies(edge, sight, default)
            if copied is None:
                shown.append(sight.test.id)
            elif worst is None or copied.observation is Observation.DIFFERS:
                worst = copied
        if not shown:
            assert worst is not None
            return worst
        differs = _not_transformed(edge, telling)
        if differs is not None:
            return differs
        constant = _never_changing(real)
        if constant is not None:
            what, some_of = constant
            reason = f"{what} never changed: {_named(shown)}{_only_some(some_of)}"
            found = Observation.UNKNOWN if some_of else Observation.CONSTANT
            return EdgeObservation(edge, found, reason, tuple(shown))
        return EdgeObservation(edge, Observation.TESTED, f"seen by {_named(shown)}", tuple(shown))

    def _copies(self, edge: Edge, sight: _Sight, default: Value) -> EdgeObservation | None:
        """Say at which copy the values of a test are not the same."""
        for hop, sources, targets in sight.hops:
            if not hop.is_copy or hop.source == hop.target or not sources.values or not targets.values:
                continue
            if carried(sources.values, targets.values, default):
                continue
            where = str(hop.hop.site)
            if not any(map(is_known, sources.values)) or not any(map(is_known, targets.values)):
                kind = sources.values[0][0]
                reason = f"{where}: the values are of a kind that nothing is kept of ({kind})"
                return EdgeObservation(edge, Observation.UNKNOWN, reason, (sight.test.id,))
            reason = f"{where}: no value of {hop.hop.source} is seen again at {hop.hop.target}"
            some_of = max(sources.some_of, targets.some_of)
            found = Observation.UNKNOWN if some_of else Observation.DIFFERS
            return EdgeObservation(edge, found, reason + _only_some(some_of), (sight.test.id,))
        return None

    def _is_real(self, edge: Edge, sight: _Sight) -> bool:
        """Whether the program itself led to the edge, and not a test that calls its stage."""
        own = {(one.module, one.qualname) for one in _own_functions(edge)}

        def drives(entry: Entry) -> bool:
            module, name, by = entry
            function = (module, name.partition(".<locals>")[0])
            is_another = function not in own or function in self.entry_points
            return by == "program" or is_another or (by == "unknown" and self._handed.may_be(module, name))

        # What a thread of the program does is not the test's doing; the rest has to come from one entry, or the test
        # may have carried the value from one to the other itself.
        left = [entries for entries in sight.entries if not any(self._is_driven(*entry) for entry in entries)]
        return not left or any(drives(entry) for entry in frozenset.intersection(*left))

    def _is_driven(self, module: str, name: str, by: By) -> bool:
        return by == "program" or (by == "unknown" and self._handed.may_be(module, name))

    @cached_property
    def _handed(self) -> Handed:
        return Handed(self.points.sources)

    # -- evidence by its keys -----------------------------------------------------------------------------------

    @cached_property
    def _changed_files(self) -> frozenset[str]:
        """The files of tests that are not as they were when their tests ran, or not there."""
        if self.root is None or self.evidence is None:
            return frozenset()
        before = self.evidence.files
        return frozenset(file for file in before if file_digest(self.root / file) != before[file])

    @cached_property
    def _known_functions(self) -> dict[tuple[str, str], str]:
        assert self.evidence is not None
        return {(one.module, one.function): one.digest for one in self.evidence.functions}

    @cached_property
    def _known_points(self) -> dict[PointKey, int]:
        assert self.evidence is not None
        found: dict[PointKey, int] = {}
        for number, one in enumerate(self.evidence.points):
            function = self.evidence.functions[one.function]
            key = PointKey(function.module, function.function, one.number, one.parameter, one.key)
            found[key] = number
        return found

    @cached_property
    def _all_seen(self) -> list[SeenRow]:
        assert self.evidence is not None
        return [SeenRow(seen.point, seen.entries) for test in self.evidence.tests for seen in test.seen]

    @cached_property
    def _all_passed(self) -> list[_Passed]:
        assert self.evidence is not None
        values = [value_of(one) for one in self.evidence.values]
        return [
            _Passed(tuple(values[at] for at in seen.values), seen.passes if seen.sampled else 0, seen.passes)
            for test in self.evidence.tests
            for seen in test.seen
        ]

    @cached_property
    def _seen(self) -> dict[str, dict[int, int]]:
        """For each test the row of what it saw, by point."""
        assert self.evidence is not None
        found: dict[str, dict[int, int]] = {}
        row = 0
        for test in self.evidence.tests:
            rows = found[test.id] = {}
            for seen in test.seen:
                rows[seen.point] = row
                row += 1
        return found


@dataclass(frozen=True, slots=True)
class SeenRow:
    """How one point was reached in one test."""

    point: int
    entries: list[Entry]


def _points(hops: Iterable[HopPoints]) -> list[Point]:
    """Return the points of hops, each once, in their order."""
    return list(
        dict.fromkeys(point for hop in hops for point in (hop.source, hop.target) if isinstance(point, Point))
    )


def _own_functions(edge: Edge) -> Collection[FunctionSymbol]:
    """Return the functions that are the end of an edge; the way to the schema ends where its field is stored."""
    if edge.target.kind is StageKind.SCHEMA:
        return {hop.site.function for hop in edge.proof[-1:]}
    return edge.target.own


def _never_changing(sights: Sequence[_Sight]) -> tuple[str, int] | None:
    """Return what never changed where something is computed: the value, or else what it is computed from.

    Beside it stands how many values passed there, where not all of them were looked at. What is sure comes first.
    """
    found: list[tuple[str, int]] = []
    for position, (hop, _, _) in enumerate(sights[0].hops):
        if hop.is_copy:
            continue
        sources = [sight.hops[position][1] for sight in sights]
        targets = [sight.hops[position][2] for sight in sights]
        for said, point, passed in (
            ("what is computed at", hop.target, targets),
            ("what is computed from, at", hop.source, sources),
        ):
            values = {value for one in passed for value in one.values}
            if len(values) < 2 and isinstance(point, Point) and all(map(is_known, values)):
                found.append((f"{said} {_where(point)}", sum(one.some_of for one in passed)))
    return min(found, key=lambda one: one[1] > 0, default=None)


def _not_transformed(edge: Edge, sights: Iterable[_Sight]) -> EdgeObservation | None:
    """Say in which test something else came out of a stage than what its transform makes of what went in."""
    transform = transform_of(edge)
    if transform is None:
        return None
    for sight in sights:
        against = _against(transform, sight.hops[0][1], sight.resting(edge))
        if against is not None:
            test = sight.test.id
            return EdgeObservation(edge, Observation.DIFFERS, f"{against}: {test}", (test,))
    return None


def _against(transform: tuple[str, float], taken: _Passed, given: _Passed) -> str | None:
    """Say what came out of a transform that is not what it makes of what went in; None if it is, or nobody can tell."""
    if taken.some_of or given.some_of or not all(map(is_of_numbers, given.values)):
        return None
    wanted = wanted_of(transform, taken.values, taken.passes, given.passes)
    if wanted is None or comes_out(wanted, given.values):
        return None
    kind, factor = transform
    made = f"{factor:g} times" if kind == "scale" else f"the {kind} of"
    went_in, came_out = (
        _some(number for value in passed.values for number in numbers_in(value)) for passed in (taken, given)
    )
    return f"{made} {went_in} is {_some(wanted)}, and {came_out} comes out"


def _some(numbers: Iterable[float]) -> str:
    found = [f"{one:g}" for one in numbers]
    return ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")


def _only_some(some_of: int) -> str:
    return f"; of {some_of} values that passed there only some were looked at" if some_of else ""


def _where(point: Point) -> str:
    return f"{point.key.module}:{point.key.function}, line {point.place.line}"


def _named(tests: Iterable[str]) -> str:
    names = list(tests)
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
