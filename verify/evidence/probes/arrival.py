"""How far a value came on its wire: edge by edge, by what was seen at the points of each."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..comparing import Value, value_of
from ..recorder import Seen
from ..summaries import Summary
from .expected import Expected, Transformed, seen_as, through
from .wires import EdgePlan, ProbePlan, Way, WirePlan

_SHOWN = 4
_NEVER = Seen(0, (), None, None, ())


class Arrived(enum.StrEnum):
    """Whether a value arrived at the end of an edge."""

    YES = "arrived"
    NO = "stopped"
    UNKNOWN = "unknown"  # nothing is kept of what passes there


@dataclass(frozen=True, slots=True)
class EdgeArrival:
    """What became of a value on one edge.

    Attributes:
        carrier: Where it rests then.
        place: Where that was looked for: file and line; empty where nothing could be looked at.
        saw: The values that were seen there.
        why: What is wrong, where it did not arrive.
        expected: What had to be seen there.
        transformed: What came out of the stage's transform, where it has one.
    """

    edge: EdgePlan
    arrived: Arrived
    place: str
    saw: tuple[str, ...]
    why: str
    expected: Expected
    transformed: Transformed | None = None

    @property
    def carrier(self) -> str:
        """Where the value rests."""
        return " and ".join(self.edge.carriers)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one test saw: at each point, and of the points with a transform each pass, in order.

    `where` says where a point is, and `unseen` why no value can be seen there; empty where one can.
    """

    seen: Mapping[int, Seen]
    order: Sequence[tuple[int, Summary]]
    where: Callable[[int], str]
    unseen: Callable[[int], str] = lambda point: ""

    def values(self, point: int | None) -> tuple[Value, ...]:
        """Return what passed a point."""
        found = None if point is None else self.seen.get(point)
        return () if found is None else tuple(value_of(one) for one in found.values)

    def passes(self, source: int, target: int) -> list[tuple[bool, Value]]:
        """Return what passed the two ends of a transform, in order; whether it went in."""
        return [(point == source, value_of(one)) for point, one in self.order if point in (source, target)]


def arrivals(wire: WirePlan, probe: ProbePlan, value: object, sight: Sight) -> list[EdgeArrival]:
    """Return how far a value came, edge by edge in the order of the wire."""
    found: list[EdgeArrival] = []
    after: list[Expected] = []
    for edge in wire.edges:
        expected = Expected(value, probe.tolerance) if edge.before is None else after[edge.before]
        if edge.transform is not None and edge.transform[0] == "text":
            expected = replace(expected, in_text=True)
        one = _along(edge, expected, sight)
        found.append(one)
        after.append(one.expected)
    return found


def first_stop(found: Sequence[EdgeArrival], displayed: Collection[str] = ()) -> EdgeArrival | None:
    """Return the edge on which a value was lost, None where it arrived everywhere.

    Where nobody can see whether it arrived, what follows says so, or what the consumer displays; `displayed` names the
    consumers that display it.
    """
    beyond: set[int] = set()
    for position in reversed(range(len(found))):
        one = found[position]
        if one.edge.before is not None and (one.arrived is not Arrived.UNKNOWN or position in beyond):
            beyond.add(one.edge.before)
    for position, one in enumerate(found):
        is_shown = one.edge.is_consumer and one.edge.stage in displayed
        if one.arrived is Arrived.NO:
            return one
        if one.arrived is Arrived.UNKNOWN and (one.edge.problem or not (position in beyond or is_shown)):
            return one
    return None


def _along(edge: EdgePlan, expected: Expected, sight: Sight) -> EdgeArrival:
    if edge.problem:
        values = [(point, value) for point in edge.writes for value in sight.values(point)]
        place = sight.where(edge.writes[0]) if edge.writes else ""
        saw = _shown(value for _, value in values)
        is_there = any(expected.is_in(value) for _, value in values)
        arrived = Arrived.UNKNOWN if is_there else Arrived.NO
        return EdgeArrival(edge, arrived, place, saw, f"the edge is not proved: {edge.problem}", expected)
    worst: EdgeArrival | None = None
    for ways in edge.chains:
        best = max((_by(edge, way, expected, sight) for way in ways), key=_rank)
        if worst is None or _rank(best) < _rank(worst):
            worst = best
    assert worst is not None
    return worst


_ORDER = (Arrived.NO, Arrived.UNKNOWN, Arrived.YES)


def _rank(one: EdgeArrival) -> tuple[int, bool]:
    return _ORDER.index(one.arrived), bool(one.saw)


def _by(edge: EdgePlan, way: Way, expected: Expected, sight: Sight) -> EdgeArrival:
    """Say what became of a value on one way."""
    point = edge.resting(way)
    if point is None:
        return EdgeArrival(edge, Arrived.UNKNOWN, "", (), "no value can be seen there", expected)
    values = sight.values(point)
    place, saw = sight.where(point), _shown(values)
    if not values:
        reason = sight.unseen(point)
        if reason:
            return EdgeArrival(
                edge, Arrived.UNKNOWN, place, (), f"no value can be seen there: {reason}", expected
            )
        return EdgeArrival(edge, Arrived.NO, place, (), "nothing passed there", expected)
    if edge.transform is not None and edge.transform[0] != "text":
        return _computed(edge, way, expected, sight)
    answer = expected.among(values)
    missed = point if answer is False else None
    if answer and not edge.is_consumer:
        missed = _missed(way, expected, sight)
    if answer is None:
        return EdgeArrival(
            edge, Arrived.UNKNOWN, place, saw, "too little is kept of what passes there", expected
        )
    if missed is not None:
        more = sight.seen.get(missed, _NEVER)
        if more.sampled:
            why = f"of {more.passes} values that passed there only some were looked at"
            return EdgeArrival(edge, Arrived.UNKNOWN, place, saw, why, expected)
        why = "" if more.is_complete else f"only the first of {more.passes} values are known"
        return EdgeArrival(edge, Arrived.NO, place, saw, why, expected)
    return EdgeArrival(edge, Arrived.YES, place, saw, "", expected)


def _missed(way: Way, expected: Expected, sight: Sight) -> int | None:
    """Return a point, backwards through the copies of a way, that saw everything but the value: it came another way.

    One that may have missed it, as not all that passed there was looked at, is the answer where there is no other.
    """
    unsure: int | None = None
    for hop in reversed(way):
        if not hop.is_copy:
            break
        for point in (hop.target, hop.source):
            if point is None or expected.among(sight.values(point)) is not False:
                continue
            if not sight.seen.get(point, _NEVER).sampled:
                return point
            unsure = point if unsure is None else unsure
    return unsure


def _computed(edge: EdgePlan, way: Way, expected: Expected, sight: Sight) -> EdgeArrival:
    """Say whether a transform comes out as its arithmetic says, at the times at which the value went in."""
    assert edge.transform is not None
    source, target = way[0].source, edge.resting(way)
    assert target is not None
    place, saw = sight.where(target), _shown(sight.values(target))
    if source is None:
        return EdgeArrival(edge, Arrived.UNKNOWN, place, saw, "what goes in cannot be seen", expected)
    found = through(edge.transform, sight.passes(source, target), expected)
    if not found:
        name = edge.transform[0]
        why = f"{expected} is not among what goes into its {name} ({sight.where(source)})"
        return EdgeArrival(edge, Arrived.NO, place, saw, why, expected)
    right = next((one for one in found if one.holds(expected.tolerance)), None)
    if right is None:
        first = found[0]
        taken = ", ".join(f"{one:g}" for one in first.taken[:_SHOWN]) + (
            ", …" if len(first.taken) > _SHOWN else ""
        )
        name = (
            f"{edge.transform[1]:g} times" if edge.transform[0] == "scale" else f"the {edge.transform[0]} of"
        )
        why = f"{name} {taken} is {first.wanted:g}, and {seen_as(first.found)} comes out"
        return EdgeArrival(edge, Arrived.NO, place, saw, why, expected, first)
    wanted = int(right.wanted) if right.wanted == right.wanted // 1 else right.wanted
    return EdgeArrival(edge, Arrived.YES, place, saw, "", replace(expected, value=wanted), right)


def _shown(values: Iterable[Value]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(seen_as(value) for value in values))[: 2 * _SHOWN]
