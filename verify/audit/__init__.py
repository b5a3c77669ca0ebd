"""What is telemetry in a source tree, and what of it is unwired. No record is needed."""

from .audit import Audit, audit, prepare
from .rules import AUDIT_RULES, AuditCheck, AuditRule
from .target import NothingToAuditError, Target, find_targets, target_of
from .words.telemetry_names import TelemetryNames

__all__ = [
    "AUDIT_RULES",
    "Audit",
    "AuditCheck",
    "AuditRule",
    "NothingToAuditError",
    "Target",
    "TelemetryNames",
    "audit",
    "find_targets",
    "prepare",
    "target_of",
]
