"""What evidence says of a record's probe: whether every value of it arrived everywhere, and if not, why."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ....registry import Record
from ...wiring import Edge, Verdict, Wire
from ..dependencies import changed
from ..document import EvidenceModel, ProbeEvidence, TestEvidence
from ..hook import digest_of_source
from ..observed import Observation, Observed
from ..plan import Point
from .drawing import record_digest
from .expected import spelt
from .files import DriveFiles
from .sentinels import sentinels

HARNESS = frozenset({Observation.HARNESS})


class ProbeState(enum.StrEnum):
    """What evidence says of a probe."""

    NO_PROBE = "no-probe"  # the record has none
    NOT_RUN = "not-run"  # some value of it has not been driven
    STALE = "stale"  # the code, the record or the drive has changed since
    FAILED = "failed"  # some value did not arrive everywhere, crossed over, or was not displayed
    HARNESS = "harness"  # the drive calls the stages itself, and not the program
    PASSED = "passed"  # every value arrived everywhere


@dataclass(frozen=True, slots=True)
class Probed:
    """What evidence says of a record's probe, the reason, and the tests that show it."""

    state: ProbeState
    reason: str
    tests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probes:
    """Evidence of probes, laid over the wires. `chosen` are the sentinels, or why a record has none."""

    observed: Observed
    files: DriveFiles
    chosen: Mapping[str, float | str]
    _found: dict[str, Probed] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, observed: Observed, files: DriveFiles, records: Iterable[Record]) -> Probes:
        """Lay evidence over the probes of some records: all of a registry, since they share out the sentinels."""
        return cls(observed, files, sentinels(records))

    def of_wire(self, wire: Wire) -> Probed:
        """Return what evidence says of a record's probe."""
        found = self._found.get(wire.record.id)
        if found is None:
            found = self._found[wire.record.id] = self._probed(wire)
        return found

    def _probed(self, wire: Wire) -> Probed:
        probe = wire.record.probe
        evidence = self.observed.evidence
        if probe is None:
            return Probed(ProbeState.NO_PROBE, "the record has no probe")
        if evidence is None:
            return Probed(ProbeState.NOT_RUN, self.observed.missing)
        rows = self._rows.get(wire.record.id, {})
        stale = self._stale(wire, rows.values(), evidence)
        if rows and stale is not None:
            return Probed(ProbeState.STALE, stale, tuple(row.test for row in rows.values()))
        outcomes = {test.id: test.outcome for test in evidence.tests}
        failed = [row for row in rows.values() if outcomes.get(row.test) in {"failed", "error", "xfailed"}]
        if failed:
            return Probed(ProbeState.FAILED, _why(failed), tuple(row.test for row in failed))
        missing = [
            name
            for name in self._wanted(wire.record)
            if name not in rows or outcomes.get(rows[name].test) != "passed"
        ]
        if missing:
            named = ", ".join(f"probe[{name}]" for name in missing)
            return Probed(ProbeState.NOT_RUN, f"{named} has not been run")
        tests = tuple(row.test for row in rows.values())
        by_hand = self._by_hand(wire, tests, evidence)
        if by_hand is not None:
            return Probed(ProbeState.HARNESS, by_hand, tests)
        return Probed(ProbeState.PASSED, f"{len(tests)} values arrived everywhere", tests)

    def _wanted(self, record: Record) -> list[str]:
        assert record.probe is not None
        names = [spelt(value) for value in record.probe.values]
        return names if isinstance(self.chosen.get(record.id, ""), str) else [*names, "sentinel"]

    def _stale(self, wire: Wire, rows: Iterable[ProbeEvidence], evidence: EvidenceModel) -> str | None:
        """Say what has changed since a probe ran: the record, the drive's file, or a function on the wire."""
        record = wire.record
        assert record.probe is not None
        digest = record_digest(record)
        file = self.files.file(record.probe.drive.module)
        drive = None if file is None else digest_of_source(file.read_bytes())
        uses = {} if file is None else self.files.used_by(file)
        sentinel = self.chosen.get(record.id)
        for row in rows:
            if row.digest != digest:
                return f"what {record.id} says of its wire has changed since"
            if row.file_digest != drive:
                return f"the drive's module {record.probe.drive.module} has changed since"
            differing = sorted({*row.uses.items()} ^ {*uses.items()})
            if differing:
                return f"{differing[0][0]}, which the drive depends on, has changed since"
            if row.is_sentinel and row.value != sentinel:
                return f"its sentinel is {sentinel} now"
        known = {(one.module, one.function): one.digest for one in evidence.functions}
        for point in self._points(wire.edges):
            key = (point.key.module, point.key.function)
            what = changed(key, known.get(key), self.observed.points.functions[key])
            if what is not None:
                return f"{what} has changed since"
        return None

    def _points(self, edges: Iterable[Edge]) -> Iterable[Point]:
        points = self.observed.points
        for edge in edges:
            if edge.verdict is not Verdict.PROVED:
                yield from points.writes(edge)
                continue
            for way in (way for ways in points.ways(edge) for way in ways):
                for hop in way:
                    yield from (point for point in (hop.source, hop.target) if isinstance(point, Point))

    def _by_hand(self, wire: Wire, tests: tuple[str, ...], evidence: EvidenceModel) -> str | None:
        """Say which stage only the drive itself calls, if there is one."""
        own: list[TestEvidence] = [test for test in evidence.tests if test.id in tests]
        alone = Observed(
            self.observed.points,
            evidence.model_copy(update={"tests": own}),
            entry_points=self.observed.entry_points,
        )
        for one in alone.of_wire(wire):
            if one.observation in HARNESS:
                return one.reason
        return None

    @cached_property
    def _rows(self) -> dict[str, dict[str, ProbeEvidence]]:
        found: dict[str, dict[str, ProbeEvidence]] = {}
        for row in () if self.observed.evidence is None else self.observed.evidence.probes:
            name = row.test.partition("[")[2].removesuffix("]")
            found.setdefault(row.record, {})[name] = row
        return found


def constants(rows: Iterable[ProbeEvidence]) -> dict[str, str]:
    """Return the carriers that saw the same for all values of a probe, with what they saw."""
    saw: dict[str, set[tuple[str, ...]]] = {}
    times: dict[str, int] = {}
    for row in rows:
        for edge in row.edges:
            saw.setdefault(edge.carrier, set()).add(tuple(edge.saw))
            times[edge.carrier] = times.get(edge.carrier, 0) + 1
    return {
        carrier: ", ".join(next(iter(found)))
        for carrier, found in saw.items()
        if times[carrier] > 1 and len(found) == 1 and () not in found
    }


def _why(failed: list[ProbeEvidence]) -> str:
    first = failed[0]
    name = first.test.partition("::")[2]
    said = (first.problem or "the drive failed").splitlines()[0]
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    same = [f"{carrier} is always {value}" for carrier, value in constants(failed).items()]
    return "; ".join([f"{name}: {said}{more}", *same])
