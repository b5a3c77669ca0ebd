"""The wires of a plan: for each record its edges, with the points on every way along them, and its probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

Data = Mapping[str, Any]


class WayHop(NamedTuple):
    """One hop of a way: the numbers of its points, None where no value can be taken."""

    source: int | None
    target: int | None
    is_copy: bool


Way = tuple[WayHop, ...]


@dataclass(frozen=True, slots=True)
class DisplayPlan:
    """What a consumer has to show of a value."""

    value: object
    text: str | None
    absent: str | None
    style: str | None


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """One edge of a wire.

    Attributes:
        stage: The name of the stage that it leads to.
        is_consumer: Whether that is a consumer, which reads the value where it rests.
        carriers: Where the value rests after it.
        at: Where the record says so: file and line.
        before: The position of the edge that brings the value to where this one takes it; None for the emitter.
        transform: What the stage makes of the values that it takes, and the factor, where it is one.
        problem: Why nobody can follow the value along the edge; empty where it is proved.
        chains: The ways along each chain of its proof.
        writes: Points at which something else is stored into its carriers, where the edge is not proved.
        consumer: The name of the consumer's class or function.
        displays: What the consumer has to show of single values.
    """

    stage: str
    is_consumer: bool
    carriers: tuple[str, ...]
    at: str
    before: int | None
    transform: tuple[str, float] | None
    problem: str
    chains: tuple[tuple[Way, ...], ...]
    writes: tuple[int, ...]
    consumer: str
    displays: tuple[DisplayPlan, ...]

    @property
    def points(self) -> set[int]:
        """Every point of the edge."""
        found = set(self.writes)
        for way in (way for ways in self.chains for way in ways):
            found |= {point for hop in way for point in (hop.source, hop.target) if point is not None}
        return found

    def resting(self, way: Way) -> int | None:
        """Return the point at which the value rests in the edge's carrier: for a consumer where it reads it."""
        return way[0].source if self.is_consumer else way[-1].target


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """A record's probe.

    Attributes:
        drive: The drive's symbol.
        file: The drive's file; None where there is none in the project.
        at: Where the record names it: file and line.
        values: What it is driven with.
        sentinel: A number that no other record has; None where there is none.
        no_sentinel: Why there is none.
        tolerance: By how much a float may differ, relative to it.
    """

    drive: str
    file: str | None
    at: str
    values: tuple[object, ...]
    sentinel: float | None
    no_sentinel: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class WirePlan:
    """One record's wire.

    Attributes:
        digest: Of what the record says about it.
        is_single: Whether its value is one thing, no sequence and nothing with parts.
        depends_on: Records that it depends on, by what the records say.
        made_from: Carriers that its emitter takes values from.
    """

    record: str
    digest: str
    is_single: bool
    depends_on: tuple[str, ...]
    made_from: tuple[str, ...]
    edges: tuple[EdgePlan, ...]
    probe: ProbePlan | None

    @property
    def ordered(self) -> frozenset[int]:
        """The points of which a transform needs every pass."""
        return frozenset(
            point for edge in self.edges if edge.transform is not None for point in transformed(edge)
        )

    def to_data(self) -> dict[str, object]:
        """Return the wire as plain data."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Data) -> WirePlan:
        """Read a wire from plain data."""
        edges = tuple(_edge(one) for one in data["edges"])
        plain = _tupled(data, "depends_on", "made_from")
        probe = None if data["probe"] is None else ProbePlan(**_tupled(data["probe"], "values"))
        return cls(**{**plain, "edges": edges, "probe": probe})


def transformed(edge: EdgePlan) -> set[int]:
    """Return the points between which an edge's transform is checked."""
    ends = [(way[0].source, edge.resting(way)) for ways in edge.chains for way in ways]
    return {point for pair in ends for point in pair if point is not None}


def _edge(data: Data) -> EdgePlan:
    chains = tuple(tuple(tuple(WayHop(*hop) for hop in way) for way in ways) for ways in data["chains"])
    displays = tuple(DisplayPlan(**one) for one in data["displays"])
    transform = None if data["transform"] is None else tuple(data["transform"])
    plain = _tupled(data, "carriers", "writes")
    return EdgePlan(**{**plain, "chains": chains, "displays": displays, "transform": transform})


def _tupled(data: Data, *names: str) -> dict[str, Any]:
    def made(name: str, value: Any) -> Any:
        return tuple(value) if name in names and isinstance(value, Sequence) else value

    return {name: made(name, value) for name, value in data.items()}
