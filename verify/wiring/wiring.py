"""Records laid over the flow: all wires of a registry, and their graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ...registry import Registry
from ..flow import Carrier, Constant, Flow, UseCarrier
from ..source import SourceError
from .diagnosis import Diagnostician, WithoutDiagnosis
from .edges import Edge, Wire
from .prover import Prover
from .resolve import Resolver, Unresolved
from .stages import StageKind, stages_of

if TYPE_CHECKING:
    import networkx


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
        diagnose: bool = True,
    ) -> Wiring:
        """Lay the records (or only some IDs of them) over the flow; `unparsed` are modules that could not be read.

        Without `diagnose` it is left open why a value does not arrive.
        """
        records = [record for record in registry if not only or record.id in only]
        resolver = Resolver(flow, unparsed)
        stages = {record.id: stages_of(record, resolver, flow) for record in registry}
        declared: dict[Carrier, set[str]] = {}
        for record_id, found in stages.items():
            for stage in found:
                if stage.kind is not StageKind.CONSUMER and not isinstance(stage.carriers, Unresolved):
                    for member in stage.carriers:
                        declared.setdefault(member.carrier, set()).add(record_id)
        diagnostician = Diagnostician(flow, declared) if diagnose else WithoutDiagnosis(flow, declared)
        prover = Prover(flow, diagnostician)
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
