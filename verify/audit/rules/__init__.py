"""Audit rules: one kind of unwired telemetry each, one file each. `AUDIT_RULES` is the table of codes."""

from .base import AuditCheck, AuditRule
from .collected_never_reduced import CollectedNeverReduced
from .converter_misses_field import ConverterMissesField
from .crossed_names import CrossedNames
from .event_never_emitted import EventNeverEmitted
from .event_never_handled import EventNeverHandled
from .field_exported_only import FieldExportedOnly
from .field_never_read import FieldNeverRead
from .field_never_written import FieldNeverWritten
from .field_only_constant import FieldOnlyConstant
from .flag_never_consulted import FlagNeverConsulted
from .forgotten_argument import ForgottenArgument
from .instrument_never_recorded import InstrumentNeverRecorded
from .key_never_written import AuditKeyNeverWritten
from .key_renamed import KeyRenamed
from .metrics_discarded import MetricsDiscarded
from .overwritten_after_merge import OverwrittenAfterMerge
from .reduced_never_collected import ReducedNeverCollected
from .series_crossed import SeriesCrossed
from .series_only_literal import SeriesOnlyLiteral
from .sibling_left_out import SiblingLeftOut
from .telemetry_class_unused import TelemetryClassUnused
from .telemetry_gated_off import TelemetryGatedOff
from .telemetry_never_called import TelemetryNeverCalled
from .unused_parameter import UnusedParameter

_RULES: tuple[AuditRule, ...] = (
    FieldOnlyConstant(),
    FieldNeverWritten(),
    FieldNeverRead(),
    FieldExportedOnly(),
    AuditKeyNeverWritten(),
    ForgottenArgument(),
    UnusedParameter(),
    ConverterMissesField(),
    TelemetryNeverCalled(),
    TelemetryClassUnused(),
    EventNeverEmitted(),
    EventNeverHandled(),
    CrossedNames(),
    FlagNeverConsulted(),
    InstrumentNeverRecorded(),
    KeyRenamed(),
    SeriesCrossed(),
    SiblingLeftOut(),
    MetricsDiscarded(),
    CollectedNeverReduced(),
    SeriesOnlyLiteral(),
    TelemetryGatedOff(),
    ReducedNeverCollected(),
    OverwrittenAfterMerge(),
)
AUDIT_RULES: dict[str, AuditRule] = {rule.code: rule for rule in _RULES}
"""Every audit rule by its code."""

__all__ = ["AUDIT_RULES", "AuditCheck", "AuditRule"]
