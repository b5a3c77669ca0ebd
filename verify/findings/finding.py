"""A finding: one diagnosed fault, the same value in every report."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class FindingSeverity(enum.StrEnum):
    """How bad a finding is: errors and warnings fail a run, notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Confidence(enum.StrEnum):
    """How sure the analysis is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class HopLine:
    """One hop of a wire as a report shows it."""

    source: str
    target: str
    how: str
    function: str
    path: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnosed fault: a rule, a place, the reason, the fix.

    `subject` is the qualified carrier or symbol, `context` holds every dynamic part of the message, `hops` the
    wire as far as it goes. Lines and columns count from 1, `end_column` is exclusive.
    """

    rule: str
    name: str
    severity: FindingSeverity
    confidence: Confidence
    record: str | None
    stage: str | None
    subject: str
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    help: str
    context: dict[str, str] = field(default_factory=dict, hash=False)
    hops: tuple[HopLine, ...] = ()

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """Order of a report: by place, then by rule."""
        return (self.path, self.line, self.column, self.rule)
