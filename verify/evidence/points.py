"""Where the values of the wires can be seen: each hop of a proof as a point at its source and one at its target."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..flow import Flow, Hop, How, KeyCarrier, ParameterCarrier, ReturnCarrier, UseCarrier
from ..source import FunctionSymbol
from ..source.model import Span
from ..wiring import Edge, StageKind, Verdict, Wiring
from ..wiring.resolve import Unresolved
from .contents import Contents, Place
from .dependencies import Dependencies, with_lent
from .held import held_at
from .hook import digest_of_source
from .places import Seen, Unseen, beginning_of, parameter_at, value_at
from .plan import ModulePlan, Point, PointKey
from .ways import Way, chains, ways


@dataclass(frozen=True, slots=True)
class HopPoints:
    """Where to see the value of a hop: as it leaves its source, and as it comes into its target."""

    hop: Hop
    source: Point | Unseen
    target: Point | Unseen

    @property
    def is_copy(self) -> bool:
        """Whether the same value is to be seen at both."""
        return self.hop.how is How.COPY and not self.hop.partial


@dataclass
class Sources:
    """The files of a program, by module: each is read and parsed once, when it is first asked for."""

    paths: Mapping[str, str]
    _read: dict[str, tuple[bytes, Contents] | None] = field(default_factory=dict)

    def contents(self, module: str) -> tuple[bytes, Contents] | None:
        """Return a module's source and what it consists of; None where it cannot be read."""
        if module not in self._read:
            self._read[module] = self._parse(module)
        return self._read[module]

    def digest(self, module: str, function: str) -> str | None:
        """Return the digest of a function's content, None where there is no such function."""
        found = self.contents(module)
        return None if found is None else found[1].digest(function)

    def _parse(self, module: str) -> tuple[bytes, Contents] | None:
        path = self.paths.get(module)
        if path is None:
            return None
        try:
            with open(path, "rb") as stream:
                source = stream.read()
            return source, Contents(ast.parse(source))
        except (OSError, SyntaxError, ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class WirePoints:
    """The points of all proved edges of some wires, on every way that a value can take along them.

    `unproved` are the other edges: of them it is looked at what is stored at their end instead.
    """

    sources: Sources
    flow: Flow
    edges: tuple[Edge, ...]
    unproved: tuple[Edge, ...] = ()

    @classmethod
    def of(cls, wiring: Wiring, sources: Sources) -> WirePoints:
        """Look for the points of those edges that are proved."""
        proved = tuple(edge for edge in wiring.edges if edge.verdict is Verdict.PROVED)
        unproved = tuple(edge for edge in wiring.edges if edge.verdict is not Verdict.PROVED)
        return cls(sources, wiring.flow, proved, unproved)

    @cached_property
    def _ways(self) -> dict[int, tuple[tuple[Way, ...], ...]]:
        return {
            id(edge): tuple(ways(self.flow, edge, chain) for chain in chains(edge.proof))
            for edge in self.edges
        }

    def ways(self, edge: Edge) -> tuple[tuple[tuple[HopPoints, ...], ...], ...]:
        """Return, for each chain of an edge's proof, the ways that lead along it, that of the proof first."""
        return tuple(
            tuple(tuple(self.hops[hop] for hop in way) for way in found) for found in self._ways[id(edge)]
        )

    @cached_property
    def hops(self) -> dict[Hop, HopPoints]:
        """The points of every hop of every proof."""
        found: dict[Hop, HopPoints] = {}
        for edge in self.edges:
            for hop in (hop for chain in self._ways[id(edge)] for way in chain for hop in way):
                if hop not in found:
                    found[hop] = HopPoints(hop, self._source(hop), self._target(hop))
        return found

    def writes(self, edge: Edge) -> tuple[Point, ...]:
        """Return where the stage of an edge that is not proved stores something, a constant too, into its carriers."""
        carriers = edge.target.carriers
        if isinstance(carriers, Unresolved):
            return ()
        hops = (hop for member in carriers for hop in self.flow.entering(member.carrier))
        found = (
            self._target(hop)
            for hop in hops
            if hop.site.function in edge.target.functions and hop.how <= How.COMPUTED
        )
        return tuple(dict.fromkeys(point for point in found if isinstance(point, Point)))

    @cached_property
    def _beginnings(self) -> dict[int, tuple[Point, ...]]:
        return {id(edge): tuple(self._begin(edge)) for edge in self.edges}

    def beginnings(self, edge: Edge) -> tuple[Point, ...]:
        """Return where a stage begins whose edge ends in what it calls, and others may call too."""
        return self._beginnings[id(edge)]

    def _begin(self, edge: Edge) -> Iterator[Point]:
        if edge.target.kind is StageKind.SCHEMA or edge.proof[-1].site.function in edge.target.own:
            return
        for function in sorted(edge.target.own, key=str):
            read = self.sources.contents(function.module)
            node = None if read is None else read[1].function(function.qualname)
            if read is not None and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                point = _point(function.module, read[1], beginning_of(node))
                if isinstance(point, Point):
                    yield point

    @cached_property
    def modules(self) -> dict[str, ModulePlan]:
        """The points by module, in the order of their places."""
        points: dict[str, set[Point]] = {}
        ends = [point for found in self.hops.values() for point in (found.source, found.target)]
        begun = [point for found in self._beginnings.values() for point in found]
        written = [point for edge in self.unproved for point in self.writes(edge)]
        for point in (*ends, *begun, *written):
            if isinstance(point, Point):
                points.setdefault(point.key.module, set()).add(point)
        modules: dict[str, ModulePlan] = {}
        for name in sorted(points):
            read = self.sources.contents(name)
            assert read is not None
            ordered = tuple(sorted(points[name], key=lambda point: (point.place, str(point.key))))
            modules[name] = ModulePlan(self.sources.paths[name], digest_of_source(read[0]), ordered)
        return modules

    @cached_property
    def functions(self) -> dict[tuple[str, str], str]:
        """The digest of every function that has a point, with that of all that its values depend on.

        These are the functions that a value comes through on its way into the point, the decorators of all of them, and
        the constants that they read.
        """
        keys = {
            (point.key.module, point.key.function)
            for module in self.modules.values()
            for point in module.points
        }
        dependencies = Dependencies(self.sources)
        found: dict[tuple[str, str], str] = {}
        for key in sorted(keys):
            own = self.sources.digest(*key)
            assert own is not None
            through = sorted((one.module, one.qualname) for one in self._through(self._called.get(key, ())))
            lent = [digest for one in through if (digest := self.sources.digest(*one)) is not None]
            lent += [digest for one in (key, *through) for digest in dependencies.of(*one)]
            found[key] = with_lent(own, lent)
        return found

    @cached_property
    def _called(self) -> dict[tuple[str, str], set[FunctionSymbol]]:
        """The functions whose results are stored where a hop of a proof ends, by the function that stores them.

        A proof leads past `mean(count)` to where its result is stored: what becomes of the value is up to `mean` too.
        """
        found: dict[tuple[str, str], set[FunctionSymbol]] = {}
        for hop in self.hops:
            storing = (hop.site.function.module, hop.site.function.qualname)
            for other in self.flow.entering(hop.target):
                if other.site == hop.site and isinstance(other.source, ReturnCarrier):
                    found.setdefault(storing, set()).add(other.source.function)
        return found

    def _through(self, functions: Iterable[FunctionSymbol]) -> set[FunctionSymbol]:
        """Return functions with those whose results they return in turn."""
        found: set[FunctionSymbol] = set()
        pending = list(functions)
        while pending:
            function = pending.pop()
            if function not in found:
                found.add(function)
                pending += self._returned(function)
        return found

    def _returned(self, function: FunctionSymbol) -> Iterator[FunctionSymbol]:
        for hop in self.flow.entering(ReturnCarrier(function)):
            if isinstance(hop.source, ReturnCarrier):
                yield hop.source.function

    def _source(self, hop: Hop) -> Point | Unseen:
        module = hop.site.function.module
        read = self.sources.contents(module)
        if read is None:
            return Unseen("its file cannot be read")
        source, contents = read
        if isinstance(hop.source, ParameterCarrier):
            seen = parameter_at(contents, _place(hop.origin), hop.source.name)
            if isinstance(seen, Seen):
                return _point(module, contents, seen)
        if isinstance(hop.source, KeyCarrier):
            held = held_at(contents, _place(hop.origin), source, hop.source.key)
            if held is not None:
                return _point(module, contents, held)
        return _point(module, contents, value_at(contents, _place(hop.origin), source))

    def _target(self, hop: Hop) -> Point | Unseen:
        module = hop.site.function.module
        read = self.sources.contents(module)
        if read is None:
            return Unseen("its file cannot be read")
        source, contents = read
        place = _place(hop.site.span)
        if isinstance(hop.source, KeyCarrier) and isinstance(hop.target, UseCarrier):
            held = held_at(contents, place, source, hop.source.key)
            if held is not None:
                return _point(module, contents, held)
        return _point(module, contents, value_at(contents, place, source))


def _point(module: str, contents: Contents, seen: Seen | Unseen) -> Point | Unseen:
    if isinstance(seen, Unseen):
        return seen
    key = PointKey(
        module, contents.function_of(seen.node), contents.number(seen.node), seen.parameter, seen.key
    )
    return Point(key, seen.place, type(seen.node).__name__)


def _place(span: Span) -> Place:
    return Place(*span)


def transform_of(edge: Edge) -> tuple[str, float] | None:
    """Return what a transport stage makes of the values that it takes, and the factor, where its record says so."""
    if edge.target.kind is not StageKind.TRANSPORT:
        return None
    position = edge.target.yaml[1]
    assert isinstance(position, int)
    transform = edge.record.transport[position].transform
    return None if transform is None else (str(transform.kind), transform.factor)
