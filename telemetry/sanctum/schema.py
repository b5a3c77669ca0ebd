"""What the dashboards know: the training state as the newest telemetry events left it.

`SanctumAggregator` is the only writer; widgets read plain attributes of a `SanctumSnapshot`.
`None` always means *not collected*. The two counters start at 0, as their records declare, and therefore
mean nothing until `TamiyoState.update` is set: no reader may show or grade them before that.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from ..payloads import (
    GradientDrift,
    GradientStage,
    HeadEntropy,
    LayerGradientStats,
    LSTMHealthMetrics,
    PerformanceTrend,
    RankCoverage,
    RatioExtremes,
    ValueHealth,
)

GRAD_NORM_WINDOW = 10
"""Points kept of the gradient norm, and so the width in characters of its sparkline."""


@dataclass(slots=True)
class TamiyoState:
    """The policy under training ("Tamiyo"): the newest PPO update, and what was found wrong with it."""

    update: int | None = None
    """Number of the newest PPO update; None until the first one arrives."""
    episodes: int | None = None
    """Episodes finished so far."""
    mean_return: float | None = None
    """Mean undiscounted return of recent episodes; None until an episode has finished."""
    performance: PerformanceTrend | None = None
    """How the newest epoch compares with the best before it (TELE-001); None before the first has ended."""

    nan_grad_count: int | None = 0
    """NaN elements over all gradients of the newest update (TELE-300); None when they could not be counted."""
    inf_grad_count: int | None = 0
    """Infinite elements over all gradients of the newest update (TELE-301); None as for NaN."""
    grad_norm: float | None = None
    """L2 norm of all gradients after clipping (TELE-310); None when no parameter had a gradient."""
    grad_norm_history: deque[float] = field(default_factory=lambda: deque(maxlen=GRAD_NORM_WINDOW))
    """The last ten collected values of `grad_norm`, oldest first (TELE-311)."""
    pre_clip_grad_norm: float | None = None
    """L2 norm of all gradients before clipping (TELE-312); None when no parameter had a gradient."""
    grad_norm_state: str | None = None
    """What is known of the norm before clipping, a `NormState` (TELE-302); None before the first update."""
    grad_passes: int | None = None
    """How often gradients had to be read (TELE-303); None before the first update."""
    grad_norm_variation: float | None = None
    """Coefficient of variation of the recent norms before clipping (TELE-313); None before there are three."""
    loss_scale: float | None = None
    """Factor on the loss under mixed precision (TELE-314); None without loss scaling."""
    dead_layers: int | None = None
    """Layers whose gradient has vanished; None when layers were not measured (below level DEBUG)."""
    exploding_layers: int | None = None
    """Layers whose gradient has exploded; None when layers were not measured (below level DEBUG)."""
    worst_layer: LayerGradientStats | None = None
    """The layer with the worst gradient (TELE-322); None when layers were not measured (below level DEBUG)."""
    gradient_drift: GradientDrift | None = None
    """How far the gradient is from its moving average (TELE-330)."""
    lstm_health: LSTMHealthMetrics | None = None
    """Health of the recurrent state (TELE-340); None for a policy without an LSTM."""

    policy_loss: float | None = None
    """Clipped surrogate loss (TELE-003)."""
    value_loss: float | None = None
    """Mean squared error of the values (TELE-200)."""
    entropy: float | None = None
    """Mean entropy of the action distribution, in nats: the sum over the heads (TELE-100)."""
    head_push_entropy: HeadEntropy | None = None
    """Entropy of the head that chooses the direction (TELE-101)."""
    head_hold_entropy: HeadEntropy | None = None
    """Entropy of the head that chooses for how long (TELE-101)."""
    approx_kl: float | None = None
    """Estimated KL divergence between the old and the new policy, in nats (TELE-102)."""
    clip_fraction: float | None = None
    """Share of samples whose probability ratio was clipped, from 0 to 1 (TELE-103)."""
    ratio: RatioExtremes | None = None
    """The extreme probability ratios, with the transitions that have them (TELE-110)."""
    value_health: ValueHealth | None = None
    """How well the values fit the returns, and at what phase of the training (TELE-201)."""
    advantage_mean: float | None = None
    """Mean of the advantages, before normalisation."""
    advantage_std: float | None = None
    """Standard deviation of the advantages, before normalisation."""
    skipped_steps: int | None = None
    """Optimiser steps of the newest update that were left out because of non-finite gradients (TELE-002)."""
    rank_coverage: RankCoverage | None = None
    """Of how many ranks the figures speak (TELE-710): one of one for a training in one process; None for a plain loop
    that exchanges nothing."""

    anomaly_update: int | None = None
    """Number of the newest update that reported an anomaly."""
    anomalies: list[str] = field(default_factory=list)
    """Anomaly types of `anomaly_update`, in the order reported, each once."""
    anomaly_details: list[str] = field(default_factory=list)
    """What the detector said about them."""
    anomaly_ranks: list[int] = field(default_factory=list)
    """The ranks that they were found on, where they are attributed to any."""
    anomaly_counts: Counter[str] = field(default_factory=Counter)
    """For each anomaly type seen in this run, the number of updates that reported it."""

    layer_diagnostics_update: int | None = None
    """Number of the update that `layer_diagnostics` describes."""
    layer_diagnostics: tuple[LayerGradientStats, ...] | None = None
    """Gradient statistics per layer; collected only while telemetry is escalated to DEBUG."""


@dataclass(slots=True)
class LoopState:
    """The newest step of a training loop that is counted in steps and not in updates of a policy.

    Its gradients are in `TamiyoState`, where every display looks for them.
    """

    step: int | None = None
    """Number of the newest step of a training loop without updates (TELE-022); None in a run of updates."""
    loss: float | None = None
    """Loss of that step (TELE-020); None when the loop gave none."""
    learning_rate: float | None = None
    """Largest learning rate of that step (TELE-021); None when no watched optimiser has stepped."""
    step_seconds: float | None = None
    """Wall time of that step in seconds; None for the first."""
    gradient_stage: GradientStage | None = None
    """When the gradients of that step were counted: before or after clipping."""


@dataclass(frozen=True, slots=True)
class SanctumSnapshot:
    """One consistent copy of everything the dashboards show; it never changes after it was taken."""

    tamiyo: TamiyoState
    loop: LoopState = field(default_factory=LoopState)
    last_event_at: float | None = None
    """Time stamp of the newest event, in seconds since the epoch; None before the first event."""
