"""From measured values to events: the only place that builds payloads.

Metrics are read by subscript, never by ``.get`` with a default: a value that nobody computed must fail here,
at the emitter, and not arrive on a screen as a healthy zero.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypedDict

from .anomaly_report import AnomalyReport
from .hub import TelemetryHub
from .measurements import LayerGradientStats, LSTMHealthMetrics
from .payloads import AnomalyPayload, EventKind, LayerDiagnosticsPayload, PPOUpdatePayload, TelemetryEvent

DEAD_ZERO_FRACTION = 0.9
"""A layer is dead when more than this share of its gradient is exactly zero."""

EXPLODING_LARGE_FRACTION = 0.1
"""A layer is exploding when more than this share of its gradient is large (see ``large_fraction``)."""


class LayerGradientHealth(TypedDict):
    """Counts over all layers of one collection."""

    nan_grad_count: int
    inf_grad_count: int
    dead_layers: int
    exploding_layers: int


class PPOUpdateMetrics(LayerGradientHealth):
    """What a PPO update measured, by name: every key is required. Meanings: `PPOUpdatePayload`."""

    policy_loss: float
    value_loss: float
    entropy: float
    approx_kl: float
    clip_fraction: float
    skipped_steps: int


class NoGradientsError(ValueError):
    """Nothing was measured: no layer had a gradient."""


def aggregate_layer_gradient_health(layer_stats: Sequence[LayerGradientStats]) -> LayerGradientHealth:
    """Sum the layers' counts and count the dead and the exploding layers.

    Several collections of one update can be given as one sequence; a layer then counts once per collection.

    Raises:
        NoGradientsError: ``layer_stats`` is empty. Nothing was measured, and zero would say that all is well.
    """
    if not layer_stats:
        raise NoGradientsError(
            "no layer had a gradient: collect after backward() and before zero_grad(), "
            "from a model with trainable parameters"
        )
    nan_grad_count = sum(stats.nan_count for stats in layer_stats)
    inf_grad_count = sum(stats.inf_count for stats in layer_stats)
    dead_layers = sum(stats.zero_fraction > DEAD_ZERO_FRACTION for stats in layer_stats)
    exploding_layers = sum(stats.large_fraction > EXPLODING_LARGE_FRACTION for stats in layer_stats)
    return {
        "nan_grad_count": nan_grad_count,
        "inf_grad_count": inf_grad_count,
        "dead_layers": dead_layers,
        "exploding_layers": exploding_layers,
    }


def emit_ppo_update_event(
    hub: TelemetryHub,
    *,
    update: int,
    episodes: int,
    mean_return: float | None,
    metrics: PPOUpdateMetrics,
    pre_clip_grad_norm: float | None,
    grad_norm: float | None,
    lstm_health: LSTMHealthMetrics | None,
) -> None:
    """Publish one PPO update; the arguments mean what the fields of `PPOUpdatePayload` mean.

    Raises:
        KeyError: a key of `PPOUpdateMetrics` is missing from ``metrics``.
    """
    payload = PPOUpdatePayload(
        update=update,
        episodes=episodes,
        mean_return=mean_return,
        policy_loss=metrics["policy_loss"],
        value_loss=metrics["value_loss"],
        entropy=metrics["entropy"],
        approx_kl=metrics["approx_kl"],
        clip_fraction=metrics["clip_fraction"],
        pre_clip_grad_norm=pre_clip_grad_norm,
        grad_norm=grad_norm,
        nan_grad_count=metrics["nan_grad_count"],
        inf_grad_count=metrics["inf_grad_count"],
        dead_layers=metrics["dead_layers"],
        exploding_layers=metrics["exploding_layers"],
        lstm_health=lstm_health,
        skipped_steps=metrics["skipped_steps"],
    )
    hub.emit(TelemetryEvent(kind=EventKind.PPO_UPDATE, timestamp=time.time(), payload=payload))


class TelemetryEmitter:
    """The training loop's side of a hub: one method per kind of event, none of which blocks."""

    def __init__(self, hub: TelemetryHub) -> None:
        self._hub: TelemetryHub = hub

    def emit_ppo_update(
        self,
        *,
        update: int,
        episodes: int,
        mean_return: float | None,
        metrics: PPOUpdateMetrics,
        pre_clip_grad_norm: float | None,
        grad_norm: float | None,
        lstm_health: LSTMHealthMetrics | None,
    ) -> None:
        """Publish one PPO update; see `emit_ppo_update_event`."""
        emit_ppo_update_event(
            self._hub,
            update=update,
            episodes=episodes,
            mean_return=mean_return,
            metrics=metrics,
            pre_clip_grad_norm=pre_clip_grad_norm,
            grad_norm=grad_norm,
            lstm_health=lstm_health,
        )

    def emit_anomaly(self, *, update: int, report: AnomalyReport) -> None:
        """Publish what the detector found; a report without anomalies publishes nothing."""
        if not report.has_anomaly:
            return
        payload = AnomalyPayload(update=update, anomalies=report.anomaly_types, details=report.lines)
        self._hub.emit(TelemetryEvent(kind=EventKind.ANOMALY, timestamp=time.time(), payload=payload))

    def emit_layer_diagnostics(self, *, update: int, layers: Sequence[LayerGradientStats]) -> None:
        """Publish the statistics of every layer: for level DEBUG, as the event grows with the model."""
        payload = LayerDiagnosticsPayload(update=update, layers=tuple(layers))
        self._hub.emit(
            TelemetryEvent(kind=EventKind.LAYER_DIAGNOSTICS, timestamp=time.time(), payload=payload)
        )
