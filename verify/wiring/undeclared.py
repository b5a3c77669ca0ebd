"""What is wired and in no record: values that live in the records' schema classes, and readers of declared fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..flow import Constant, FieldCarrier, Flow, Hop, How
from ..source import ClassSymbol, FunctionSymbol
from .resolve import Unresolved
from .stages import StageKind
from .wiring import Wiring


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A carrier with values, or a reader of one, that no record speaks of.

    Attributes:
        record: The record whose field is read; None where the carrier itself has no record.
        carrier: The carrier.
        reader: Who reads it: a consumer that the record does not name; None for a carrier without a record.
        hop: Where it is written, or read.
    """

    record: str | None
    carrier: FieldCarrier
    reader: FunctionSymbol | None
    hop: Hop

    def __str__(self) -> str:
        if self.reader is None:
            return f"{self.carrier} is written at {self.hop.site}, and no record speaks of it"
        who = f"{self.reader.qualname} at {self.hop.site}"
        return f"{self.record} {self.carrier} is read by {who}, which is no consumer of it"


def undeclared(wiring: Wiring) -> Iterator[Undeclared]:
    """Yield what is there and not declared; the whole program has to have been followed."""
    declared = dict(_schema_fields(wiring))
    yield from _carriers(wiring.flow, set(declared))
    yield from _readers(wiring, declared)


def _schema_fields(wiring: Wiring) -> Iterator[tuple[FieldCarrier, str]]:
    """Yield where the values of each wire rest for consumers: what its last stage before them carries."""
    for wire in wiring.wires:
        last = [stage for stage in wire.stages if stage.kind is not StageKind.CONSUMER][-1]
        for member in () if isinstance(last.carriers, Unresolved) else last.carriers:
            if isinstance(member.carrier, FieldCarrier):
                yield member.carrier, wire.record.id


def _carriers(flow: Flow, declared: set[FieldCarrier]) -> Iterator[Undeclared]:
    owners = dict.fromkeys(carrier.owner for carrier in declared)
    for owner in owners:
        for name in flow.program.class_(owner).fields:
            carrier = FieldCarrier(owner, name)
            if carrier in declared:
                continue
            hop = next((one for one in flow.entering(carrier) if _produces(flow, one)), None)
            if hop is not None:
                yield Undeclared(None, carrier, None, hop)


def _readers(wiring: Wiring, declared: dict[FieldCarrier, str]) -> Iterator[Undeclared]:
    known: dict[str, set[FunctionSymbol]] = {}
    for wire in wiring.wires:
        known[wire.record.id] = {one for stage in wire.stages for one in stage.functions}
    for carrier, record in declared.items():
        told: set[ClassSymbol | FunctionSymbol] = set()
        for hop in wiring.flow.leaving(carrier):
            reader = hop.site.function
            if reader in known[record] or reader in told or not _carries(wiring.flow, hop):
                continue
            if isinstance(hop.target, FieldCarrier) and hop.target.owner == carrier.owner:
                continue  # the object's own work
            told.add(reader)
            yield Undeclared(record, carrier, reader, hop)


def _produces(flow: Flow, hop: Hop) -> bool:
    return not isinstance(hop.source, Constant) and _carries(flow, hop)


def _carries(flow: Flow, hop: Hop) -> bool:
    return hop.how <= How.COMPUTED and flow.is_live(hop)
