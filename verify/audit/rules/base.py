"""What an audit rule is: one kind of unwired telemetry, found with no record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from ...any_rule import AnyRule
from ...finding import Finding, FindingSeverity
from ...flow import Flow
from ...source import Program
from ..telemetry_names import TelemetryNames
from ..usage import Usage


@dataclass(frozen=True)
class AuditCheck:
    """What audit rules look at."""

    flow: Flow
    usage: Usage
    names: TelemetryNames

    @property
    def program(self) -> Program:
        """The program's symbols."""
        return self.flow.program


class AuditRule(AnyRule, ABC):
    """A rule that needs no record.

    The docstring of each says what it finds, why that is bad, an example, and what to write instead. A finding's
    confidence says how often a careful reader agrees: high nearly always, medium mostly, low worth a look.
    """

    severity = FindingSeverity.WARNING

    @abstractmethod
    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield every fault of this kind."""
