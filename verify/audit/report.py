"""What an audit of one or several programs says, as data: what the JSON holds and its schema is made of."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from ..changes import Changes
from ..findings import Confidence, Finding
from ..findings.model import FindingModel, ReportPart, SkippedModel
from ..source import SourceError
from .audit import Audit
from .baseline import Baseline

FORMAT_VERSION: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Several audits as one: all paths are relative to `root`, the folder that holds every program.

    Attributes:
        min_confidence: What was asked for.
        unsure: How many findings lie below that.
        known: What a baseline accepts.
        gone: How many findings of the baseline are no longer there.
        accepted: What comments beside the code accept.
        sites_resolved: Attribute accesses whose receiver's type is known, of `sites`.
        outside_change: How many findings a change does not touch; None where none was asked about.
        libraries: How many of the programs are judged as libraries, whose users no analysis sees.
        guessed: How many of those only by what they look like: no setting says it.
    """

    root: Path
    min_confidence: Confidence
    findings: tuple[Finding, ...]
    accepted: tuple[Finding, ...]
    unsure: int
    skipped: tuple[SourceError, ...]
    files: int
    lines: int
    sites_resolved: int
    sites: int
    seconds: float
    known: tuple[Finding, ...] = ()
    gone: int = 0
    outside_change: int | None = None
    libraries: int = 0
    guessed: int = 0

    @classmethod
    def of(cls, audits: Sequence[Audit], min_confidence: Confidence) -> AuditReport:
        """Put audits together."""
        root = Path(os.path.commonpath([audit.target.root for audit in audits]))
        moved = [(audit, audit.target.root.relative_to(root)) for audit in audits]
        findings = [_under(folder, one) for audit, folder in moved for one in audit.findings]
        return cls(
            root=root,
            min_confidence=min_confidence,
            findings=tuple(sorted(findings, key=lambda finding: (*finding.sort_key, finding.subject))),
            accepted=tuple(_under(folder, one) for audit, folder in moved for one in audit.accepted),
            unsure=sum(audit.unsure for audit in audits),
            skipped=tuple(
                SourceError(_join(folder, one.path), one.line, one.column, one.reason)
                for audit, folder in moved
                for one in audit.skipped
            ),
            files=sum(audit.files for audit in audits),
            lines=sum(audit.lines for audit in audits),
            sites_resolved=sum(audit.sites_resolved for audit in audits),
            sites=sum(audit.sites for audit in audits),
            seconds=sum(audit.seconds for audit in audits),
            libraries=sum(audit.target.is_library for audit in audits),
            guessed=sum(
                audit.target.is_library and audit.target.settings.library is None for audit in audits
            ),
        )

    def without(self, baseline: Baseline) -> AuditReport:
        """Return this report with the findings that a baseline does not know."""
        new, known, gone = baseline.split(self.findings)
        return dataclasses.replace(self, findings=tuple(new), known=tuple(known), gone=gone)

    def touched_by(self, changes: Changes) -> AuditReport:
        """Return this report with the findings that a change touches."""
        touched = tuple(finding for finding in self.findings if changes.touch(finding))
        return dataclasses.replace(self, findings=touched, outside_change=len(self.findings) - len(touched))

    @property
    def resolved(self) -> float | None:
        """Share of attribute accesses with a known receiver type; None where there is none."""
        return self.sites_resolved / self.sites if self.sites else None

    @property
    def by_rule(self) -> Mapping[tuple[str, str], int]:
        """How many findings each rule (code and name) has, in order of codes."""
        return dict(sorted(Counter((finding.rule, finding.name) for finding in self.findings).items()))


class ResolvedModel(ReportPart):
    """How much of the program the analysis could see through. What stays unknown is never accused."""

    sites: int = Field(description="attribute accesses")
    resolved: int = Field(description="those whose receiver's type is known")
    share: float | None = Field(description="resolved / sites, 0 to 1; null without any site")


class RuleCountModel(ReportPart):
    """How many findings a rule has."""

    rule: str
    name: str
    findings: int


class AuditSummaryModel(ReportPart):
    """The run in numbers."""

    findings: int
    below: int = Field(description="findings below the confidence that was asked for, left out here")
    accepted: int = Field(description="findings that a comment beside the code accepts")
    known: int = Field(description="findings that the baseline accepts")
    gone: int = Field(description="findings of the baseline that are no longer there")
    outside_change: int | None = Field(
        description="findings that the change does not touch, left out here; null where none was asked about"
    )
    by_rule: list[RuleCountModel]
    libraries: int = Field(
        description="audited programs that are judged as libraries: what is public is their users' business"
    )
    files: int
    lines: int
    seconds: float


class AuditModel(ReportPart):
    """What an audit found. `clean` is what exit status 0 means."""

    format: Literal[1]
    clean: bool
    root: str = Field(description="the folder that all paths are relative to")
    min_confidence: Literal["high", "medium", "low"]
    findings: list[FindingModel]
    resolved: ResolvedModel
    skipped: list[SkippedModel]
    summary: AuditSummaryModel


def to_json(report: AuditReport) -> str:
    """Return an audit as JSON, in the form of `audit.schema.json`."""
    share = report.resolved
    model = AuditModel(
        format=FORMAT_VERSION,
        clean=not report.findings,
        root=report.root.as_posix(),
        min_confidence=report.min_confidence.value,
        findings=[FindingModel.of(finding) for finding in report.findings],
        resolved=ResolvedModel(
            sites=report.sites,
            resolved=report.sites_resolved,
            share=None if share is None else round(share, 4),
        ),
        skipped=[SkippedModel.of(one) for one in report.skipped],
        summary=AuditSummaryModel(
            findings=len(report.findings),
            below=report.unsure,
            accepted=len(report.accepted),
            known=len(report.known),
            gone=report.gone,
            outside_change=report.outside_change,
            by_rule=[
                RuleCountModel(rule=code, name=name, findings=count)
                for (code, name), count in report.by_rule.items()
            ],
            libraries=report.libraries,
            files=report.files,
            lines=report.lines,
            seconds=round(report.seconds, 3),
        ),
    )
    return model.model_dump_json(indent=2) + "\n"


def audit_json_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of an audit."""
    schema = AuditModel.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "telewire audit",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def schema_text() -> str:
    """Return the schema as the committed file holds it."""
    return json.dumps(audit_json_schema(), indent=2) + "\n"


def _under(folder: Path, finding: Finding) -> Finding:
    if folder == Path():
        return finding
    hops = tuple(dataclasses.replace(hop, path=_join(folder, hop.path)) for hop in finding.hops)
    return dataclasses.replace(finding, path=_join(folder, finding.path), hops=hops)


def _join(folder: Path, path: str) -> str:
    return (folder / path).as_posix()
