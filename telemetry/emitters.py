"""From measured values to events: the only place that builds payloads.

Metrics are read by subscript, never by ``.get`` with a default: a value that nobody computed must fail here,
at the emitter, and not arrive on a screen as a healthy zero.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TypedDict

from .anomaly_report import AnomalyReport
from .hub import TelemetryHub
from .layer_health import is_dead, is_exploding
from .measurements import (
    GradientCollection,
    GradientDrift,
    HeadEntropy,
    LayerGradientStats,
    LSTMHealthMetrics,
    NormState,
    PerformanceTrend,
    RankCoverage,
    RatioExtremes,
    ValueHealth,
)
from .payloads import (
    AnomalyPayload,
    EventKind,
    GradientStage,
    LayerDiagnosticsPayload,
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
    collections: Sequence[GradientCollection], layer_stats: Sequence[LayerGradientStats] | None
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
    nan_grad_count = _total([collection.nan_count for collection in collections])
    inf_grad_count = _total([collection.inf_count for collection in collections])
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


def _known_state(worst: NormState, collections: Sequence[GradientCollection]) -> NormState | None:
    """The worst state; None where a collection holds shards alone in which all is well: others may be broken."""
    if worst not in (NormState.FINITE, NormState.UNDERFLOWED):
        return worst
    for collection in collections:
        if collection.norm is None and collection.norm_state is not NormState.NO_GRADIENTS:
            return None
    return worst


def _total(counts: Iterable[int | None]) -> int | None:
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

    def emit_training_step(
        self,
        *,
        step: int,
        loss: float | None,
        learning_rate: float | None,
        step_seconds: float | None,
        gradient_stage: GradientStage,
        gradient_health: LayerGradientHealth,
        grad_norm_variation: float | None,
        worst_layer: LayerGradientStats | None,
        gradient_drift: GradientDrift | None,
        pre_clip_grad_norm: float | None,
        grad_norm: float | None,
        skipped_steps: int | None,
        rank_coverage: RankCoverage | None,
    ) -> None:
        """Publish one training step; the arguments mean what the fields of `TrainingStepPayload` mean.

        Raises:
            KeyError: a key of `LayerGradientHealth` is missing from ``gradient_health``.
        """
        if self._hub is None:
            return
        payload = TrainingStepPayload(
            step=step,
            loss=loss,
            learning_rate=learning_rate,
            loss_scale=gradient_health["loss_scale"],
            step_seconds=step_seconds,
            gradient_stage=gradient_stage,
            grad_norm_state=gradient_health["grad_norm_state"],
            grad_passes=gradient_health["grad_passes"],
            grad_norm_variation=grad_norm_variation,
            worst_layer=worst_layer,
            gradient_drift=gradient_drift,
            nan_grad_count=gradient_health["nan_grad_count"],
            inf_grad_count=gradient_health["inf_grad_count"],
            dead_layers=gradient_health["dead_layers"],
            exploding_layers=gradient_health["exploding_layers"],
            pre_clip_grad_norm=pre_clip_grad_norm,
            grad_norm=grad_norm,
            skipped_steps=skipped_steps,
            rank_coverage=rank_coverage,
        )
        self._hub.emit(TelemetryEvent(kind=EventKind.TRAINING_STEP, timestamp=time.time(), payload=payload))

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
