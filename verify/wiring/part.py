"""Finds the part of a program that the wires of a registry run through, and proves them in it.

A wire touches a few files of many. Followed are the files of its stages, then those that can call a stage, or know a
carrier, until every edge is proved, and then until nobody else can know of its values, or be handed them. What is
proved in a part holds in the whole program. What is not proved says nothing: then the whole program has to be followed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ...registry import Carrier as CarrierName
from ...registry import Record, Registry
from ...registry import Symbol as SymbolName
from ..flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    How,
    KeyCarrier,
    ModuleCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UnresolvedCarrier,
)
from ..flow.log_sinks import LogSink
from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.on_demand import ModulesOnDemand
from ..source.words import WordIndex
from .edges import Edge, Verdict
from .gradings import GRADERS, gradings
from .origins import find_origins
from .resolve import Unresolved
from .stages import Stage, StageKind
from .wiring import Wiring

_ROUNDS = 12
_LARGEST_SHARE = 0.5  # of the lines: beyond, following everything is no slower
_PIECE = re.compile(r"\w+")


@dataclass
class Part:
    """The followed files of a program, and how to find those that are missing."""

    registry: Registry
    index: WordIndex
    modules: ModulesOnDemand
    only: Collection[str] = ()
    log_sinks: Sequence[LogSink] = ()
    _followed: dict[str, None] = field(default_factory=dict)

    def wiring(self, entry_points: Iterable[FunctionSymbol]) -> Wiring | None:
        """Return the wiring with every edge proved, or None where a part does not show that."""
        entry_points = list(entry_points)
        stages = self._stages()
        if stages is None:
            return None
        self._follow(stages)
        self._follow(name for grader in GRADERS for name in self.index.holding(grader))
        for _ in range(_ROUNDS):
            if self._lines() > _LARGEST_SHARE * self.index.lines:
                return None
            flow = Flow.of(
                self._program(),
                entry_points=entry_points,
                calls_by_name=False,
                log_sinks=self.log_sinks,
            )
            if flow.facts.too_deep:
                return None
            wiring = Wiring.of(self.registry, flow, only=self.only, diagnose=False)
            before = len(self._followed)
            unproved = [edge for edge in wiring.edges if not _is_certain(edge)]
            # Both at once: to follow a file too early costs less than to follow all of them once more.
            self._follow([*self._towards(unproved, flow), *self._around(wiring)])
            if len(self._followed) == before:
                return None if unproved else wiring
        return None

    # -- what is followed -------------------------------------------------------------------------------------

    def _follow(self, modules: Iterable[str]) -> None:
        for name in sorted(set(modules) - set(self._followed)):
            if name in self.modules:
                self._followed[name] = None

    def _program(self) -> Program:
        return Program(self.modules, tuple(self._followed), self.index.files.keys())

    @property
    def least_lines(self) -> float:
        """Lines of all files below which those that are followed would be too large a share."""
        return self._lines() / _LARGEST_SHARE

    def _lines(self) -> int:
        return sum(self.index.files[name].lines for name in self._followed)

    # -- where to start ---------------------------------------------------------------------------------------

    def _stages(self) -> set[str] | None:
        """Return the modules of everything that the records name; None where a name leads nowhere."""
        program = self._program()
        found: set[str] = set()
        for record in self.registry:
            for at, carrier in _named(record):
                if at.module not in self.modules:
                    return None
                symbol = program.resolve(at.module, at.qualname)
                if not isinstance(symbol, FunctionSymbol | ClassSymbol):
                    return None
                found.update({at.module, symbol.module})
                if carrier is None or not carrier.owner:
                    continue
                if carrier.module is not None:
                    found.add(carrier.module)
                elif not isinstance(
                    program.resolve(at.module, carrier.owner_name), FunctionSymbol | ClassSymbol
                ):
                    found.update(self.index.holding(carrier.owner[-1]))  # it must be the only one of its name
        return found

    # -- what may be missing ----------------------------------------------------------------------------------

    def _towards(self, edges: Iterable[Edge], flow: Flow) -> Iterator[str]:
        """Yield the modules that may hold what an edge needs: callers of its stages, callees, users of its carriers."""
        for edge in edges:
            yield from self._giving(flow, edge)
            for stage in (edge.source, edge.target):
                if stage is None or isinstance(stage.definition, Unresolved):
                    continue
                if stage.kind is not StageKind.SCHEMA:
                    yield from (function.module for function in stage.functions)
                    yield from self._callers(stage, flow)
                if not isinstance(stage.carriers, Unresolved):
                    for member in stage.carriers:
                        yield from self._users(member.carrier)

    def _callers(self, stage: Stage, flow: Flow) -> Iterator[str]:
        """Yield the modules that may call a stage that nothing is known to call, or one of its callers."""
        if isinstance(stage.definition, ClassSymbol):
            yield from self._knowing(stage.definition.module, stage.definition.name)
        pending = [function for function in stage.own if function not in flow.reachable]
        above = _callers_of(flow)
        seen: set[FunctionSymbol] = set()
        while pending:
            function = pending.pop()
            if function in seen or function in flow.reachable:
                continue
            seen.add(function)
            pending += above.get(function, ())
            yield from self._naming(function)

    def _around(self, wiring: Wiring) -> Iterator[str]:
        """Yield the modules that can know the carriers of the wires: whether they compare them is a question too."""
        declared = {
            member.carrier
            for wire in wiring.wires
            for stage in wire.stages
            for group in (stage.carriers, stage.reads)
            if group is not None and not isinstance(group, Unresolved)
            for member in group
        }
        for carrier in declared:
            yield from self._users(carrier)
        for edge in wiring.edges:
            yield from self._giving(wiring.flow, edge)
        for wire in wiring.wires:
            for name in wire.record.fields:  # of a structured value: they are compared under their own names
                for owner in self.index.defining_class(wire.record.type.text):
                    yield from self._reading(owner, name)
        names = {carrier.name for carrier in declared if isinstance(carrier, FieldCarrier)}
        names.update(name for wire in wiring.wires for name in wire.record.fields)
        yield from self._handing(wiring.flow, names)
        helpers: set[FunctionSymbol] = set()
        gradings(wiring.flow, helpers)
        for function in helpers:
            yield from self._knowing(function.module, function.name)

    def _giving(self, flow: Flow, edge: Edge) -> Iterator[str]:
        """Yield the modules that may give an emitter what it copies: something else than a literal, or nothing else."""
        if edge.source is not None or isinstance(edge.target.carriers, Unresolved):
            return
        hops = edge.proof or tuple(
            hop
            for member in edge.target.carriers
            for hop in flow.entering(member.carrier)
            if hop.site.function in edge.target.functions and not isinstance(hop.source, Constant)
        )
        origins = find_origins(flow, {}, hops, "")
        if edge.proof and any(hop.how is not How.COPY for chain in origins.others for hop in chain):
            return  # computed, whoever gives it what it is computed from
        chains = (*origins.others, *origins.constants, *origins.dead, *origins.dead_keys)
        known_to: set[FunctionSymbol] = set()
        for hop in {hop for chain in chains for hop in chain}:
            if isinstance(hop.source, Constant):
                continue
            if isinstance(hop.source, ParameterCarrier | ReturnCarrier):
                known_to.add(hop.source.function)
            elif isinstance(hop.source, KeyCarrier) and hop.source.mapping is None:
                known_to.add(hop.site.function)  # somebody hands it the mapping
            yield from self._users(hop.source)
        for function in _with_callers(flow, known_to):
            yield from self._naming(function)

    def _handing(self, flow: Flow, names: Collection[str]) -> Iterator[str]:
        """Yield the modules that may hand an object to what compares a field of such a name, and knows no class."""
        comparing = (
            comparison.site.function
            for comparison in flow.comparisons
            if any(isinstance(one, UnresolvedCarrier) and one.name in names for one in comparison.carriers)
        )
        for function in _with_callers(flow, comparing):
            yield from self._naming(function)

    def _naming(self, function: FunctionSymbol) -> Iterator[str]:
        """Yield the modules that can see a function, and mention it or what it stands in."""
        for name in function.qualname.split("."):
            if not name.startswith(("<", "__")):
                yield from self._knowing(function.module, name)

    def _users(self, carrier: Carrier) -> Iterator[str]:
        match carrier:
            case FieldCarrier(owner=owner, name=name):
                yield from self._reading(owner.module, name)
            case KeyCarrier(key=key):
                yield from self._holding_key(key)
            case ReturnCarrier(function=function):
                yield function.module
                yield from self._knowing(function.module, function.name)
            case ParameterCarrier(function=function):
                yield function.module
            case ModuleCarrier(module=module, name=name):
                yield from self._knowing(module, name)
            case _:
                pass  # it is used where it stands

    def _reading(self, module: str, name: str) -> frozenset[str]:
        """Return the modules that may read a field of a class that a module defines.

        They can see the module, or one that can imports them and may hand them an object: they need not know its
        class. One that nobody who can see the module imports, directly or through others, is not among them: it would
        have to be handed the object by what it registers itself with.
        """
        return (self.index.holding(name) | self.index.computing) & self.index.handed(module)

    def _knowing(self, module: str, name: str) -> frozenset[str]:
        """Return the modules that mention a name, and can see the module that it belongs to."""
        return self.index.holding(name) & self.index.seeing(module)

    def _holding_key(self, key: str) -> frozenset[str]:
        """Return the modules that hold all of a key, or the beginning or end of it that an f-string leaves."""
        pieces = _PIECE.findall(key)
        if not pieces:
            return self.index.holding(key)
        found = frozenset.intersection(*map(self.index.holding, pieces))
        for at, letter in enumerate(key):
            if letter == "_" and 0 < at < len(key) - 1:
                for fragment in (key[: at + 1], key[at:]):
                    if fragment.isidentifier():
                        found |= self.index.holding(fragment)
        return found


def _callers_of(flow: Flow) -> dict[FunctionSymbol, list[FunctionSymbol]]:
    above: dict[FunctionSymbol, list[FunctionSymbol]] = {}
    for caller, called in flow.facts.calls.items():
        for function in called:
            above.setdefault(function, []).append(caller)
    return above


def _with_callers(flow: Flow, functions: Iterable[FunctionSymbol]) -> set[FunctionSymbol]:
    """Return functions with all that call them, directly or through others."""
    above = _callers_of(flow)
    pending, found = [*functions], set[FunctionSymbol]()
    while pending:
        function = pending.pop()
        if function not in found:
            found.add(function)
            pending += above.get(function, ())
    return found


def _named(record: Record) -> Iterator[tuple[SymbolName, CarrierName | None]]:
    """Yield what a record names: each symbol with the carrier that is written beside it."""
    yield record.emitter.at, record.emitter.carries
    for step in record.transport:
        yield step.at, step.carries
        if step.reads is not None:
            yield step.at, step.reads
    yield record.schema_.at, None
    for consumer in record.consumers:
        near = record.schema_.at if consumer.at is None else consumer.at
        yield near, consumer.reads


def _is_certain(edge: Edge) -> bool:
    """Whether an edge is proved by what stays true however much more is followed: no key of any mapping is read.

    Where an emitter reads one, whoever may give it the mapping is followed.
    """
    return edge.verdict is Verdict.PROVED and not any(
        edge.source is not None
        and isinstance(hop.source, KeyCarrier)
        and hop.source.mapping is None
        and hop.source.function is None
        for hop in edge.proof
    )
