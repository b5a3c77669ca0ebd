"""The report as data: what the JSON holds, and what its published schema is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..analysis import Verification
from ..evidence.combined import combined
from ..evidence.observed import EdgeObservation
from ..evidence.status import status_of
from ..findings.any_rule import hop_line
from ..findings.model import FindingModel, HopModel, ReportPart, SkippedModel
from ..wiring import Verdict
from ..wiring.undeclared import Undeclared

FORMAT_VERSION: Literal[1] = 1
_TESTS = 20


class EdgeModel(ReportPart):
    """What a record promises between two stages."""

    stage: str
    kind: Literal["emitter", "transport", "schema", "consumer"]
    at: str | None
    carriers: list[str]
    verdict: Literal["proved", "broken", "follows", "unresolved"] = Field(
        description="`follows`: broken because an edge before it is; `unresolved`: a receiver's type is unknown"
    )
    proof: list[HopModel]
    declared: Literal[True] = Field(description="a record promises it; what none does is in `undeclared`")
    combined: Literal[
        "verified", "unobserved", "untried", "contradicted", "phantom", "unresolved", "undeclared"
    ] = Field(description="what declaration, proof and observation come to")
    observed: Literal[
        "no-evidence",
        "unproved",
        "unseeable",
        "stale",
        "unseen",
        "not-passed",
        "harness",
        "default-only",
        "unknown",
        "differs",
        "constant",
        "tested",
    ] = Field(description="what the evidence of a run of the tests says of the edge")
    observed_reason: str = Field(description="what shows it, or why it is not tested")
    observed_by: list[str] = Field(description="the tests that saw it, twenty at most")


class RecordModel(ReportPart):
    """One record with its edges and the status that they support."""

    id: str
    name: str
    priority: str
    status: Literal["planned", "in-progress", "wired", "tested", "verified"]
    reason: str = Field(description="why the status is not higher")
    edges: list[EdgeModel]


class SummaryModel(ReportPart):
    """The run in numbers."""

    records: int
    edges: int
    proved: int
    broken: int
    unresolved: int
    tested: int | None = Field(description="edges that a passing test saw; null where there is no evidence")
    coverage: float | None = Field(
        description="the tested edges in a hundred of all; null where there is no evidence"
    )
    findings: int
    accepted: int
    outside_change: int | None = Field(
        description="findings that the change does not touch, left out here; null where none was asked about"
    )
    files: int
    lines: int
    followed: int = Field(
        description="files that were followed: those that the wires run through where all is well, else all"
    )
    resolved: float | None = Field(
        description="share of attribute accesses in them with a known receiver type, 0 to 1"
    )
    seconds: float


class UndeclaredModel(ReportPart):
    """What is there and in no record: a carrier with values, or a reader of a declared one."""

    record: str | None = Field(description="whose field is read; null where the carrier itself has no record")
    carrier: str
    reader: str | None = Field(
        description="who reads it and is no consumer; null for a carrier without a record"
    )
    path: str
    line: int


class ReportModel(ReportPart):
    """A whole verification. `clean` is what exit status 0 means."""

    format: Literal[1]
    clean: bool
    records: list[RecordModel]
    findings: list[FindingModel]
    accepted: list[FindingModel] = Field(description="findings that a record's waiver accepts")
    skipped: list[SkippedModel]
    undeclared: list[UndeclaredModel] | None = Field(description="null where nobody asked (--undeclared)")
    summary: SummaryModel


def report_of(verification: Verification) -> ReportModel:
    """Return a verification as the report's data."""
    edges = verification.wiring.edges
    verdicts = [edge.verdict for edge in edges]
    coverage = verification.coverage
    records = []
    for wire in verification.wiring.wires:
        derived = status_of(wire, verification.run_time)
        records.append(
            RecordModel(
                id=wire.record.id,
                name=wire.record.name,
                priority=wire.record.priority.value,
                status=derived.status.value,
                reason=derived.reason,
                edges=[_edge(one) for one in verification.observed.of_wire(wire)],
            )
        )
    return ReportModel(
        format=FORMAT_VERSION,
        clean=verification.is_clean,
        records=records,
        findings=[FindingModel.of(finding) for finding in verification.findings],
        accepted=[FindingModel.of(finding) for finding in verification.accepted],
        skipped=[SkippedModel.of(one) for one in verification.skipped],
        undeclared=None if verification.undeclared is None else [*map(_undeclared, verification.undeclared)],
        summary=SummaryModel(
            records=len(verification.wiring.wires),
            edges=len(edges),
            proved=verdicts.count(Verdict.PROVED),
            broken=verdicts.count(Verdict.BROKEN) + verdicts.count(Verdict.FOLLOWS),
            unresolved=verdicts.count(Verdict.UNRESOLVED),
            tested=coverage.tested,
            coverage=None if coverage.percent is None else round(coverage.percent, 2),
            findings=len(verification.findings),
            accepted=len(verification.accepted),
            outside_change=verification.outside_change,
            files=verification.files,
            lines=verification.lines,
            followed=verification.followed,
            resolved=verification.resolved,
            seconds=round(verification.seconds, 3),
        ),
    )


def _undeclared(one: Undeclared) -> UndeclaredModel:
    reader = None if one.reader is None else str(one.reader)
    site = one.hop.site
    return UndeclaredModel(
        record=one.record,
        carrier=f"{one.carrier.owner.module}:{one.carrier}",
        reader=reader,
        path=site.path,
        line=site.span.line,
    )


def _edge(observation: EdgeObservation) -> EdgeModel:
    edge = observation.edge
    return EdgeModel(
        stage=edge.name,
        kind=edge.target.kind.value,
        at=None if edge.target.at is None else str(edge.target.at),
        carriers=edge.carriers,
        verdict=edge.verdict.value,
        proof=[HopModel.of(hop_line(hop)) for hop in edge.proof],
        declared=True,
        observed=observation.observation.value,
        combined=combined(observation).value,
        observed_reason=observation.reason,
        observed_by=list(observation.tests[:_TESTS]),
    )
