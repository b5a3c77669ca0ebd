"""Puts the wires of the records into a plan, with their probes and the points on every way along their edges."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from ....registry import Kind, Record, Registry, Shape
from ...flow import Hop
from ...wiring import Edge, StageKind, Verdict, Wire
from ..places import Unseen
from ..plan import Point
from ..points import HopPoints, WirePoints, transform_of
from .files import DriveFiles
from .sentinels import sentinels
from .wires import DisplayPlan, EdgePlan, ProbePlan, WayHop, WirePlan

ABOUT_THE_WIRE = {
    "id",
    "type",
    "fields",
    "range",
    "default",
    "emitter",
    "transport",
    "schema",
    "consumers",
    "probe",
}


def record_digest(record: Record) -> str:
    """Return the digest of what a record says about its wire: when that changes, its probe says nothing any more."""
    data = record.model_dump(mode="json", by_alias=True, include=ABOUT_THE_WIRE | {"schema_"})
    text = json.dumps(data, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()


def drawn(
    wires: tuple[Wire, ...],
    points: WirePoints,
    registry: Registry,
    files: DriveFiles,
    problems: Mapping[tuple[str, str], str],
) -> tuple[WirePlan, ...]:
    """Return the wires as a plan has them; `problems` says of records and stages what is wrong with the edge."""
    drawing = _Drawing(points, registry, files, problems)
    return tuple(drawing.wire(wire) for wire in wires)


class _Drawing:
    def __init__(
        self,
        points: WirePoints,
        registry: Registry,
        files: DriveFiles,
        problems: Mapping[tuple[str, str], str],
    ) -> None:
        self._points = points
        self._registry = registry
        self._files = files
        self._problems = problems
        self._sentinels = sentinels(registry)
        ordered = [point for module in points.modules.values() for point in module.points]
        self._numbers = {point: number for number, point in enumerate(ordered)}

    def wire(self, wire: Wire) -> WirePlan:
        record = wire.record
        return WirePlan(
            record=record.id,
            digest=record_digest(record),
            is_single=record.type.shape is Shape.SCALAR,
            depends_on=_depends_on(record, self._registry),
            made_from=tuple(dict.fromkeys(str(hop.source) for hop in self._emitter_hops(wire))),
            edges=tuple(self._edge(wire, edge) for edge in wire.edges),
            probe=self._probe(record),
        )

    def _emitter_hops(self, wire: Wire) -> list[Hop]:
        edge = wire.edges[0]
        if edge.verdict is not Verdict.PROVED:
            return []
        return [hop.hop for ways in self._points.ways(edge) for way in ways for hop in way]

    def _probe(self, record: Record) -> ProbePlan | None:
        probe = record.probe
        if probe is None:
            return None
        file = self._files.file(probe.drive.module)
        sentinel = self._sentinels[record.id]
        return ProbePlan(
            drive=str(probe.drive),
            file=None if file is None else str(file),
            at=self._at(record, "probe", "drive"),
            values=probe.values,
            sentinel=None if isinstance(sentinel, str) else sentinel,
            no_sentinel=sentinel if isinstance(sentinel, str) else "",
            tolerance=0.0 if record.type.kind is Kind.INT else probe.tolerance,
        )

    def _edge(self, wire: Wire, edge: Edge) -> EdgePlan:
        record, yaml = edge.record, edge.target.yaml
        is_proved = edge.verdict is Verdict.PROVED
        problem = "" if is_proved else self._problems.get((record.id, edge.name), str(edge.verdict))
        consumer = record.consumers[_position(yaml)] if edge.target.kind is StageKind.CONSUMER else None
        at = edge.target.at
        return EdgePlan(
            stage=edge.name,
            is_consumer=consumer is not None,
            carriers=tuple(edge.carriers) or (edge.name,),
            at=self._at(record, *yaml),
            before=_before(wire, edge),
            transform=transform_of(edge),
            problem=problem,
            chains=self._chains(edge) if is_proved else (),
            writes=() if is_proved else tuple(self._writes(edge)),
            consumer="" if consumer is None or at is None else at.name,
            displays=()
            if consumer is None
            else tuple(DisplayPlan(one.value, one.text, one.absent, one.style) for one in consumer.displays),
        )

    def _chains(self, edge: Edge) -> tuple[tuple[tuple[WayHop, ...], ...], ...]:
        return tuple(
            tuple(tuple(self._hop(hop) for hop in way) for way in ways) for ways in self._points.ways(edge)
        )

    def _hop(self, hop: HopPoints) -> WayHop:
        return WayHop(self._number(hop.source), self._number(hop.target), hop.is_copy)

    def _writes(self, edge: Edge) -> list[int]:
        numbers = (self._number(point) for point in self._points.writes(edge))
        return sorted({number for number in numbers if number is not None})

    def _number(self, point: Point | Unseen) -> int | None:
        return None if isinstance(point, Unseen) else self._numbers[point]

    def _at(self, record: Record, *yaml: str | int) -> str:
        location = self._registry.location(record.id, *yaml)
        path = Path(location.path)
        inside = path.is_absolute() and path.is_relative_to(self._files.root)
        return f"{path.relative_to(self._files.root).as_posix() if inside else path}:{location.line}"


def _depends_on(record: Record, registry: Registry) -> tuple[str, ...]:
    """Return the records that a record depends on, as it says or as they do."""
    upstream = {one.record_id for one in record.dependencies.upstream}
    said = {
        other.id
        for other in registry
        if any(one.record_id == record.id for one in other.dependencies.downstream)
    }
    return tuple(sorted(one for one in upstream | said if one is not None))


def _position(yaml: tuple[str | int, ...]) -> int:
    position = yaml[1]
    assert isinstance(position, int)
    return position


def _before(wire: Wire, edge: Edge) -> int | None:
    """Return which edge brings the value to where this one takes it: the stage that carries what it reads."""
    if edge.source is None:
        return None
    targets = [one.target for one in wire.edges]
    here = targets.index(edge.target)
    if edge.target.reads is not None:
        for position, target in enumerate(targets[:here]):
            if target.kind is not StageKind.CONSUMER and target.carriers == edge.target.reads:
                return position
    return targets.index(edge.source)
