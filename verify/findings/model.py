"""Findings as data: what every JSON report holds of them, and what its published schema is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..source import SourceError
from .finding import Finding, HopLine


class ReportPart(BaseModel):
    """A part of a report: immutable, and with no key beside those declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HopModel(ReportPart):
    """A value moves from one carrier to another at one place."""

    source: str
    target: str
    how: Literal["copy", "computed", "control"]
    function: str = Field(description="module:qualified.name of the function that it happens in")
    path: str
    line: int
    column: int

    @classmethod
    def of(cls, hop: HopLine) -> HopModel:
        """Return a hop as a report holds it."""
        return cls.model_validate({name: getattr(hop, name) for name in cls.model_fields})


class FindingModel(ReportPart):
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

    @classmethod
    def of(cls, finding: Finding) -> FindingModel:
        """Return a finding as a report holds it."""
        values = {name: getattr(finding, name) for name in cls.model_fields if name != "hops"}
        return cls.model_validate({**values, "hops": [HopModel.of(hop) for hop in finding.hops]})


class SkippedModel(ReportPart):
    """A file that could not be analysed."""

    path: str
    line: int
    column: int
    reason: str

    @classmethod
    def of(cls, error: SourceError) -> SkippedModel:
        """Return a file that was left out as a report holds it."""
        return cls(path=error.path, line=error.line, column=error.column, reason=error.reason)
