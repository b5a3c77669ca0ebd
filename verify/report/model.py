"""The report as data: what the JSON holds, and what its published schema is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..analysis import Verification
from ..any_rule import hop_line
from ..finding import Finding
from ..resolve import Unresolved
from ..status import derive_status
from ..wiring import Edge, Verdict

FORMAT_VERSION: Literal[1] = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HopModel(_Model):
    """A value moves from one carrier to another at one place."""

    source: str
    target: str
    how: Literal["copy", "computed", "control"]
    function: str = Field(description="module:qualified.name of the function that it happens in")
    path: str
    line: int
    column: int


class FindingModel(_Model):
    """A diagnosed fault."""

    rule: str = Field(description="the rule's code, TW204")
    name: str = Field(description="the rule's readable name, hardcoded-constant")
    severity: Literal["error", "warning", "note"]
    confidence: Literal["high", "medium", "low"]
    record: str | None = Field(description="the record's ID")
    stage: str | None = Field(description="the stage of the wire that the fault is in")
    subject: str = Field(description="the qualified carrier or symbol")
    path: str = Field(description="relative to the project's folder")
    line: int = Field(ge=1)
    column: int = Field(ge=1)
    end_line: int = Field(ge=1)
    end_column: int = Field(ge=1, description="exclusive")
    message: str
    help: str
    context: dict[str, str] = Field(description="every dynamic part of the message")
    hops: list[HopModel] = Field(description="the wire as far as it goes")


class EdgeModel(_Model):
    """What a record promises between two stages."""

    stage: str
    kind: Literal["emitter", "transport", "schema", "consumer"]
    at: str | None
    carriers: list[str]
    verdict: Literal["proved", "broken", "follows", "unresolved"] = Field(
        description="`follows`: broken because an edge before it is; `unresolved`: a receiver's type is unknown"
    )
    proof: list[HopModel]


class RecordModel(_Model):
    """One record with its edges and the status that they support."""

    id: str
    name: str
    priority: str
    status: Literal["planned", "in-progress", "wired", "tested", "verified"]
    reason: str = Field(description="why the status is not higher")
    edges: list[EdgeModel]


class SkippedModel(_Model):
    """A file that could not be analysed."""

    path: str
    line: int
    column: int
    reason: str


class SummaryModel(_Model):
    """The run in numbers."""

    records: int
    edges: int
    proved: int
    broken: int
    unresolved: int
    findings: int
    accepted: int
    files: int
    lines: int
    resolved: float | None = Field(
        description="share of attribute accesses with a known receiver type, 0 to 1"
    )
    seconds: float


class ReportModel(_Model):
    """A whole verification. `clean` is what exit status 0 means."""

    format: Literal[1]
    clean: bool
    records: list[RecordModel]
    findings: list[FindingModel]
    accepted: list[FindingModel] = Field(description="findings that a record's waiver accepts")
    skipped: list[SkippedModel]
    summary: SummaryModel


def report_of(verification: Verification) -> ReportModel:
    """Return a verification as the report's data."""
    edges = verification.wiring.edges
    verdicts = [edge.verdict for edge in edges]
    records = []
    for wire in verification.wiring.wires:
        derived = derive_status(wire)
        records.append(
            RecordModel(
                id=wire.record.id,
                name=wire.record.name,
                priority=wire.record.priority.value,
                status=derived.status.value,
                reason=derived.reason,
                edges=[_edge(edge) for edge in wire.edges],
            )
        )
    return ReportModel(
        format=FORMAT_VERSION,
        clean=verification.is_clean,
        records=records,
        findings=[_finding(finding) for finding in verification.findings],
        accepted=[_finding(finding) for finding in verification.accepted],
        skipped=[
            SkippedModel(path=one.path, line=one.line, column=one.column, reason=one.reason)
            for one in verification.skipped
        ],
        summary=SummaryModel(
            records=len(verification.wiring.wires),
            edges=len(edges),
            proved=verdicts.count(Verdict.PROVED),
            broken=verdicts.count(Verdict.BROKEN) + verdicts.count(Verdict.FOLLOWS),
            unresolved=verdicts.count(Verdict.UNRESOLVED),
            findings=len(verification.findings),
            accepted=len(verification.accepted),
            files=verification.files,
            lines=verification.lines,
            resolved=verification.resolved,
            seconds=round(verification.seconds, 3),
        ),
    )


def edge_carriers(edge: Edge) -> list[str]:
    """Return where the value rests after an edge: the stage's carriers, for a consumer what it reads."""
    if edge.proof and edge.target.kind.value == "consumer":
        return list(dict.fromkeys(str(hop.source) for hop in edge.proof))
    carriers = edge.target.carriers
    return (
        [carriers.written]
        if isinstance(carriers, Unresolved)
        else [str(member.carrier) for member in carriers]
    )


def _edge(edge: Edge) -> EdgeModel:
    return EdgeModel(
        stage=edge.name,
        kind=edge.target.kind.value,
        at=None if edge.target.at is None else str(edge.target.at),
        carriers=edge_carriers(edge),
        verdict=edge.verdict.value,
        proof=[HopModel.model_validate(_plain(hop_line(hop))) for hop in edge.proof],
    )


def _finding(finding: Finding) -> FindingModel:
    values = {name: getattr(finding, name) for name in FindingModel.model_fields if name != "hops"}
    return FindingModel.model_validate({**values, "hops": [_plain(hop) for hop in finding.hops]})


def _plain(hop: object) -> dict[str, object]:
    return {name: getattr(hop, name) for name in HopModel.model_fields}
