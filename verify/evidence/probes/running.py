"""One value of a probe, driven and judged: how far it came, whether it crossed over, what the consumers show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pytest

from ..plan import Plan
from .arrival import EdgeArrival, Sight, arrivals, first_stop
from .crossings import Crossing, crossings
from .drives import Drive, DriveError, called
from .expected import Expected, seen_as, spelt
from .sentences import crossed, stopped
from .wires import ProbePlan, WirePlan

if TYPE_CHECKING:
    from .display import Shown


class Sights(Protocol):
    """What probes ask of the session that watches the points."""

    @property
    def plan(self) -> Plan:
        """The plan that the points are numbered by."""

    def sight_of(self, item: pytest.Item) -> Sight | None:
        """Return what passed in a test until now; None where nothing is watched."""


@dataclass
class History:
    """What the probes of each record saw at each edge, value by value, in this process."""

    _saw: dict[str, dict[str, list[tuple[str, ...]]]] = field(default_factory=dict)

    def add(self, record: str, value: str, found: list[EdgeArrival]) -> None:
        """Note what one value of a record saw."""
        self._saw.setdefault(record, {})[value] = [one.saw for one in found]

    def constant(self, record: str, value: str, position: int) -> list[str]:
        """Return the values at which an edge saw the same, if it did at all that are known."""
        saw = self._saw.get(record, {})
        here = saw[value][position]
        if len(saw) < 2 or not here or any(one[position] != here for one in saw.values()):
            return []
        return list(saw)


@dataclass
class Probing:
    """One value of a record's probe, and what became of it."""

    wire: WirePlan
    probe: ProbePlan
    value: object
    is_sentinel: bool
    history: History
    item: pytest.Item | None = None
    found: list[EdgeArrival] = field(default_factory=list)
    crossed: list[Crossing] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    problem: str | None = None
    _last: EdgeArrival | None = None

    def run(self, drive: Drive, fixtures: dict[str, object], sights: Sights) -> None:
        """Drive the value, and fail where it does not arrive, crosses over, or is not shown."""
        __tracebackhide__ = True
        self.found, self.crossed, self.shown, self.problem, self._last = [], [], [], None, None
        function: object = drive.function if drive.fixture is None else fixtures.pop(drive.fixture)
        if not callable(function):
            pytest.fail(
                f"the fixture {drive.fixture} is a {type(function).__name__}; "
                f"expected a function that takes the value ({self.probe.at})",
                pytrace=False,
            )
        try:
            called(function, self.value, fixtures, self._look)
        except DriveError as error:
            self.problem = f"{self.probe.drive} cannot be driven ({self.probe.at}): {error}"
            pytest.fail(self.problem, pytrace=False)
        assert self.item is not None
        said = self._lost(sights.sight_of(self.item), sights.plan)
        said += [one.problem for one in self.shown if one.problem is not None]
        if said:
            self.problem = "\n".join(said)
            pytest.fail(self.problem, pytrace=False)

    def _look(self, shown: object) -> None:
        wanted = [
            (edge, display)
            for edge in self.wire.edges
            for display in edge.displays
            if not self.is_sentinel and _is_same(display.value, self.value)
        ]
        if wanted:
            from .display import look

            self.shown = [look(shown, edge, display) for edge, display in wanted]

    def _lost(self, sight: Sight | None, plan: Plan) -> list[str]:
        """Say where the value was lost, and where it came out instead."""
        if sight is None:
            return []
        name = spelt(self.value)
        self.found = arrivals(self.wire, self.probe, self.value, sight)
        self.history.add(self.wire.record, name, self.found)
        last = self._last = first_stop(self.found, self._displayed())
        said: list[str] = []
        if self.is_sentinel:
            expected = Expected(self.value, self.probe.tolerance)
            self.crossed = crossings(self.wire, plan.wires, expected, sight)
            if self.crossed:
                said.append(crossed(self.wire.record, self.value, self.crossed))
        if last is not None:
            constant = self.history.constant(self.wire.record, name, self.found.index(last))
            said.append(stopped(self.probe, self.value, self.found, last, constant))
        return said

    def _displayed(self) -> set[str]:
        """Return the consumers that show the value as they have to."""
        wrong = {one.consumer for one in self.shown if one.problem is not None}
        return {one.consumer for one in self.shown if one.display.text is not None} - wrong

    def to_data(self) -> dict[str, object]:
        """Return what became of it as plain data."""
        last = self._last
        return {
            "record": self.wire.record,
            "digest": self.wire.digest,
            "value": self.value,
            "is_sentinel": self.is_sentinel,
            "drive": self.probe.drive,
            "file": self.probe.file,
            "problem": self.problem,
            "stopped": None if last is None else {"stage": last.edge.stage, "carrier": last.carrier},
            "edges": [
                {
                    "stage": one.edge.stage,
                    "carrier": one.carrier,
                    "arrived": str(one.arrived),
                    "saw": list(one.saw),
                }
                for one in self.found
            ],
            "transforms": [
                {
                    "stage": one.edge.stage,
                    "transform": one.edge.transform[0],
                    "wanted": spelt(one.transformed.wanted),
                    "found": seen_as(one.transformed.found),
                    "holds": one.transformed.holds(one.expected.tolerance),
                }
                for one in self.found
                if one.transformed is not None and one.edge.transform is not None
            ],
            "displays": [one.to_data() for one in self.shown],
            "crossed": [
                {"record": one.record, "stage": one.stage, "carrier": one.carrier} for one in self.crossed
            ],
        }


def _is_same(one: object, other: object) -> bool:
    return type(one) is type(other) and (one == other or (one != one and other != other))
