"""From measured values to events: the only place that builds payloads.

Metrics are read by subscript, never by ``.get`` with a default: a value that nobody computed must fail here,
at the emitter, and not arrive on a screen as a healthy zero.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TypedDict

from .anomaly_report import AnomalyReport
from .finished_step import FinishedStep
from .hub import TelemetryHub
from .layer_health import is_dead, is_exploding
from .measurements import (
    FiniteReading,
    GradientDrift,
    HeadEntropy,
    LayerGradientStats,
    LSTMHealthMetrics,
    MeasuredGradients,
    NormState,
    PerformanceTrend,
    RankCoverage,
    RatioExtremes,
    ValueHealth,
)
from .norm_history import coefficient_of_variation
from .payloads import (
    AnomalyPayload,
    EventKind,
    LayerDiagnosticsPayload,
    PendingEvent,
    PolicyMetricsPayload,
    PPOUpdatePayload,
    TelemetryEvent,
    TrainingStepPayload,
)


class LayerGradientHealth(TypedDict):
    """Counts over the collections of one update; None for what was not collected."""

    nan_grad_count: int | None
    inf_grad_count: int | None
    grad_norm_state: NormState | None
    grad_passes: int
    loss_scale: float | None
    dead_layers: int | None
    exploding_layers: int | None


class PPOUpdateMetrics(LayerGradientHealth):
    """What a PPO update measured, by name: every key is required. Meanings: `PPOUpdatePayload`."""

    policy_loss: float
    value_loss: float
    entropy: float
    head_push_entropy: HeadEntropy
    head_hold_entropy: HeadEntropy
    approx_kl: float
    clip_fraction: float
    ratio: RatioExtremes
    value_health: ValueHealth
    advantage_mean: float
    advantage_std: float
    skipped_steps: int


class NoGradientsError(ValueError):
    """Nothing was measured: no layer had a gradient."""

    def __init__(self) -> None:
        super().__init__(
            "no layer had a gradient: collect after backward() and before zero_grad(), "
            "from a model with trainable parameters"
        )


def aggregate_layer_gradient_health(
    collections: Sequence[MeasuredGradients], layer_stats: Sequence[LayerGradientStats] | None
) -> LayerGradientHealth:
    """What an update's collections say together: counts summed, states and passes at their worst.

    Args:
        collections: the cheap collection of each optimiser step.
        layer_stats: the statistics of every layer at one or more of the steps; None where they were not
            collected. A layer that was dead (exploding) at one of the steps counts once.

    Returns:
        Sums of the counts, None for one that a collection could not take; the worst state of the norm, None where
        it is that of shards without the others; the most passes, the smallest loss scale; the dead and the
        exploding layers, None without ``layer_stats``.

    Raises:
        NoGradientsError: no collection holds a gradient. Nothing was measured, and zero would say that all is
            well.
    """
    worst_state = NormState.worst([collection.norm_state for collection in collections])
    if worst_state is NormState.NO_GRADIENTS:
        raise NoGradientsError()
    nan_grad_count = total_count([collection.nan_count for collection in collections])
    inf_grad_count = total_count([collection.inf_count for collection in collections])
    grad_norm_state = _known_state(worst_state, collections)
    grad_passes = max([collection.passes for collection in collections])
    loss_scale = min(
        [collection.loss_scale for collection in collections if collection.loss_scale is not None],
        default=None,
    )
    dead_layers = exploding_layers = None
    if layer_stats is not None:
        dead_layers = len({stats.layer_name for stats in layer_stats if is_dead(stats)})
        exploding_layers = len({stats.layer_name for stats in layer_stats if is_exploding(stats)})
    return {
        "nan_grad_count": nan_grad_count,
        "inf_grad_count": inf_grad_count,
        "grad_norm_state": grad_norm_state,
        "grad_passes": grad_passes,
        "loss_scale": loss_scale,
        "dead_layers": dead_layers,
        "exploding_layers": exploding_layers,
    }


def _known_state(worst: NormState, collections: Sequence[MeasuredGradients]) -> NormState | None:
    """The worst state; None where a collection holds shards alone in which all is well: others may be broken."""
    if worst not in (NormState.FINITE, NormState.UNDERFLOWED):
        return worst
    for collection in collections:
        if collection.norm is None and collection.norm_state is not NormState.NO_GRADIENTS:
            return None
    return worst


def total_count(counts: Iterable[int | None]) -> int | None:
    """The sum, or None when one of the counts is missing."""
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def emit_ppo_update_event(
    hub: TelemetryHub,
    *,
    update: int,
    episodes: int,
    mean_return: float | None,
    performance: PerformanceTrend | None,
    metrics: PPOUpdateMetrics,
    pre_clip_grad_norm: float | None,
    grad_norm: float | None,
    grad_norm_variation: float | None,
    worst_layer: LayerGradientStats | None,
    gradient_drift: GradientDrift | None,
    lstm_health: LSTMHealthMetrics | None,
    rank_coverage: RankCoverage | None,
) -> None:
    """Publish one PPO update; the arguments mean what the fields of `PPOUpdatePayload` mean.

    Raises:
        KeyError: a key of `PPOUpdateMetrics` is missing from ``metrics``.
    """
    payload = PPOUpdatePayload(
        update=update,
        episodes=episodes,
        mean_return=mean_return,
        performance=performance,
        policy_loss=metrics["policy_loss"],
        value_loss=metrics["value_loss"],
        entropy=metrics["entropy"],
        head_push_entropy=metrics["head_push_entropy"],
        head_hold_entropy=metrics["head_hold_entropy"],
        approx_kl=metrics["approx_kl"],
        clip_fraction=metrics["clip_fraction"],
        ratio=metrics["ratio"],
        value_health=metrics["value_health"],
        advantage_mean=metrics["advantage_mean"],
        advantage_std=metrics["advantage_std"],
        pre_clip_grad_norm=pre_clip_grad_norm,
        grad_norm=grad_norm,
        nan_grad_count=metrics["nan_grad_count"],
        inf_grad_count=metrics["inf_grad_count"],
        grad_norm_state=metrics["grad_norm_state"],
        grad_passes=metrics["grad_passes"],
        grad_norm_variation=grad_norm_variation,
        loss_scale=metrics["loss_scale"],
        dead_layers=metrics["dead_layers"],
        exploding_layers=metrics["exploding_layers"],
        worst_layer=worst_layer,
        gradient_drift=gradient_drift,
        lstm_health=lstm_health,
        skipped_steps=metrics["skipped_steps"],
        rank_coverage=rank_coverage,
    )
    hub.emit(TelemetryEvent(kind=EventKind.PPO_UPDATE, timestamp=time.time(), payload=payload))


def make_training_step_payload(finished: FinishedStep) -> TrainingStepPayload:
    """What a training step that has ended tells."""
    gradients = finished.gradients
    if isinstance(gradients, FiniteReading):
        gradient_health = aggregate_layer_gradient_health([gradients], None)
        worst_layer = gradient_drift = rank_coverage = None
    else:
        gradient_health, worst_layer = gradients.gradient_health, gradients.worst_layer
        gradient_drift, rank_coverage = gradients.gradient_drift, gradients.rank_coverage
    return TrainingStepPayload(
        step=finished.step,
        loss=finished.loss,
        learning_rate=finished.learning_rate,
        loss_scale=gradient_health["loss_scale"],
        step_seconds=finished.step_seconds,
        gradient_stage=finished.gradient_stage,
        grad_norm_state=gradient_health["grad_norm_state"],
        grad_passes=gradient_health["grad_passes"],
        grad_norm_variation=coefficient_of_variation(finished.recent_norms),
        worst_layer=worst_layer,
        gradient_drift=gradient_drift,
        nan_grad_count=gradient_health["nan_grad_count"],
        inf_grad_count=gradient_health["inf_grad_count"],
        dead_layers=gradient_health["dead_layers"],
        exploding_layers=gradient_health["exploding_layers"],
        pre_clip_grad_norm=finished.pre_clip_grad_norm,
        grad_norm=finished.grad_norm,
        skipped_steps=finished.skipped_steps,
        rank_coverage=rank_coverage,
    )


class TelemetryEmitter:
    """The training loop's side of a hub: one method per kind of event, none of which blocks.

    Args:
        hub: where events go; None on the ranks of a training that leave it to rank 0, so that nothing is sent.
    """

    def __init__(self, hub: TelemetryHub | None) -> None:
        self._hub: TelemetryHub | None = hub

    def emit_ppo_update(
        self,
        *,
        update: int,
        episodes: int,
        mean_return: float | None,
        performance: PerformanceTrend | None,
        metrics: PPOUpdateMetrics,
        pre_clip_grad_norm: float | None,
        grad_norm: float | None,
        grad_norm_variation: float | None,
        worst_layer: LayerGradientStats | None,
        gradient_drift: GradientDrift | None,
        lstm_health: LSTMHealthMetrics | None,
        rank_coverage: RankCoverage | None,
    ) -> None:
        """Publish one PPO update; see `emit_ppo_update_event`."""
        if self._hub is None:
            return
        emit_ppo_update_event(
            self._hub,
            update=update,
            episodes=episodes,
            mean_return=mean_return,
            performance=performance,
            metrics=metrics,
            pre_clip_grad_norm=pre_clip_grad_norm,
            grad_norm=grad_norm,
            grad_norm_variation=grad_norm_variation,
            worst_layer=worst_layer,
            gradient_drift=gradient_drift,
            lstm_health=lstm_health,
            rank_coverage=rank_coverage,
        )

    def emit_training_step(self, finished: FinishedStep) -> None:
        """Publish one training step. The payload is made when it is delivered: a short step has no time for that."""
        if self._hub is None:
            return
        make = partial(make_training_step_payload, finished)
        self._hub.emit(PendingEvent(EventKind.TRAINING_STEP, time.time(), make))

    def emit_policy_metrics(
        self,
        *,
        update: int,
        episodes: int,
        mean_return: float | None,
        policy_loss: float | None,
        value_loss: float | None,
        entropy: float | None,
        approx_kl: float | None,
        clip_fraction: float | None,
    ) -> None:
        """Publish what a library says of an update; the arguments mean the fields of `PolicyMetricsPayload`."""
        if self._hub is None:
            return
        payload = PolicyMetricsPayload(
            update=update,
            episodes=episodes,
            mean_return=mean_return,
            policy_loss=policy_loss,
            value_loss=value_loss,
            entropy=entropy,
            approx_kl=approx_kl,
            clip_fraction=clip_fraction,
        )
        self._hub.emit(TelemetryEvent(kind=EventKind.POLICY_METRICS, timestamp=time.time(), payload=payload))

    def emit_anomaly(self, *, update: int, report: AnomalyReport) -> None:
        """Publish what the detector found; a report without anomalies publishes nothing."""
        if self._hub is None or not report.has_anomaly:
            return
        payload = AnomalyPayload(
            update=update, anomalies=report.anomaly_types, details=report.lines, ranks=report.ranks
        )
        self._hub.emit(TelemetryEvent(kind=EventKind.ANOMALY, timestamp=time.time(), payload=payload))

    def emit_layer_diagnostics(self, *, update: int, layers: Sequence[LayerGradientStats]) -> None:
        """Publish the statistics of every layer: for level DEBUG, as the event grows with the model."""
        if self._hub is None:
            return
        payload = LayerDiagnosticsPayload(update=update, layers=tuple(layers))
        self._hub.emit(
            TelemetryEvent(kind=EventKind.LAYER_DIAGNOSTICS, timestamp=time.time(), payload=payload)
        )
