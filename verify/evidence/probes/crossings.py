"""Where one record's sentinel comes out on another record's wire, to which it has no right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..comparing import Value, elements
from .arrival import Sight
from .expected import Expected
from .wires import EdgePlan, WirePlan


@dataclass(frozen=True, slots=True)
class Crossing:
    """A carrier of another record's wire that holds the sentinel of this one."""

    record: str
    stage: str
    carrier: str
    place: str


def crossings(own: WirePlan, wires: Sequence[WirePlan], expected: Expected, sight: Sight) -> list[Crossing]:
    """Return the first carrier of each other wire at which a record's sentinel stands.

    Where the other wire has a carrier of this one, or the same point, what follows on it has the value by right: a
    metric and its history. So has what is made from one, by the source or by what the records say. Consumers only
    read, and what they read is a carrier of the wire before.
    """
    carriers = {carrier for edge in own.edges if not edge.is_consumer for carrier in edge.carriers}
    points = {point for edge in own.edges if not edge.is_consumer for point in _resting(edge)}
    found: list[Crossing] = []
    for wire in wires:
        is_made_of_it = own.record in wire.depends_on or not carriers.isdisjoint(wire.made_from)
        if wire.record != own.record and not is_made_of_it:
            first = next(_crossed(wire, carriers, points, expected, sight), None)
            if first is not None:
                found.append(first)
    return found


def _crossed(
    wire: WirePlan, carriers: set[str], points: set[int], expected: Expected, sight: Sight
) -> Iterator[Crossing]:
    by_right: set[int] = set()
    for position, edge in enumerate(wire.edges):
        shared = bool(carriers.intersection(edge.carriers)) or not points.isdisjoint(_resting(edge))
        if shared or edge.before in by_right:
            by_right.add(position)
        elif not edge.is_consumer:
            for point in _resting(edge):
                if any(_is_held(wire, expected, value) for value in sight.values(point)):
                    yield Crossing(wire.record, edge.stage, " and ".join(edge.carriers), sight.where(point))


def _resting(edge: EdgePlan) -> Iterator[int]:
    yield from edge.writes
    for ways in edge.chains:
        for way in ways:
            point = edge.resting(way)
            if point is not None:
                yield point


def _is_held(wire: WirePlan, expected: Expected, value: Value) -> bool:
    """Whether a value is the sentinel; where the metric is a sequence or has parts, also one of them."""
    if expected.is_it(value):
        return True
    return not wire.is_single and any(expected.is_it(one) for one in elements(value))
