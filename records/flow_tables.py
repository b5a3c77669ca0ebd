"""Section "Data Flow": rows of the wire table, of the consumer table, and the drawn wire."""

from __future__ import annotations

from dataclasses import dataclass

from ..registry import Symbol
from ..registry.wiring_parts import Consumer, ConsumerKind, Display, TransportStage
from ..verify.wiring import StageKind, Verdict
from .markdown import ABSENT, code
from .page import Page


@dataclass(frozen=True, slots=True)
class WireRow:
    """One stage of the wire with its full symbol; the cells are Markdown."""

    stage: str
    symbol: str
    carrier: str


def as_called(symbol: Symbol) -> str:
    """Return a symbol's qualified name, with `()` where the name is a function's by convention."""
    return f"{symbol.qualname}()" if symbol.name.lstrip("_")[:1].islower() else symbol.qualname


def wire_rows(page: Page) -> tuple[WireRow, ...]:
    """Return every stage as the record declares it: which symbol, what it reads, what it carries."""
    record = page.record
    schema = record.schema_
    resting = code(schema.shown)
    emitter = record.emitter
    parts = [("emitter", emitter.at, emitter.reads, code(emitter.carries))]
    parts += [(step.stage, step.at, step.reads, code(step.carries)) for step in record.transport]
    rows = [
        WireRow(stage, code(at), carrier if reads is None else f"{carrier} from {code(reads)}")
        for stage, at, reads, carrier in parts
    ]
    rows.append(WireRow("schema", code(schema.at), resting))
    for consumer in record.consumers:
        reads = code(consumer.reads) if consumer.reads is not None else resting
        symbol = code(consumer.at) if consumer.at is not None else code(consumer.file)
        rows.append(WireRow(f"consumer {consumer.label}", symbol, f"reads {reads}"))
    return tuple(rows)


def drawn(page: Page) -> str:
    """Return the record's diagram, or one made of its stages; `--X-->` leads to a stage whose edge is broken."""
    record = page.record
    if record.diagram is not None:
        return record.diagram
    text = ""
    for edge in page.wire.edges:
        if edge.target.kind is StageKind.CONSUMER:
            break
        if edge.target.kind is StageKind.SCHEMA or edge.target.at is None:
            continue
        arrow = " --> " if edge.verdict is Verdict.PROVED else " --X--> "
        text += (arrow if text else "") + f"[{as_called(edge.target.at)}]"
    return f"{text} --> [{record.schema_.shown}]"


@dataclass(frozen=True, slots=True)
class ConsumerRow:
    """One consumer; the cells are Markdown."""

    name: str
    kind: str
    file: str
    usage: str


def consumer_rows(page: Page) -> tuple[ConsumerRow, ...]:
    """Return every consumer, in the record's order."""
    return tuple(
        ConsumerRow(
            consumer.label,
            consumer.kind.value.capitalize(),
            file_cell(consumer.file, page.file_of(consumer.at) if consumer.at is not None else None),
            _usage(consumer),
        )
        for consumer in page.record.consumers
    )


def are_all_displays(page: Page) -> bool:
    """Return whether every consumer is a display; the table then has their files instead of their kinds."""
    return all(consumer.kind is ConsumerKind.DISPLAY for consumer in page.record.consumers)


def _usage(consumer: Consumer) -> str:
    parts = [consumer.usage.strip()]
    if consumer.shows is not None:
        parts.append(f"shows {code(consumer.shows)}")
    if consumer.applies_thresholds:
        parts.append("applies the thresholds")
    parts += [_display(display) for display in consumer.displays]
    return "; ".join(parts)


def _display(display: Display) -> str:
    """Return what a consumer displays of one value."""
    said = [] if display.text is None else [f"displays {code(display.text)}"]
    said += [] if display.style is None else [f"in {display.style}"]
    said += [] if display.absent is None else [f"{'and ' if said else 'displays '}no {code(display.absent)}"]
    return f"{' '.join(said)} for {code(repr(display.value))}"


def mechanism_cell(step: TransportStage) -> str:
    """Return how a stage moves the value, and what it makes of it."""
    moved = step.mechanism if step.mechanism is not None else code(as_called(step.at))
    return moved if step.transform is None else f"{moved.strip()} (transform: {code(str(step.transform))})"


def file_cell(written: str | None, found: str | None) -> str:
    """Return the file of a symbol: where it was found, and what the record says where that differs."""
    if found is None or written == found:
        return code(written) if written is not None else ABSENT
    if written is None or found.endswith(f"/{written}"):
        return code(found)
    return f"{code(found)} (the record says {code(written)})"
