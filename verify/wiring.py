"""Records laid over the flow: for every promised edge the hops that keep it, or the reason why none do."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..registry import Record, Registry
from ..registry import Symbol as SymbolName
from .diagnosis import Diagnosis, Diagnostician
from .flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    KeyCarrier,
    ParameterCarrier,
    UnresolvedCarrier,
    UseCarrier,
    by_name,
)
from .resolve import Definition, Member, Resolver, Unresolved
from .source import ClassSymbol, FunctionSymbol, SourceError
from .source.model import Kind

if TYPE_CHECKING:
    import networkx

YamlPath = tuple[str | int, ...]


class StageKind(enum.StrEnum):
    """Which part of a record a stage comes from."""

    EMITTER = "emitter"
    TRANSPORT = "transport"
    SCHEMA = "schema"
    CONSUMER = "consumer"


class Verdict(enum.StrEnum):
    """What the analysis can say of an edge."""

    PROVED = "proved"
    BROKEN = "broken"
    FOLLOWS = "follows"  # broken, because an edge before it is
    UNRESOLVED = "unresolved"  # only a receiver of unknown type could keep it


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a wire, resolved: where it is (`definition`) and where the value then rests (`carriers`)."""

    kind: StageKind
    name: str
    at: SymbolName | None
    definition: Definition | Unresolved | None
    carriers: tuple[Member, ...] | Unresolved
    reads: tuple[Member, ...] | Unresolved | None
    yaml: YamlPath
    own: frozenset[
        FunctionSymbol
    ]  # the function itself, or the methods of the class, with what is nested in them
    functions: frozenset[FunctionSymbol]  # those with all that they call


@dataclass(frozen=True, slots=True)
class Edge:
    """What a record promises between two stages; `source` is None for the emitter, whose edge is its own work."""

    record: Record
    source: Stage | None
    target: Stage
    verdict: Verdict
    proof: tuple[Hop, ...] = ()
    diagnosis: Diagnosis | None = None

    @property
    def name(self) -> str:
        """The name of the stage that the edge leads to."""
        return self.target.name


@dataclass(frozen=True, slots=True)
class Wire:
    """One record's stages and edges."""

    record: Record
    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...]

    @property
    def is_wired(self) -> bool:
        """Whether every edge is proved."""
        return all(edge.verdict is Verdict.PROVED for edge in self.edges)


@dataclass
class Wiring:
    """All wires of a registry."""

    flow: Flow
    registry: Registry
    wires: tuple[Wire, ...]

    @property
    def edges(self) -> list[Edge]:
        """Every edge of every record."""
        return [edge for wire in self.wires for edge in wire.edges]

    @classmethod
    def of(
        cls,
        registry: Registry,
        flow: Flow,
        *,
        only: Collection[str] = (),
        unparsed: Mapping[str, SourceError] | None = None,
    ) -> Wiring:
        """Lay the records (or only some IDs of them) over the flow; `unparsed` are modules that could not be read."""
        records = [record for record in registry if not only or record.id in only]
        resolver = Resolver(flow, unparsed)
        stages = {record.id: _stages(record, resolver, flow) for record in registry}
        declared: dict[Carrier, set[str]] = {}
        for record_id, found in stages.items():
            for stage in found:
                if stage.kind is not StageKind.CONSUMER and not isinstance(stage.carriers, Unresolved):
                    for member in stage.carriers:
                        declared.setdefault(member.carrier, set()).add(record_id)
        prover = _Prover(flow, Diagnostician(flow, declared))
        wires = tuple(prover.wire(record, stages[record.id]) for record in records)
        return cls(flow, registry, wires)

    @cached_property
    def graph(self) -> networkx.MultiDiGraph[str]:
        """The graph of the hops that prove the edges, drawn when it is first asked for."""
        import networkx

        graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
        for edge in self.edges:
            for hop in edge.proof:
                if isinstance(hop.source, Constant):
                    continue
                start, end = _node(hop.source), _node(hop.target)
                key = f"{hop.site.path}:{hop.site.span.line}:{hop.site.span.column}"
                records = {edge.record.id}
                if graph.has_edge(start, end, key):
                    records |= set(graph.edges[start, end, key]["records"])
                graph.add_edge(
                    start,
                    end,
                    key,
                    path=hop.site.path,
                    line=hop.site.span.line,
                    how=hop.how.name.lower(),
                    function=str(hop.site.function),
                    records=sorted(records),
                )
        return graph


def _node(carrier: Carrier) -> str:
    owner = getattr(carrier, "owner", None) or getattr(carrier, "function", None)
    if isinstance(carrier, UseCarrier) and owner is not None:
        return f"use {owner}"
    return f"{owner.module}:{carrier}" if owner is not None else str(carrier)


# -- stages -------------------------------------------------------------------------------------------------------


def _stages(record: Record, resolver: Resolver, flow: Flow) -> tuple[Stage, ...]:
    """Resolve a record's stages; the schema's field is a stage of its own where no transport stage ends there."""
    stages: list[Stage] = []

    def add(
        kind: StageKind,
        name: str,
        at: SymbolName | None,
        carries: tuple[Member, ...] | Unresolved,
        reads: tuple[Member, ...] | Unresolved | None,
        yaml: YamlPath,
    ) -> None:
        definition = None if at is None else resolver.symbol(at)
        own = frozenset(own_functions(flow, definition))
        functions = frozenset(flow.callees(own))
        stages.append(Stage(kind, name, at, definition, carries, reads, yaml, own, functions))

    emitter = record.emitter
    add(
        StageKind.EMITTER,
        "emitter",
        emitter.at,
        _members(resolver.carriers(emitter.carries, near=emitter.at)),
        None,
        ("emitter",),
    )
    for position, step in enumerate(record.transport):
        reads = None if step.reads is None else _members(resolver.carriers(step.reads, near=step.at))
        carries = _members(resolver.carriers(step.carries, near=step.at))
        add(StageKind.TRANSPORT, step.stage, step.at, carries, reads, ("transport", position))
    schema = record.schema_
    resting = _members(resolver.schema_field(schema.at, schema.field))
    last = stages[-1].carriers
    if isinstance(resting, Unresolved) or isinstance(last, Unresolved) or set(last) != set(resting):
        definition = resolver.symbol(schema.at)
        anywhere = flow.reachable  # the path to the schema may lead through any code that runs
        stages.append(
            Stage(
                StageKind.SCHEMA,
                "schema",
                schema.at,
                definition,
                resting,
                None,
                ("schema",),
                anywhere,
                anywhere,
            )
        )
    for position, consumer in enumerate(record.consumers):
        near = consumer.at if consumer.at is not None else schema.at
        reads = None if consumer.reads is None else _members(resolver.carriers(consumer.reads, near=near))
        add(StageKind.CONSUMER, consumer.label, consumer.at, (), reads, ("consumers", position))
    return tuple(stages)


def _members(found: list[Member] | Unresolved) -> tuple[Member, ...] | Unresolved:
    return found if isinstance(found, Unresolved) else tuple(found)


def own_functions(flow: Flow, definition: Definition | Unresolved | None) -> list[FunctionSymbol]:
    """Return a function with those nested in it, or the methods of a class with those nested in them."""
    if not isinstance(definition, FunctionSymbol | ClassSymbol):
        return []
    summary = flow.program.modules[definition.module]
    return [
        FunctionSymbol(definition.module, qualname)
        for qualname in summary.functions
        if qualname == definition.qualname or qualname.startswith(f"{definition.qualname}.")
    ]


# -- proofs -------------------------------------------------------------------------------------------------------


class _Prover:
    def __init__(self, flow: Flow, diagnostician: Diagnostician) -> None:
        self._flow = flow
        self._diagnostician = diagnostician

    def wire(self, record: Record, stages: tuple[Stage, ...]) -> Wire:
        edges: list[Edge] = []
        before: Stage | None = None
        resting: Stage | None = None
        for stage in stages:
            if stage.kind is StageKind.CONSUMER:
                edges.append(self._consumer_edge(record, resting, stage))
                continue
            edges.append(self._edge(record, before, stage))
            before = resting = stage
        return Wire(record, stages, tuple(_without_consequences(edges)))

    def _edge(self, record: Record, source: Stage | None, stage: Stage) -> Edge:
        missing = self._missing(record, stage)
        if missing is not None:
            return Edge(record, source, stage, Verdict.BROKEN, diagnosis=missing)
        dead = self._diagnostician.never_called(stage.definition)
        if dead is not None:
            return Edge(record, source, stage, Verdict.BROKEN, diagnosis=dead)
        assert not isinstance(stage.carriers, Unresolved)
        starts = self._starts(source, stage)
        if isinstance(starts, Unresolved):
            if stage.reads is not None:
                diagnosis = self._diagnostician.missing(starts, (*stage.yaml, "reads"))
                return Edge(record, source, stage, Verdict.BROKEN, diagnosis=diagnosis)
            return Edge(record, source, stage, Verdict.FOLLOWS)
        proof: list[Hop] = []
        for end in stage.carriers:
            begin = self._begin(starts, end, source if stage.reads is None else None)
            hops = (
                self._produced(stage, end.carrier)
                if source is None
                else self._path(begin, stage, end.carrier)
            )
            if hops is None:
                return self._broken(record, source, stage, begin, end.carrier)
            proof += hops
        return Edge(record, source, stage, Verdict.PROVED, tuple(proof))

    def _starts(self, source: Stage | None, stage: Stage) -> tuple[Member, ...] | Unresolved:
        if stage.reads is not None:
            return stage.reads
        return () if source is None else source.carriers

    def _begin(self, starts: tuple[Member, ...], end: Member, source: Stage | None) -> list[Carrier]:
        """Return where an edge begins. A key is that of the mappings which the stage before writes it into."""
        begin: list[Carrier] = []
        for member in starts:
            if end.wild is not None and member.wild not in {None, end.wild}:
                continue
            carrier = member.carrier
            written: list[Carrier] = []
            if source is not None and isinstance(carrier, KeyCarrier):
                written = [
                    other
                    for other in self._flow.same_key(carrier)
                    if any(hop.site.function in source.functions for hop in self._flow.into.get(other, ()))
                ]
            begin += written or [carrier]
        return begin

    def _missing(self, record: Record, stage: Stage) -> Diagnosis | None:
        if isinstance(stage.definition, Unresolved):
            return self._diagnostician.missing(stage.definition, (*stage.yaml, "at"))
        if isinstance(stage.carriers, Unresolved):
            key = "field" if stage.kind is StageKind.SCHEMA else "carries"
            return self._diagnostician.missing(stage.carriers, (*stage.yaml, key))
        return None

    def _produced(self, stage: Stage, carrier: Carrier) -> list[Hop] | None:
        """The emitter's own work: something computed reaches its carrier inside it."""
        for hop in self._flow.entering(carrier):
            if (
                hop.site.function in stage.functions
                and not isinstance(hop.source, Constant)
                and hop.how <= How.COMPUTED
                and self._flow.is_live(hop)
            ):
                return [hop]
        return None

    def _path(
        self,
        starts: Iterable[Carrier],
        stage: Stage,
        end: Carrier,
        *,
        dead: bool = False,
        unresolved: bool = False,
    ) -> list[Hop] | None:
        begin = list(starts)
        if end in begin and stage.reads is None:
            # The stage hands the carrier on as it is: it has to touch it.
            touching = [hop for hop in self._flow.entering(end) if hop.site.function in stage.functions]
            return touching[:1] or None

        def is_end(carrier: Carrier, hop: Hop) -> bool:
            # A dead path to the schema may lead through code that no stage knows of.
            here = hop.site.function in stage.functions or (dead and stage.kind is StageKind.SCHEMA)
            return here and (end in {carrier, by_name(carrier)} or (unresolved and _may_be(carrier, end)))

        return self._flow.path(begin, is_end, dead=dead, unresolved=unresolved)

    def _broken(
        self, record: Record, source: Stage | None, stage: Stage, starts: list[Carrier], end: Carrier
    ) -> Edge:
        if source is not None:
            if self._path(starts, stage, end, unresolved=True) is not None:
                hops = self._path(starts, stage, end, unresolved=True)
                diagnosis = self._diagnostician.unresolved(hops or [], end)
                return Edge(record, source, stage, Verdict.UNRESOLVED, diagnosis=diagnosis)
            dormant = self._path(starts, stage, end, dead=True)
            if dormant is not None:
                diagnosis = self._diagnostician.dormant(dormant)
                return Edge(record, source, stage, Verdict.BROKEN, diagnosis=diagnosis)
        assert not isinstance(stage.definition, Unresolved)
        diagnosis = self._diagnostician.lost(record.id, starts, end, stage.definition, stage.functions)
        return Edge(record, source, stage, Verdict.BROKEN, diagnosis=diagnosis)

    def _consumer_edge(self, record: Record, resting: Stage | None, stage: Stage) -> Edge:
        if isinstance(stage.definition, Unresolved):
            diagnosis = self._diagnostician.missing(stage.definition, (*stage.yaml, "at"))
            return Edge(record, resting, stage, Verdict.BROKEN, diagnosis=diagnosis)
        if stage.definition is None:
            outside = record.consumers[int(stage.yaml[1])].file or stage.name
            diagnosis = self._diagnostician.outside_python(outside, (*stage.yaml, "file"))
            return Edge(record, resting, stage, Verdict.UNRESOLVED, diagnosis=diagnosis)
        dead = self._diagnostician.never_called(stage.definition, consumer=True)
        if dead is not None:
            return Edge(record, resting, stage, Verdict.BROKEN, diagnosis=dead)
        starts = self._starts(resting, stage)
        if isinstance(starts, Unresolved):
            if stage.reads is not None:
                diagnosis = self._diagnostician.missing(starts, (*stage.yaml, "reads"))
                return Edge(record, resting, stage, Verdict.BROKEN, diagnosis=diagnosis)
            return Edge(record, resting, stage, Verdict.FOLLOWS)
        proof: list[Hop] = []
        for member in starts:
            hops = self._read(member.carrier, stage)
            if hops is None:
                unresolved = self._read(member.carrier, stage, unresolved=True)
                if unresolved is not None:
                    diagnosis = self._diagnostician.unresolved(unresolved, member.carrier)
                    return Edge(record, resting, stage, Verdict.UNRESOLVED, diagnosis=diagnosis)
                diagnosis = self._diagnostician.unread(
                    record.id, member.carrier, stage.definition, stage.functions
                )
                return Edge(record, resting, stage, Verdict.BROKEN, diagnosis=diagnosis)
            proof += hops
        return Edge(record, resting, stage, Verdict.PROVED, tuple(proof))

    def _read(self, carrier: Carrier, stage: Stage, *, unresolved: bool = False) -> list[Hop] | None:
        """The consumer reads the carrier itself, or what it was copied to; a branch on it counts as a read.

        Being handed the value as an argument counts for the consumer's own functions only: a helper that formats
        numbers is called by many, and proves nothing for one of them.
        """
        names = [carrier]
        if unresolved and isinstance(carrier, FieldCarrier):
            names.append(UnresolvedCarrier(carrier.name))
        for hop in (hop for name in names for hop in self._flow.out_of.get(name, ())):
            if hop.site.function in stage.functions and self._flow.is_live(hop) and self._takes(hop):
                return [hop]

        def is_end(target: Carrier, hop: Hop) -> bool:
            if isinstance(target, ParameterCarrier):
                return target.function in stage.own and self._takes(hop)
            return hop.site.function in stage.functions

        return self._flow.path(
            [carrier],
            is_end,
            how=How.COPY,
            unresolved=unresolved,
            enters=lambda target: not isinstance(target, ParameterCarrier),
        )

    def _takes(self, hop: Hop) -> bool:
        """Whether a value is looked at where it goes: a parameter that its function ignores takes nothing."""
        if not isinstance(hop.target, ParameterCarrier):
            return True
        summary = self._flow.program.modules[hop.target.function.module]
        inside = f"{hop.target.function.qualname}.<locals>."
        graph = summary.functions[hop.target.function.qualname].graph
        nested = [one.graph for name, one in summary.functions.items() if name.startswith(inside)]
        if any(
            node.kind is Kind.FREE and node.data == hop.target.name for one in nested for node in one.nodes
        ):
            return True
        used = {
            index
            for node in graph.nodes
            for index in (*node.operands, *(() if node.control is None else (node.control,)))
        } | {index for effect in graph.effects for index in (effect.base, effect.value, *effect.guards)}
        return any(
            node.kind is Kind.PARAM and node.data == hop.target.name and index in used
            for index, node in enumerate(graph.nodes)
        )


def _may_be(carrier: Carrier, end: Carrier) -> bool:
    """Whether a field of unknown owner has the name of the one that is looked for."""
    return (
        isinstance(carrier, UnresolvedCarrier) and isinstance(end, FieldCarrier) and carrier.name == end.name
    )


def _without_consequences(edges: list[Edge]) -> list[Edge]:
    """Tell each fault once.

    An edge follows from an earlier one that has the same fault, or that never runs, and from any whose source's
    value is dropped before it gets anywhere.
    """
    starved = [_begins_at(edge) for edge in edges if edge.diagnosis is not None and edge.diagnosis.starves]
    kept: list[Edge] = []
    silent: set[Stage] = set()
    told: set[tuple[object, ...]] = set()
    for edge in edges:
        diagnosis = edge.diagnosis
        if diagnosis is None:
            kept.append(edge)
            continue
        fault = (diagnosis.cause, diagnosis.subject, diagnosis.place, diagnosis.yaml)
        is_starved = not diagnosis.starves and not diagnosis.silences and _begins_at(edge) in starved
        if edge.verdict is Verdict.BROKEN and (fault in told or is_starved or _is_fed_by(edge, silent)):
            edge = replace(edge, verdict=Verdict.FOLLOWS)
        told.add(fault)
        if diagnosis.silences and edge.target.kind is not StageKind.CONSUMER:
            silent.add(edge.target)
        kept.append(edge)
    return kept


def _begins_at(edge: Edge) -> tuple[Member, ...] | Unresolved | None:
    """Where an edge takes its value from: what its stage reads, or what the stage before carries."""
    if edge.target.reads is not None or edge.source is None:
        return edge.target.reads
    return edge.source.carriers


def _is_fed_by(edge: Edge, stages: set[Stage]) -> bool:
    """Whether an edge takes its value from one of these stages: the one before it, or the one it reads."""
    if edge.target.reads is None:
        return edge.source in stages
    return any(edge.target.reads == stage.carriers for stage in stages)
