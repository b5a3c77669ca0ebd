"""From wires and evidence to the mutants that are to be run, and those of which something is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...wiring import Edge, Wire
from ..hook import digest_of_source
from ..plan import PointKey
from ..points import WirePoints
from .mutant import Kind, Mutant, State
from .operators import is_switchable, mutants_of, places
from .sights import Sights


@dataclass(frozen=True, slots=True)
class Made:
    """A mutant, the tests that pass its point, and what is known of it without running it.

    Attributes:
        mutant: The mutant.
        tests: The tests that pass its point, and pass themselves.
        telling: Those of them in which it may change something: one of them is to notice it.
        known: What becomes of it; None where only a run can say.
        reason: Why.
    """

    mutant: Mutant
    tests: tuple[str, ...]
    telling: tuple[str, ...] = ()
    known: State | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Making:
    """All mutants of some wires.

    Attributes:
        points: Every point that was looked at.
        made: The mutants, those of one function beside each other.
        sources: The file of each module with its digest.
        functions: The digest of each function that has a point.
        functions_of: The functions of all wires that a point is on: what becomes of its mutants depends on them.
        records_of: The IDs of the records whose wires a point is on.
    """

    points: tuple[PointKey, ...]
    made: tuple[Made, ...]
    sources: Mapping[str, tuple[str, str]]
    functions: Mapping[tuple[str, str], str]
    functions_of: Mapping[PointKey, frozenset[tuple[str, str]]]
    records_of: Mapping[PointKey, frozenset[str]]


def make(wires: Sequence[Wire], points: WirePoints, sights: Sights) -> Making:
    """Return the mutants of the proved edges of some wires, with the tests that pass them."""
    edges: tuple[Edge, ...] = tuple(edge for wire in wires for edge in wire.edges)
    found = places(points, edges)
    functions_of: dict[PointKey, frozenset[tuple[str, str]]] = {}
    records_of: dict[PointKey, frozenset[str]] = {}
    for wire in wires:
        here = places(points, wire.edges)
        functions = frozenset((key.module, key.function) for key in here)
        for key in here:
            functions_of[key] = functions_of.get(key, frozenset()) | functions
            records_of[key] = records_of.get(key, frozenset()) | {wire.record.id}
    made: list[Made] = []
    sources: dict[str, tuple[str, str]] = {}
    taken: set[tuple[str, str, Kind, int]] = set()
    ordered = sorted(found, key=lambda key: (key.module, found[key].point.place, str(key)))
    for key in ordered:
        read = points.sources.contents(key.module)
        assert read is not None
        source, contents = read
        sources[key.module] = (points.sources.paths[key.module], digest_of_source(source))
        place = found[key]
        tests = tuple(sights.tests(key))
        switchable = is_switchable(contents, place.point)
        for mutant in mutants_of(place, contents, sights):
            if mutant.kind in {Kind.DROPPED, Kind.RENAMED}:
                changed = (key.module, key.function, mutant.kind, mutant.target.number)
                if changed in taken:
                    continue
                taken.add(changed)
            if not switchable:
                reason = "it is evaluated once, when its module is imported"
                made.append(Made(mutant, tests, (), State.UNSWITCHABLE, reason))
                break
            if not tests:
                made.append(Made(mutant, tests, (), State.NOT_COVERED, "no passing test passes it"))
                break
            telling = tuple(sights.telling(mutant))
            if telling:
                made.append(Made(mutant, tests, telling))
            else:
                made.append(Made(mutant, tests, (), State.EQUIVALENT, sights.why_none(mutant)))
    return Making(tuple(ordered), tuple(made), sources, points.functions, functions_of, records_of)
