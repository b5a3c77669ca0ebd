"""The events that travel through the hub: one frozen payload per kind, none of it with a default.

A payload without defaults cannot hide a value that somebody forgot to pass. ``None`` means *not collected*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .measurements import (
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

__all__ = [
    "AnomalyPayload",
    "EventKind",
    "GradientDrift",
    "GradientStage",
    "HeadEntropy",
    "LSTMHealthMetrics",
    "LayerDiagnosticsPayload",
    "LayerGradientStats",
    "NormState",
    "PPOUpdatePayload",
    "PendingEvent",
    "PerformanceTrend",
    "PolicyMetricsPayload",
    "RankCoverage",
    "RatioExtremes",
    "TelemetryEvent",
    "TelemetryPayload",
    "TrainingStepPayload",
    "ValueHealth",
]


class EventKind(StrEnum):
    """What an event reports, as it is written in logs and stores."""

    PPO_UPDATE = "ppo_update"
    ANOMALY = "anomaly"
    LAYER_DIAGNOSTICS = "layer_diagnostics"
    TRAINING_STEP = "training_step"
    POLICY_METRICS = "policy_metrics"


class GradientStage(StrEnum):
    """When a step's gradients were looked at."""

    BEFORE_CLIPPING = "before_clipping"
    """As the backward pass left them, unscaled."""
    AFTER_CLIPPING = "after_clipping"
    """As the optimiser was given them. Clipping spreads a NaN, or what an infinity leaves, over every gradient: the
    counts are then those of what would be applied, not of what the backward pass produced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOUpdatePayload:
    """One PPO update: its losses, its gradients and the hidden state after it."""

    update: int
    """Number of this update, counted from 1."""
    episodes: int
    """Episodes finished since the start of training."""
    mean_return: float | None
    """Mean undiscounted return of the recent episodes; None before the first has finished."""
    performance: PerformanceTrend | None
    """How the newest epoch compares with the best before it; None before the first epoch has ended."""
    policy_loss: float
    """Mean clipped surrogate loss over the update's minibatches."""
    value_loss: float
    """Mean value loss over the update's minibatches."""
    entropy: float
    """Mean policy entropy in nats: the sum over the action heads."""
    head_push_entropy: HeadEntropy
    """Entropy of the head that chooses the direction."""
    head_hold_entropy: HeadEntropy
    """Entropy of the head that chooses for how long."""
    approx_kl: float
    """Mean estimate of KL(old policy || new policy) in nats."""
    clip_fraction: float
    """Share of samples whose probability ratio was clipped, in [0, 1]."""
    ratio: RatioExtremes
    """The extreme probability ratios, with the transitions that have them."""
    value_health: ValueHealth
    """How well the rollout's values fit its returns, and at what phase of the training."""
    advantage_mean: float
    """Mean of the rollout's advantages, before normalisation."""
    advantage_std: float
    """Standard deviation of the rollout's advantages, before normalisation."""
    pre_clip_grad_norm: float | None
    """L2 norm of all gradients before clipping; None when no parameter had a gradient."""
    grad_norm: float | None
    """L2 norm of all gradients after clipping; None when no parameter had a gradient."""
    nan_grad_count: int | None
    """NaN elements over all gradients; None when they could not be counted."""
    inf_grad_count: int | None
    """Infinite elements over all gradients; None when they could not be counted."""
    grad_norm_state: NormState | None
    """The worst state of the norm before clipping over the optimiser steps; None when it is not known."""
    grad_passes: int
    """How often gradients were read, in part or whole, at the step that needed most: 1 where all is well."""
    grad_norm_variation: float | None
    """Coefficient of variation of the last ten norms before clipping; None before there are three."""
    loss_scale: float | None
    """Smallest factor on the loss over the optimiser steps; None without loss scaling."""
    dead_layers: int | None
    """Layers whose gradient is nearly all zero; None when layers were not measured (below level DEBUG)."""
    exploding_layers: int | None
    """Layers with more than a few very large gradient elements; None when layers were not measured."""
    worst_layer: LayerGradientStats | None
    """The layer with the worst gradient at the first step that was not finite, else at the last; None when layers
    were not measured."""
    gradient_drift: GradientDrift | None
    """How far the gradient is from its moving average; None when gradients were not collected."""
    lstm_health: LSTMHealthMetrics | None
    """Health of the policy's hidden state after the update; None when the policy has none."""
    skipped_steps: int
    """Optimiser steps that were not taken because the gradients were not finite."""
    rank_coverage: RankCoverage | None
    """Of how many ranks the figures speak: one of one for a training in one process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyPayload:
    """What the anomaly detector found in one update."""

    update: int
    """Number of the update in which it was found."""
    anomalies: tuple[str, ...]
    """The anomaly types, each once."""
    details: tuple[str, ...]
    """One line per finding, ``type: what was seen``."""
    ranks: tuple[int, ...]
    """The ranks that findings are attributed to, in ascending order; none for a training in one process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerDiagnosticsPayload:
    """Every layer's gradient statistics: sent at level DEBUG only."""

    update: int
    """Number of the update that they were collected in."""
    layers: tuple[LayerGradientStats, ...]
    """One entry per parameter tensor that had a gradient, in the model's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStepPayload:
    """One step of a training loop of any kind: what `TrainingMonitor` saw of it."""

    step: int
    """Number of this step, counted from 1."""
    loss: float | None
    """The step's loss; None when the loop gave none."""
    learning_rate: float | None
    """Largest learning rate over the parameter groups that were stepped, NaN if any was NaN; None when no watched
    optimiser has stepped."""
    loss_scale: float | None
    """Factor that mixed precision put on the loss; None when the monitor knows of no gradient scaler."""
    step_seconds: float | None
    """Wall time since the end of the step before, in seconds; None for the first step."""
    gradient_stage: GradientStage
    """When the gradients were looked at that the counts are of; before clipping, where some of them were."""
    grad_norm_state: NormState | None
    """What is known of their norm; the worst of several optimisers. None when only shards are known, and sound."""
    grad_passes: int
    """How often gradients were read, in part or whole: 1 where all is well."""
    grad_norm_variation: float | None
    """Coefficient of variation of the last ten of their norms; None before there are three."""
    worst_layer: LayerGradientStats | None
    """The layer with the worst of these gradients, among those that were measured; None when none was."""
    gradient_drift: GradientDrift | None
    """How far these gradients are from their moving average; None when nobody asked, and for shards."""
    nan_grad_count: int | None
    """NaN elements over all gradients; None when they could not be counted."""
    inf_grad_count: int | None
    """Infinite elements over all gradients; None when they could not be counted."""
    dead_layers: int | None
    """Layers whose gradient is nearly all zero; None when not all layers were measured (below level DEBUG)."""
    exploding_layers: int | None
    """Layers with more than a few very large gradient elements; None when not all layers were measured."""
    pre_clip_grad_norm: float | None
    """L2 norm of the gradients that were looked at before clipping, the worst of several optimisers; None when they
    were looked at after it only."""
    grad_norm: float | None
    """L2 norm of the gradients that the optimiser was given, or that were left for it, so after any clipping; the worst
    of several optimisers. None when none was looked at then."""
    skipped_steps: int | None
    """Steps of the watched optimisers that were due and not taken: those named in `TrainingMonitor.after_backward`, and
    those whose gradients are not finite; where no optimiser has stepped, all with gradients. None when none is
    watched."""
    rank_coverage: RankCoverage | None
    """Of how many ranks the figures speak; None where nothing is exchanged between ranks: then they are those of this
    process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyMetricsPayload:
    """What a reinforcement-learning library says of its newest update; None for what it does not say.

    It goes beside the `TrainingStepPayload` of each optimiser step, which carries the gradients.
    """

    update: int
    """Number of the optimiser step that it follows."""
    episodes: int
    """Episodes finished since the telemetry began."""
    mean_return: float | None
    """Mean undiscounted return of the recent episodes; None before the first has finished."""
    policy_loss: float | None
    """Mean loss of the policy over the update's minibatches."""
    value_loss: float | None
    """Mean value loss over the update's minibatches."""
    entropy: float | None
    """Mean policy entropy in nats."""
    approx_kl: float | None
    """Mean estimate of KL(old policy || new policy) in nats."""
    clip_fraction: float | None
    """Share of samples whose probability ratio was clipped, in [0, 1]."""


TelemetryPayload = (
    PPOUpdatePayload | AnomalyPayload | LayerDiagnosticsPayload | TrainingStepPayload | PolicyMetricsPayload
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryEvent:
    """A payload with its kind and the time at which it was emitted."""

    kind: EventKind
    """Which of the payloads this event carries."""
    timestamp: float
    """Unix time in seconds."""
    payload: TelemetryPayload
    """The content."""


@dataclass(slots=True)
class PendingEvent:
    """An event whose payload is made when it is delivered, by the thread that delivers it.

    What it is made of must not change any more.
    """

    kind: EventKind
    """Which of the payloads the event will carry."""
    timestamp: float
    """Unix time in seconds at which it was emitted."""
    make: Callable[[], TelemetryPayload]
    """Makes the content."""

    def event(self) -> TelemetryEvent:
        """The event, with its content."""
        return TelemetryEvent(kind=self.kind, timestamp=self.timestamp, payload=self.make())
