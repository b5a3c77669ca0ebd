"""Mutants laid over the wires: on which of them every mutant was killed, and if not, where and why."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from ....registry import Record
from ....registry.config import Configuration
from ...flow import Hop
from ...wiring import Edge, Verdict, Wire
from ..contents import Place
from ..document import UnusableEvidence
from ..observed import Observed
from ..plan import Point, PointKey
from ..points import HopPoints, WirePoints
from ..probes.files import DriveFiles
from .document import MutantResult, mutants_file, read_mutants
from .mutant import State
from .sights import Sights
from .standing import Files, Standing


class Mutation(enum.StrEnum):
    """What mutants say of a hop, or of a wire: the last that holds of any hop is that of the wire."""

    KILLED = "killed"  # some test noticed each of them
    EQUIVALENT = "equivalent"  # none of them changed anything that tests let pass
    UNSEEABLE = "unseeable"  # no value can be taken or replaced there
    UNSWITCHABLE = "unswitchable"
    UNPROVED = "unproved"
    NOT_RUN = "not-run"
    STALE = "stale"
    NOT_COVERED = "not-covered"
    COULD_NOT_RUN = "could-not-run"
    TIMED_OUT = "timed-out"
    SURVIVED = "survived"


_ORDER = {one: position for position, one in enumerate(Mutation)}
_OF_STATE: dict[State, Mutation] = {
    one: Mutation.COULD_NOT_RUN if one is State.UNREACHED else Mutation(one.value) for one in State
}


@dataclass(frozen=True, slots=True)
class HopMutated:
    """What mutants say of one hop, and why."""

    hop: Hop
    mutation: Mutation
    reason: str
    results: tuple[MutantResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Mutated:
    """What mutants say of one wire, why, and of each hop that counts for it."""

    wire: Wire
    mutation: Mutation
    reason: str
    hops: tuple[HopMutated, ...] = ()

    @property
    def results(self) -> tuple[MutantResult, ...]:
        """Every mutant of the wire, each once."""
        return tuple({id(one): one for hop in self.hops for one in hop.results}.values())


NOTHING_RUN = "no mutant has been run (telewire mutate)"


@dataclass(frozen=True)
class Mutations:
    """What mutants say of the wires; `missing` says why nothing."""

    points: WirePoints
    standing: Standing | None
    missing: str = ""
    _wires: dict[int, Mutated] = field(default_factory=dict, compare=False)

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        observed: Observed,
        uses: DriveFiles,
        records: Iterable[Record],
    ) -> Mutations:
        """Read what a project's mutants left, and lay it over its wires; `uses` are the files of its tests."""
        file = None if configuration.evidence is None else mutants_file(configuration.evidence)
        try:
            document = None if file is None else read_mutants(file)
        except UnusableEvidence as error:
            return cls(observed.points, None, str(error))
        if document is None:
            return cls(observed.points, None, NOTHING_RUN)
        sights = None if observed.evidence is None else Sights(observed.evidence)
        files = Files.of(uses, records)
        return cls(observed.points, Standing(document, observed.points.functions, files, sights))

    def place(self, result: MutantResult) -> Place | None:
        """Return where a mutant stands today; None where its point is not there any more."""
        return None if self.standing is None else self._places.get(self.standing.key(result))

    @cached_property
    def _places(self) -> dict[PointKey, Place]:
        return {point.key: point.place for module in self.points.modules.values() for point in module.points}

    def of_wire(self, wire: Wire) -> Mutated:
        """Return what mutants say of a wire."""
        found = self._wires.get(id(wire))
        if found is None:
            found = self._wires[id(wire)] = mutated(self.standing, wire, self.points, self.missing)
        return found


def mutated(standing: Standing | None, wire: Wire, points: WirePoints, missing: str = NOTHING_RUN) -> Mutated:
    """Say what mutants tell of a wire.

    A value may have several ways along an edge. A mutant that no test noticed counts on any of them; a place that no
    test passes counts only where no way is passed in whole.

    Args:
        standing: What the mutants left; None where there is nothing.
        wire: The wire.
        points: Where its values are.
        missing: Why there is nothing.
    """
    unproved = [edge.name for edge in wire.edges if edge.verdict is not Verdict.PROVED]
    if unproved:
        return Mutated(wire, Mutation.UNPROVED, f"not proved: {', '.join(unproved)}")
    if standing is None:
        return Mutated(wire, Mutation.NOT_RUN, missing)
    changed = standing.changed_function(_functions(wire, points))
    known: dict[Hop, HopMutated] = {}

    def of_hop(hop: HopPoints) -> HopMutated:
        found = known.get(hop.hop)
        if found is None:
            found = known[hop.hop] = _of_hop(standing, hop, changed)
        return found

    counting: dict[Hop, HopMutated] = {}
    for edge in wire.edges:
        for ways in points.ways(edge):
            for one in _counting([[of_hop(hop) for hop in way] for way in ways]):
                counting[one.hop] = one
    hops = tuple(counting.values())
    mutation = max((one.mutation for one in hops), key=_ORDER.__getitem__, default=Mutation.NOT_RUN)
    return Mutated(wire, mutation, _reason(mutation, hops), hops)


def _counting(ways: Sequence[Sequence[HopMutated]]) -> Iterator[HopMutated]:
    """Yield the hops that count: of ways that are passed in whole all, of others those whose mutants failed."""
    whole = [way for way in ways if all(one.mutation is not Mutation.NOT_COVERED for one in way)]
    yield from chain.from_iterable(whole or ways[:1])
    for one in chain.from_iterable(ways):
        if one.mutation in {Mutation.SURVIVED, Mutation.TIMED_OUT}:
            yield one


def _of_hop(standing: Standing, hop: HopPoints, changed: str | None) -> HopMutated:
    ends = [end for end in (hop.source, hop.target) if isinstance(end, Point)]
    if not ends:
        assert not isinstance(hop.target, Point)
        return HopMutated(hop.hop, Mutation.UNSEEABLE, f"{hop.hop.site}: {hop.target.reason}")
    results = tuple(
        {id(one): one for end in ends for one in standing.results.get(end.key, ())}.values(),
    )
    if any(end.key not in standing.results for end in ends) or not results:
        if changed is not None:
            return HopMutated(hop.hop, Mutation.STALE, f"{changed} has changed since the mutants ran")
        return HopMutated(hop.hop, Mutation.NOT_RUN, f"{hop.hop.site}: no mutant of it has been run")
    if changed is not None:
        return HopMutated(hop.hop, Mutation.STALE, f"{changed} has changed since the mutants ran", results)
    for result in results:
        outdated = standing.outdated(result)
        if outdated is not None:
            return HopMutated(hop.hop, Mutation.STALE, outdated, results)
    found = [_OF_STATE[one.state] for one in results]
    if Mutation.KILLED in found:
        found = [one for one in found if one is not Mutation.EQUIVALENT]
    worst = max(found, key=_ORDER.__getitem__)
    first = results[[_OF_STATE[one.state] for one in results].index(worst)]
    said = first.message if worst is not Mutation.KILLED else "all mutants were killed"
    because = f" ({first.reason})" if first.reason and worst is not Mutation.KILLED else ""
    return HopMutated(hop.hop, worst, f"{_where(hop, standing.key(first))}: {said}{because}", results)


def _where(hop: HopPoints, key: PointKey) -> str:
    """Return where one end of a hop stands: a mutant of two hops is told at the same place by both."""
    site = hop.hop.site
    for end in (hop.source, hop.target):
        if isinstance(end, Point) and end.key == key and key.module == site.function.module:
            return f"{site.path}:{end.place.line}"
    return str(site)


def _reason(mutation: Mutation, hops: Sequence[HopMutated]) -> str:
    if not hops:
        return "there is nothing to mutate"
    reasons = list(dict.fromkeys(one.reason for one in hops if one.mutation is mutation))
    if mutation is Mutation.KILLED:
        states = [one.state for one in {id(one): one for hop in hops for one in hop.results}.values()]
        equivalent = states.count(State.EQUIVALENT)
        also = f"; {equivalent} more change nothing" if equivalent else ""
        return f"all of {len(states) - equivalent} mutants were killed{also}"
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"{_SAID[mutation]}: {reasons[0]}{more}"


_SAID = {
    Mutation.EQUIVALENT: "no mutant changes what the tests let pass",
    Mutation.UNSEEABLE: "no value can be replaced",
    Mutation.UNSWITCHABLE: "cannot be switched",
    Mutation.NOT_RUN: "not run",
    Mutation.STALE: "stale",
    Mutation.NOT_COVERED: "no passing test passes it",
    Mutation.COULD_NOT_RUN: "could not run",
    Mutation.TIMED_OUT: "timed out",
    Mutation.SURVIVED: "survived",
}


def _functions(wire: Wire, points: WirePoints) -> Iterator[tuple[str, str]]:
    for point in wire_points(wire.edges, points):
        yield point.key.module, point.key.function


def wire_points(edges: Sequence[Edge], points: WirePoints) -> Iterator[Point]:
    """Yield the points of some proved edges, on all ways along them."""
    for edge in edges:
        if edge.verdict is Verdict.PROVED:
            for way in chain.from_iterable(points.ways(edge)):
                for hop in way:
                    yield from (end for end in (hop.source, hop.target) if isinstance(end, Point))
