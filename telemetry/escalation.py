"""What follows from the anomalies of one update: more telemetry for a while, the event, every layer's statistics."""

from __future__ import annotations

from collections.abc import Sequence

from .anomaly_report import AnomalyReport
from .emitters import TelemetryEmitter
from .levels import TelemetryConfig
from .measurements import LayerGradientStats

ESCALATION_UPDATES = 5
"""Updates for which an anomaly raises telemetry to DEBUG, its own included."""


class AnomalyResponse:
    """Answers each update's report; whoever trains calls `respond` once an update, after its own event.

    Args:
        emitter: where the events go.
        telemetry: the level in force, which an anomaly raises.
    """

    def __init__(self, emitter: TelemetryEmitter, telemetry: TelemetryConfig) -> None:
        self._emitter: TelemetryEmitter = emitter
        self._telemetry: TelemetryConfig = telemetry

    def respond(
        self, *, update: int, report: AnomalyReport, layers: Sequence[LayerGradientStats] | None
    ) -> None:
        """Escalate where something was found, send what was found, and count the update.

        ``layers`` are the update's statistics for the diagnostics that are sent at DEBUG; None where they were
        not collected.
        """
        if report.has_anomaly or layers is not None:
            self._handle_telemetry_escalation(report)
            self._emit_anomaly_diagnostics(update, report, layers)
        self._telemetry.tick()

    def _handle_telemetry_escalation(self, report: AnomalyReport) -> None:
        """Raise telemetry to DEBUG for this update and some more when something was found."""
        if report.has_anomaly:
            self._telemetry.escalate(ESCALATION_UPDATES)

    def _emit_anomaly_diagnostics(
        self, update: int, report: AnomalyReport, layers: Sequence[LayerGradientStats] | None
    ) -> None:
        """Send what was found, and while at DEBUG every layer's gradient."""
        self._emitter.emit_anomaly(update=update, report=report)
        if layers is not None and self._telemetry.collects("layers"):
            self._emitter.emit_layer_diagnostics(update=update, layers=layers)
