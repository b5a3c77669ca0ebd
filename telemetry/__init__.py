"""The telemetry itself: collectors, anomaly detector, emitters, hub.

Importing this package needs no torch: the names that do need it are loaded when they are first used, and so
are the detector and the console, which bring the registry with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .anomaly_report import AnomalyReport
from .backends import Backend, LogBackend
from .emitters import (
    LayerGradientHealth,
    NoGradientsError,
    PPOUpdateMetrics,
    TelemetryEmitter,
    aggregate_layer_gradient_health,
    emit_ppo_update_event,
)
from .hub import BackendStats, HubStats, TelemetryHub
from .levels import TelemetryConfig, TelemetryLevel
from .measurements import (
    BadLayer,
    GradientCollection,
    GradientDrift,
    GradientSums,
    LayerGradientStats,
    LSTMHealthMetrics,
    NormSource,
    NormState,
    RankCoverage,
)
from .payloads import (
    AnomalyPayload,
    EventKind,
    GradientStage,
    LayerDiagnosticsPayload,
    PolicyMetricsPayload,
    PPOUpdatePayload,
    TelemetryEvent,
    TelemetryPayload,
    TrainingStepPayload,
)
from .ranks.reduction import ReducedStatistics
from .ranks.row import RowLayout
from .ranks.statistics import RankStatistics

if TYPE_CHECKING:
    from .anomaly_detector import AnomalyDetector
    from .console import ConsoleBackend
    from .gradient_ema import GradientEMATracker
    from .gradients import (
        PendingGradients,
        UnsupportedGradientError,
        collect_gradients,
        collect_per_layer_gradients,
        compute_grad_norm_surrogate,
        start_gradient_collection,
    )
    from .lstm_health import compute_lstm_health
    from .monitor import MonitorUseError, TrainingMonitor
    from .ranks.exchange import RankExchange
    from .ranks.watch import OwnGradientWatch

__all__ = [
    "AnomalyDetector",
    "AnomalyPayload",
    "AnomalyReport",
    "Backend",
    "BackendStats",
    "BadLayer",
    "ConsoleBackend",
    "EventKind",
    "GradientCollection",
    "GradientDrift",
    "GradientEMATracker",
    "GradientStage",
    "GradientSums",
    "HubStats",
    "LSTMHealthMetrics",
    "LayerDiagnosticsPayload",
    "LayerGradientHealth",
    "LayerGradientStats",
    "LogBackend",
    "MonitorUseError",
    "NoGradientsError",
    "NormSource",
    "NormState",
    "OwnGradientWatch",
    "PPOUpdateMetrics",
    "PPOUpdatePayload",
    "PendingGradients",
    "PolicyMetricsPayload",
    "RankCoverage",
    "RankExchange",
    "RankStatistics",
    "ReducedStatistics",
    "RowLayout",
    "TelemetryConfig",
    "TelemetryEmitter",
    "TelemetryEvent",
    "TelemetryHub",
    "TelemetryLevel",
    "TelemetryPayload",
    "TrainingMonitor",
    "TrainingStepPayload",
    "UnsupportedGradientError",
    "aggregate_layer_gradient_health",
    "collect_gradients",
    "collect_per_layer_gradients",
    "compute_grad_norm_surrogate",
    "compute_lstm_health",
    "emit_ppo_update_event",
    "start_gradient_collection",
]


_GRADIENT_NAMES = frozenset(
    {
        "PendingGradients",
        "UnsupportedGradientError",
        "collect_gradients",
        "collect_per_layer_gradients",
        "compute_grad_norm_surrogate",
        "start_gradient_collection",
    }
)


def __getattr__(name: str) -> object:
    """Load the collectors (and torch), or what grades (and the registry), on first use: PEP 562."""
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        message = f"telewire.telemetry.{name} needs torch: install telewire with its extra, telewire[torch]"
        raise ModuleNotFoundError(message, name=error.name) from error


def _load(name: str) -> object:
    if name in _GRADIENT_NAMES:
        from . import gradients

        return vars(gradients)[name]
    if name in {"MonitorUseError", "TrainingMonitor"}:
        from . import monitor

        return vars(monitor)[name]
    if name == "ConsoleBackend":
        from .console import ConsoleBackend

        return ConsoleBackend
    if name == "compute_lstm_health":
        from .lstm_health import compute_lstm_health

        return compute_lstm_health
    if name == "RankExchange":
        from .ranks.exchange import RankExchange

        return RankExchange
    if name == "OwnGradientWatch":
        from .ranks.watch import OwnGradientWatch

        return OwnGradientWatch
    if name == "AnomalyDetector":
        from .anomaly_detector import AnomalyDetector

        return AnomalyDetector
    if name == "GradientEMATracker":
        from .gradient_ema import GradientEMATracker

        return GradientEMATracker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
