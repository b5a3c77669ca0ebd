"""Proves the edges of a wire: for each the hops that keep it, or the reason why none do."""

from __future__ import annotations

from collections.abc import Iterable

from ...registry import Record
from ..flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    KeyCarrier,
    ParameterCarrier,
    UnresolvedCarrier,
    by_name,
)
from ..flow.looked_at import is_looked_at
from ..flow.whole_reads import reads_of_all, reads_of_any
from .by_name import called_by_name
from .causes import Diagnosis
from .diagnosis import Diagnostician, WithoutDiagnosis
from .edges import Edge, Verdict, Wire, without_consequences
from .production import produced
from .resolve import Member, Unresolved
from .stages import Stage, StageKind


class Prover:
    """Proves wires over one flow."""

    def __init__(self, flow: Flow, diagnostician: Diagnostician) -> None:
        self._flow = flow
        self._diagnostician = diagnostician
        self._certain: Prover | None = None
        if flow.by_name:
            certain = flow.without_calls_by_name()
            self._certain = Prover(certain, WithoutDiagnosis(certain, {}))

    def wire(self, record: Record, stages: tuple[Stage, ...]) -> Wire:
        """Prove the edges between the stages of a record; a fault is told once, at the edge that it breaks."""
        edges: list[Edge] = []
        before: Stage | None = None
        resting: Stage | None = None
        for stage in stages:
            if stage.kind is StageKind.CONSUMER:
                edges.append(self._judged(record, resting, stage))
                continue
            edges.append(self._judged(record, before, stage))
            before = resting = stage
        return Wire(record, stages, tuple(without_consequences(edges)))

    def _judged(self, record: Record, source: Stage | None, stage: Stage) -> Edge:
        """Judge an edge: code that is called by the name of a method alone, on whatever object, proves nothing."""
        judge = Prover._consumer_edge if stage.kind is StageKind.CONSUMER else Prover._edge
        edge = judge(self, record, source, stage)
        if edge.verdict is not Verdict.PROVED or self._certain is None:
            return edge
        certain = judge(self._certain, record, source, stage)
        if certain.verdict is Verdict.PROVED:
            return certain
        diagnosis = called_by_name(self._flow, edge.carriers[0], stage.functions, edge.proof)
        return Edge(record, source, stage, Verdict.UNRESOLVED, diagnosis=diagnosis)

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
                produced(self._flow, stage.functions, end.carrier)
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
            written = self._written(carrier, source) if isinstance(carrier, KeyCarrier) else []
            begin += written or [carrier]
        return begin

    def _written(self, key: KeyCarrier, source: Stage | None) -> list[Carrier]:
        """Return the keys of the mappings into which a stage writes something under a key."""
        if source is None:
            return []
        return [
            other
            for other in self._flow.same_key(key)
            if any(hop.site.function in source.functions for hop in self._flow.into(other))
        ]

    def _missing(self, record: Record, stage: Stage) -> Diagnosis | None:
        if isinstance(stage.definition, Unresolved):
            return self._diagnostician.missing(stage.definition, (*stage.yaml, "at"))
        if isinstance(stage.carriers, Unresolved):
            key = "field" if stage.kind is StageKind.SCHEMA else "carries"
            return self._diagnostician.missing(stage.carriers, (*stage.yaml, key))
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
        unknown = self._diagnostician.only_looked_up(stage.definition)
        if unknown is not None:
            return Edge(record, resting, stage, Verdict.UNRESOLVED, diagnosis=unknown)
        starts = self._starts(resting, stage)
        if isinstance(starts, Unresolved):
            if stage.reads is not None:
                diagnosis = self._diagnostician.missing(starts, (*stage.yaml, "reads"))
                return Edge(record, resting, stage, Verdict.BROKEN, diagnosis=diagnosis)
            return Edge(record, resting, stage, Verdict.FOLLOWS)
        proof: list[Hop] = []
        for member in starts:
            hops = self._read(member.carrier, stage, resting)
            if hops is None:
                unresolved = self._read(member.carrier, stage, resting, unresolved=True)
                if unresolved is not None:
                    diagnosis = self._diagnostician.unresolved(unresolved, member.carrier)
                    return Edge(record, resting, stage, Verdict.UNRESOLVED, diagnosis=diagnosis)
                diagnosis = self._diagnostician.unread(
                    record.id, member.carrier, stage.definition, stage.functions
                )
                return Edge(record, resting, stage, Verdict.BROKEN, diagnosis=diagnosis)
            proof += hops
        return Edge(record, resting, stage, Verdict.PROVED, tuple(proof))

    def _read(
        self, carrier: Carrier, stage: Stage, resting: Stage | None, *, unresolved: bool = False
    ) -> list[Hop] | None:
        """The consumer reads the carrier itself, or what it was copied to; a branch on it counts as a read.

        What it looks up in an object that nothing was stored into is no read: the values went into another one.

        Being handed the value as an argument counts for the consumer's own functions only: a helper that formats
        numbers is called by many, and proves nothing for one of them.
        """
        names = [carrier]
        if unresolved and isinstance(carrier, FieldCarrier):
            names.append(UnresolvedCarrier(carrier.name))
        for hop in (hop for name in names for hop in self._flow.out_of(name)):
            is_live = self._flow.is_live(hop, unresolved=unresolved)
            is_here = hop.site.function in stage.functions and is_live
            if is_here and not hop.fresh and self._takes(hop):
                return [hop]

        def is_end(target: Carrier, hop: Hop) -> bool:
            if isinstance(target, ParameterCarrier):
                return target.function in stage.own and self._takes(hop)
            return hop.site.function in stage.functions

        found = self._flow.path(
            [carrier],
            is_end,
            how=How.COPY,
            unresolved=unresolved,
            enters=lambda target: not isinstance(target, ParameterCarrier),
        )
        if found is None and isinstance(carrier, KeyCarrier):
            return self._read_with_all(carrier, stage, resting, unresolved=unresolved)
        return found

    def _read_with_all(
        self, key: KeyCarrier, stage: Stage, resting: Stage | None, *, unresolved: bool
    ) -> list[Hop] | None:
        """The consumer goes through the whole mapping that the stage before fills, or a copy of it."""
        filled = [
            one
            for one in self._written(key, resting)
            if any(not isinstance(hop.source, Constant) for hop in self._flow.into(one))
        ]
        reached = self._flow.reached(filled, how=How.COPY)
        reads = reads_of_any if unresolved else reads_of_all
        last = next(reads(self._flow, reached, stage.functions), None)
        if last is None:
            return None
        assert isinstance(last.source, KeyCarrier)
        return [*reached[last.source], last]

    def _takes(self, hop: Hop) -> bool:
        """Whether a value is looked at where it goes: a parameter that its function ignores takes nothing."""
        target = hop.target
        return not isinstance(target, ParameterCarrier) or is_looked_at(self._flow.facts, target)


def _may_be(carrier: Carrier, end: Carrier) -> bool:
    """Whether a field of unknown owner has the name of the one that is looked for."""
    return (
        isinstance(carrier, UnresolvedCarrier) and isinstance(end, FieldCarrier) and carrier.name == end.name
    )
