"""What counts as telemetry: classes, functions and fields, told by their names.

The names are patterns (`*Stats`, `emit_*`), and a project can give its own in `[tool.telewire.audit]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property

from ....registry.config import AuditSettings

CLASS_PATTERNS = (
    "*Stats",
    "*Statistics",
    "*Metrics",
    "*Metric",
    "*Telemetry*",
    "*Payload",
    "*Event",
    "*Snapshot",
    "*Health",
    "*Report",
    "*Summary",
    "*Counters",
    "*Diagnostics",
    "*Measurement*",
    "*Monitor",
    "*Tracker",
    "*Collector",
    "*Detector",
    "*Meter",
    "*Recorder",
    "*Profiler",
    "*Progress",
    "*Alert",
    "*Timer",
    "*Stopwatch",
)
FUNCTION_PATTERNS = (
    "emit_*",
    "check_*",
    "compute_*",
    "collect_*",
    "aggregate_*",
    "record_*",
    "log_*",
    "track_*",
    "report_*",
    "measure_*",
    "observe_*",
    "publish_*",
)
FIELD_PATTERNS = (
    "*_count",
    "*_counts",
    "*_total",
    "*_loss",
    "*_losses",
    "*_norm",
    "*_norms",
    "*_ratio",
    "*_seconds",
    "*_time",
    "*_times",
    "*_ms",
    "*_rate",
    "*_mean",
    "*_std",
    "*_entropy",
    "*_reward",
    "*_rewards",
    "*_usage",
    "*_utilization",
    "*_utilisation",
    "*_throughput",
    "*_per_second",
    "*_s",
    "*_bytes",
    "*_accuracy",
    "*_perplexity",
    "*_latency",
    "*_duration",
    "*_elapsed",
    "*_errors",
    "*_failures",
    "*_hits",
    "*_misses",
    "*_overflows",
    "*_timeouts",
    "*_dropped",
    "*_skipped",
    "nan_*",
    "inf_*",
    "skipped_*",
    "dropped_*",
    "failed_*",
)


@dataclass(frozen=True)
class TelemetryNames:
    """Patterns over bare names; a leading underscore of a name does not matter."""

    classes: tuple[str, ...] = CLASS_PATTERNS
    functions: tuple[str, ...] = FUNCTION_PATTERNS
    fields: tuple[str, ...] = FIELD_PATTERNS

    @classmethod
    def of(cls, settings: AuditSettings) -> TelemetryNames:
        """Return the names that a project gives, the usual ones where it gives none."""
        return cls(
            CLASS_PATTERNS if settings.classes is None else settings.classes,
            FUNCTION_PATTERNS if settings.functions is None else settings.functions,
            FIELD_PATTERNS if settings.fields is None else settings.fields,
        )

    def is_class(self, name: str) -> bool:
        """Whether a class of this bare name holds or handles telemetry."""
        return self._class_pattern.match(name.lstrip("_")) is not None

    def is_function(self, name: str) -> bool:
        """Whether a function of this bare name makes, checks or sends telemetry."""
        return self._function_pattern.match(name.lstrip("_")) is not None

    def is_field(self, name: str) -> bool:
        """Whether a field of this name holds telemetry, in whatever class."""
        return self._field_pattern.match(name.lstrip("_")) is not None

    @cached_property
    def _field_pattern(self) -> re.Pattern[str]:
        return _any_of(self.fields)

    @cached_property
    def _class_pattern(self) -> re.Pattern[str]:
        return _any_of(self.classes)

    @cached_property
    def _function_pattern(self) -> re.Pattern[str]:
        return _any_of(self.functions)


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)) if patterns else r"(?!)")


_ROLE = re.compile(
    r"\w+(?:Exporter|Backend|Sink|Reporter|Emitter|Recorder|Publisher|Callback|Widget|Panel|Banner|Strip|Gauge"
    r"|Histogram|Profiler|Probe|Watcher|Meter|Monitor|Tracker|Collector|Detector)"
)

_TAKES_PART = re.compile(r"\w*(?:Callback|Exporter|Reporter|Sink|Monitor|Recorder|Collector|Detector)")
"""Bases whose classes have a part in telemetry, whatever they are called themselves."""

_HANDLER = re.compile(r"(?:on|handle)_\w+|\w+_(?:callback|handler)")


def has_telemetry_role(name: str) -> bool:
    """Whether a class of this bare name has a part in telemetry by what it does: it shows, sends or watches."""
    return _ROLE.fullmatch(name) is not None


def gives_telemetry_role(name: str) -> bool:
    """Whether what stands below a class of this bare name has a part in telemetry."""
    return _TAKES_PART.fullmatch(name) is not None


def is_handler(name: str) -> bool:
    """Whether a function of this bare name is made to be handed to whoever sends events."""
    return _HANDLER.fullmatch(name.lstrip("_")) is not None
