"""The wiring checklist: every item is derived from edges and findings, with its reason.

An item is ticked only for a proof. What static analysis cannot tell stays unticked and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..verify.defaults import start_value
from ..verify.findings import Finding
from ..verify.flow import FieldCarrier
from ..verify.source.model import FieldSummary
from ..verify.wiring import Edge, StageKind, Unresolved, Verdict
from .flow_tables import as_called
from .markdown import code, codes, plain, without_line_numbers
from .page import Page

_AGGREGATION = {"aggregation", "collection"}
_THRESHOLD_RULES = ("TW306", "TW307", "TW308")  # drift, not applied, crossed
_DEFAULT_RULE = "TW208"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist; `reason` is Markdown."""

    name: str
    is_ticked: bool
    reason: str


def checklist(page: Page) -> tuple[Item, ...]:
    """Return the checklist of a record. "Aggregation works" stands only where the record has such a stage."""
    emitter, *between = [edge for edge in page.wire.edges if edge.target.kind is not StageKind.CONSUMER]
    aggregation = [edge for edge in between if edge.name in _AGGREGATION]
    transport = [edge for edge in between if edge.name not in _AGGREGATION]
    items = [_edges("Emitter exists", [emitter], page)]
    if aggregation:
        items.append(_edges("Aggregation works", aggregation, page))
    items += [
        _edges("Transport works", transport, page),
        _schema_field(page),
        _default(page),
        _consumers(page),
        Item(
            "Display is correct",
            False,
            "static analysis cannot tell what appears on a screen; no run-time evidence has been collected",
        ),
        _thresholds(page),
    ]
    return tuple(items)


def _edges(name: str, edges: list[Edge], page: Page) -> Item:
    if not edges:
        return Item(name, False, "the record declares no such stage")
    proved = all(edge.verdict is Verdict.PROVED for edge in edges)
    return Item(name, proved, "; ".join(_reason(edge, page) for edge in edges))


def _reason(edge: Edge, page: Page) -> str:
    """Return why an edge counts as proved or not: the function and file of its last hop, or the fault."""
    if edge.verdict is not Verdict.PROVED:
        return _fault(edge, page)
    carriers = codes(edge.carriers)
    site = edge.proof[-1].site
    place = f"({code(site.path)})"
    if edge.target.kind is StageKind.CONSUMER:
        return f"{code(edge.name)} reads {carriers} {place}"
    proved_in = code(site.function.qualname)
    if edge.target.kind is StageKind.SCHEMA or edge.target.at is None:
        return f"{proved_in} puts it into {carriers} {place}"
    declared = code(as_called(edge.target.at))
    if site.function != edge.target.definition:
        place = f"(in {proved_in}, {code(site.path)})"
    if edge.target.kind is not StageKind.EMITTER:
        return f"{declared} puts it into {carriers} {place}"
    return f"{declared} computes {'and returns it' if carriers == declared else carriers} {place}"


def _fault(edge: Edge, page: Page) -> str:
    name = plain(edge.name)
    if edge.verdict is Verdict.FOLLOWS:
        return f"{name} follows from the broken edge before it"
    word = "cannot be told" if edge.verdict is Verdict.UNRESOLVED else "BROKEN"
    found = next((one for one in (*page.findings, *page.accepted) if _explains(one, edge)), None)
    if found is None:
        cause = edge.verdict.value if edge.diagnosis is None else edge.diagnosis.cause.value
        return f"{name} {word}: {cause}"
    return f"{name} {word}: {plain(without_line_numbers(found.message))} ({found.rule})"


def _explains(finding: Finding, edge: Edge) -> bool:
    return (
        edge.diagnosis is not None
        and finding.stage == edge.name
        and finding.name == edge.diagnosis.cause.value
        and finding.subject == edge.diagnosis.subject
    )


def _schema_field(page: Page) -> Item:
    name = "Schema field exists"
    stage = page.schema_stage
    schema = page.record.schema_
    declared = schema.shown
    if isinstance(stage.carriers, Unresolved):
        missing = plain(f"{stage.carriers.missing} was not found")
        return Item(name, False, f"{code(declared)}: {missing}")
    if schema.key is not None:
        return Item(name, True, f"{code(declared)}: the field holds a mapping, which declares no keys")
    found = _declarations(page)
    if not found:
        return Item(name, False, f"{code(declared)} is no field that a class declares")
    written = codes([f"{carrier}: {field.annotation}" for carrier, field, _ in found])
    files = codes(list(dict.fromkeys(path for _, _, path in found)))
    return Item(name, True, f"{written} ({files})")


def _default(page: Page) -> Item:
    name = "Default is correct"
    expected = code(repr(page.record.default))
    different = page.against(_DEFAULT_RULE)
    if different:
        return Item(name, False, "; ".join(plain(one.message) for one in different))
    if page.record.schema_.key is not None:
        return Item(name, False, f"the record says {expected}; a key of a mapping declares no default")
    defaults = [field.default for _, field, _ in _declarations(page)]
    if not defaults:
        return Item(name, False, f"the record says {expected}; the field was not found")
    if not all(default is not None and start_value(default) is not None for default in defaults):
        return Item(name, False, f"the record says {expected}; what the source says cannot be told")
    written = codes(list(dict.fromkeys(default.text for default in defaults if default is not None)))
    return Item(name, True, f"{written} in the source, {expected} in the record")


def _declarations(page: Page) -> list[tuple[FieldCarrier, FieldSummary, str]]:
    """Return the fields in which the value rests, as their classes declare them, with their files."""
    carriers = page.schema_stage.carriers
    found: list[tuple[FieldCarrier, FieldSummary, str]] = []
    for member in () if isinstance(carriers, Unresolved) else carriers:
        if isinstance(member.carrier, FieldCarrier):
            declared = page.program.field(member.carrier.owner, member.carrier.name)
            if declared is not None:
                owner, field = declared
                found.append((member.carrier, field, page.program.modules[owner.module].path))
    return found


def _consumers(page: Page) -> Item:
    edges = [edge for edge in page.wire.edges if edge.target.kind is StageKind.CONSUMER]
    name = "Consumer reads it"
    if not edges:
        return Item(name, False, "the record names no consumer")
    return _edges(name, edges, page)


def _thresholds(page: Page) -> Item:
    name = "Thresholds applied"
    record = page.record
    if not record.thresholds.levels:
        return Item(name, False, "the record declares no thresholds")
    claiming = [
        edge
        for edge in page.wire.edges
        if edge.target.kind is StageKind.CONSUMER
        and record.consumers[int(edge.target.yaml[1])].applies_thresholds
    ]
    if not claiming:
        return Item(name, False, "no consumer of the record applies them")
    wrong = page.against(*_THRESHOLD_RULES)
    if wrong:
        return Item(name, False, "; ".join(_messages(wrong)))
    unread = [edge.name for edge in claiming if edge.verdict is not Verdict.PROVED]
    if unread:
        return Item(name, False, f"cannot be told: not proved to read the value: {codes(unread)}")
    graded = codes(list(dict.fromkeys(edge.name for edge in claiming)))
    return Item(name, True, f"graded by the thresholds of {code(record.id)} in {graded}")


def _messages(findings: Iterable[Finding]) -> list[str]:
    return [f"{plain(without_line_numbers(one.message))} ({one.rule})" for one in findings]
