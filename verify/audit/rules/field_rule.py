"""What the rules about telemetry fields share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from ...findings import Finding
from ..fields.subjects import FieldSubject
from ..using.liveness import Consumption, End
from .base import AuditCheck, AuditRule


class FieldRule(AuditRule):
    """A rule that judges each telemetry field by itself."""

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield the finding about each field that has one."""
        for field in audit.fields:
            if (finding := self.judge(audit, field)) is not None:
                yield finding

    @abstractmethod
    def judge(self, audit: AuditCheck, field: FieldSubject) -> Finding | None:
        """Return what is wrong with a field, None where nothing is."""


def is_taken_by_nobody(audit: AuditCheck, field: FieldSubject, consumption: Consumption) -> bool:
    """Whether nobody reads a field, neither by its name, nor by one that is computed, nor with the whole object."""
    owner, name = field.carrier.owner, field.carrier.name
    handling = audit.usage.handling
    if consumption.end > End.COPIED or handling.names_computed(owner, name):
        return False
    return handling.takes_whole(owner, name) is None
