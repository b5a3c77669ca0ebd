"""Edges between the stages of a wire, and what the analysis can say of each."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from ...registry import Record
from ..flow import Hop
from .causes import Diagnosis
from .resolve import Member, Unresolved
from .stages import Stage, StageKind


class Verdict(enum.StrEnum):
    """What the analysis can say of an edge."""

    PROVED = "proved"
    BROKEN = "broken"
    FOLLOWS = "follows"  # broken, because an edge before it is
    UNRESOLVED = "unresolved"  # only a receiver of unknown type could keep it


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

    @property
    def carriers(self) -> list[str]:
        """Where the value rests after the edge: the stage's carriers, for a consumer what it reads."""
        if self.proof and self.target.kind is StageKind.CONSUMER:
            return list(dict.fromkeys(str(hop.source) for hop in self.proof))
        carriers = self.target.carriers
        if isinstance(carriers, Unresolved):
            return [carriers.written]
        return [str(member.carrier) for member in carriers]


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


def without_consequences(edges: list[Edge]) -> list[Edge]:
    """Tell each fault once.

    An edge follows from an earlier one that has the same fault, or that never runs, and from any whose source's
    value is dropped before it gets anywhere.
    """
    starved = [_begins_at(edge) for edge in edges if edge.diagnosis is not None and edge.diagnosis.starves]
    kept: list[Edge] = []
    silent: set[Stage] = set()
    unfed: set[Stage] = set()
    told: set[tuple[object, ...]] = set()
    for edge in edges:
        diagnosis = edge.diagnosis
        if diagnosis is None:
            kept.append(edge)
            continue
        fault = (diagnosis.cause, diagnosis.subject, diagnosis.place, diagnosis.yaml)
        is_starved = not diagnosis.starves and not diagnosis.silences and _begins_at(edge) in starved
        is_unfed = diagnosis.reads_default and _is_fed_by(edge, unfed)
        if edge.verdict is Verdict.BROKEN and (
            fault in told or is_starved or is_unfed or _is_fed_by(edge, silent)
        ):
            edge = replace(edge, verdict=Verdict.FOLLOWS)
        told.add(fault)
        unfed.add(edge.target)
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
