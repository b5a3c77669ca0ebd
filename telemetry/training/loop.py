"""The training run: rollout, update, telemetry, until enough episodes have finished."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import chain

import torch
from torch.profiler import record_function

from ..anomaly_detector import AnomalyDetector
from ..anomaly_report import AnomalyReport
from ..emitters import PPOUpdateMetrics, TelemetryEmitter, aggregate_layer_gradient_health
from ..escalation import AnomalyResponse
from ..gradient_ema import GradientEMATracker, sound_layer_share
from ..head_entropy import HeadEntropyTracker
from ..hub import TelemetryHub
from ..layer_health import worst_layer
from ..levels import TelemetryConfig, TelemetryLevel
from ..lstm_health import compute_lstm_health
from ..measurements import (
    GradientCollection,
    GradientDrift,
    LSTMHealthMetrics,
    PerformanceTrend,
    PolicyStats,
)
from ..norm_history import NormHistory
from ..performance import PerformanceTracker
from ..ranks.exchange import DEFAULT_TIMEOUT, RankExchange
from ..ranks.reduction import ReducedStatistics
from ..ranks.row import RowLayout
from ..ranks.statistics import RankStatistics
from ..value_health import ValueHealthTracker
from .envs import HEADS, VISIBLE, make_envs
from .inject import GradientInjector, Injection
from .parallel import SHARED_METRICS, average_gradients, gathered, mean_over_ranks, worst_lstm_health
from .policy import RecurrentPolicy
from .ppo import PPO, PPOConfig, UpdateResult
from .rollout import Rollout, RolloutCollector

RETURN_WINDOW = 100
"""Episodes over which the mean return is taken, as CartPole's own criterion does."""

SETTLING_UPDATES = 100
"""Updates before which no training counts as done: nothing is learnt in less, however few episodes were asked for."""

MINIMUM_UPDATES = 5
"""Updates made however few episodes are asked for: a rollout finishes about ten episodes of a beginner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How to run; what an update is made of is in `ppo`."""

    episodes: int
    """Finish at least this many, and make at least `MINIMUM_UPDATES` updates."""
    target_return: float | None = None
    """End earlier, as soon as the last `RETURN_WINDOW` episodes reach this mean return."""
    seed: int = 0
    envs: int = 8
    rollout_steps: int = 32
    """Decisions per environment and update."""
    sequence_length: int = 16
    """Steps through which gradients flow back; divides `rollout_steps`."""
    hidden_size: int = 64
    rank_timeout: timedelta = DEFAULT_TIMEOUT
    """How long a rank of a training in several processes waits for the telemetry of the others."""
    ppo: PPOConfig = field(default_factory=PPOConfig)
    telemetry: TelemetryLevel = TelemetryLevel.NORMAL
    """How much is collected."""


class Ending(StrEnum):
    """Why a run ended."""

    EPISODES = "enough episodes"
    TARGET = "target return reached"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """Where a run stands."""

    updates: int
    episodes: int
    """Episodes finished."""
    env_steps: int
    """Steps taken in all environments together."""
    mean_return: float | None
    """Mean return of the last `RETURN_WINDOW` episodes, or of all if fewer; None if there is none."""
    best_mean_return: float | None
    """The best mean return of `RETURN_WINDOW` successive episodes; None when fewer have finished."""
    optimiser_steps: int
    """Steps that changed the policy."""
    skipped_steps: int
    """Steps left out because a gradient was not finite."""
    ending: Ending | None
    """Why the run ended; None while it goes on."""
    unreached: tuple[Injection, ...]
    """Injections whose update has not come."""


class TrainingLoop:
    """Trains a recurrent policy and reports every update to a hub."""

    def __init__(
        self, config: TrainingConfig, hub: TelemetryHub, *, injections: Sequence[Injection] = ()
    ) -> None:
        """Prepare the policy.

        Raises:
            InjectionTooLargeError: an injection names more elements than the poisoned gradient has.
        """
        self._config = config
        self._ranks = RankExchange(RowLayout(scalars=SHARED_METRICS), timeout=config.rank_timeout)
        # Environments and actions differ between the ranks, the weights do not.
        self._own_seed = config.seed + self._ranks.rank * config.envs
        self._generator = torch.Generator().manual_seed(self._own_seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self._policy = RecurrentPolicy(len(VISIBLE), HEADS, config.hidden_size)
        average = average_gradients if self._ranks.world_size > 1 else None
        self._ppo = PPO(self._policy, config.ppo, generator=self._generator, average=average)
        self._injector = GradientInjector(injections, self._policy)
        self._emitter = TelemetryEmitter(hub if self._ranks.rank == 0 else None)
        self._detector = AnomalyDetector()
        self._norm_history = NormHistory()
        self._gradient_ema = GradientEMATracker()
        self._push_entropy = HeadEntropyTracker(choices=HEADS["push"])
        self._hold_entropy = HeadEntropyTracker(choices=HEADS["hold"])
        self._value_health = ValueHealthTracker()
        self._performance = PerformanceTracker()
        self._performance_trend: PerformanceTrend | None = None
        self._telemetry = TelemetryConfig(config.telemetry)
        self._response = AnomalyResponse(self._emitter, self._telemetry)
        self._updates = 0
        self._episodes = 0
        self._env_steps = 0
        self._optimiser_steps = 0
        self._skipped_steps = 0
        self._returns: deque[float] = deque(maxlen=RETURN_WINDOW)
        self._best_mean_return: float | None = None
        self._ending: Ending | None = None

    @property
    def gradient_ema(self) -> GradientEMATracker:
        """The moving averages of the gradient: their state is to be saved and restored with the policy's."""
        return self._gradient_ema

    def run(
        self,
        *,
        stop: threading.Event | None = None,
        on_update: Callable[[TrainingResult], None] | None = None,
    ) -> TrainingResult:
        """Train until the configuration or `stop` says to end; `stop` is looked at before each update.

        `on_update` is told after each update where the run stands.
        """
        config = self._config
        with closing(make_envs(config.envs)) as envs:
            collector = RolloutCollector(
                envs,
                self._policy,
                steps=config.rollout_steps,
                sequence_length=config.sequence_length,
                seed=self._own_seed,
                generator=self._generator,
            )
            self._ending = None
            while True:
                self._ending = self._find_ending(stop)
                if self._ending is not None:
                    return self.result()
                with record_function("rollout"):
                    rollout = collector.collect()
                with record_function("update"):
                    update = self._ppo.update(
                        rollout,
                        measure_policy=self._telemetry.collects("losses"),
                        measure_gradients=self._telemetry.collects("gradients"),
                        measure_layers=self._telemetry.collects("layers"),
                        poison=self._injector.for_update(self._updates + 1),
                    )
                self._count(rollout, update)
                if update.policy is not None:
                    with record_function("telemetry"):
                        self._emit_telemetry(rollout, update, update.policy)
                if on_update is not None:
                    on_update(self.result())

    def result(self) -> TrainingResult:
        """Where the run stands now."""
        return TrainingResult(
            updates=self._updates,
            episodes=self._episodes,
            env_steps=self._env_steps,
            mean_return=self._mean_return(),
            best_mean_return=self._best_mean_return,
            optimiser_steps=self._optimiser_steps,
            skipped_steps=self._skipped_steps,
            ending=self._ending,
            unreached=self._injector.after(self._updates),
        )

    def _find_ending(self, stop: threading.Event | None) -> Ending | None:
        target = self._config.target_return
        mean_return = self._mean_return()
        if any(gathered(stop is not None and stop.is_set())):
            return Ending.STOPPED
        if (
            target is not None
            and len(self._returns) == RETURN_WINDOW
            and mean_return is not None
            and mean_return >= target
        ):
            return Ending.TARGET
        if self._episodes >= self._config.episodes and self._updates >= MINIMUM_UPDATES:
            return Ending.EPISODES
        return None

    def _count(self, rollout: Rollout, update: UpdateResult) -> None:
        self._updates += 1
        self._env_steps += sum(gathered(rollout.env_steps))
        self._optimiser_steps += update.optimiser_steps
        self._skipped_steps += update.skipped_steps
        for episode_return in chain.from_iterable(gathered(rollout.episode_returns)):
            self._episodes += 1
            self._returns.append(episode_return)
            mean_return = self._mean_return()
            if mean_return is not None and len(self._returns) == RETURN_WINDOW:
                best = self._best_mean_return
                self._best_mean_return = mean_return if best is None else max(best, mean_return)

    def _mean_return(self) -> float | None:
        if not self._returns:
            return None
        return sum(self._returns) / len(self._returns)

    def _emit_telemetry(self, rollout: Rollout, update: UpdateResult, policy: PolicyStats) -> None:
        """Measure the hidden state, follow what drifts, look for anomalies, and send the update's event."""
        gradient_health = aggregate_layer_gradient_health(update.collections, update.layer_stats)
        self._norm_history.append(update.pre_clip_grad_norm)
        gradient_drift = self._drift(update)
        push_entropy = self._push_entropy.update(policy.head_entropies["push"])
        hold_entropy = self._hold_entropy.update(policy.head_entropies["hold"])
        value_health = self._value_health.update(policy, phase=self._phase())
        epoch_end = self._performance.update(self._mean_return())
        if epoch_end is not None:
            self._performance_trend = epoch_end
        lstm_health = None
        if self._telemetry.collects("hidden_state"):
            lstm_health = compute_lstm_health(rollout.hidden)
        report = AnomalyReport()
        if self._telemetry.collects("anomalies"):
            report = self._detector.check_all(
                nan_grad_count=gradient_health["nan_grad_count"],
                inf_grad_count=gradient_health["inf_grad_count"],
                gradient_drift=gradient_drift,
                lstm_health=lstm_health,
                policy=policy,
                head_entropies={"push": push_entropy, "hold": hold_entropy},
                value_health=value_health,
                epoch_end=epoch_end,
            )
        reduced = self._share(update, policy, lstm_health, report)
        if self._ranks.world_size > 1:
            report, lstm_health = reduced.report, worst_lstm_health(reduced)
        metrics: PPOUpdateMetrics = {
            "nan_grad_count": gradient_health["nan_grad_count"],
            "inf_grad_count": gradient_health["inf_grad_count"],
            "grad_norm_state": gradient_health["grad_norm_state"],
            "grad_passes": gradient_health["grad_passes"],
            "loss_scale": gradient_health["loss_scale"],
            "dead_layers": gradient_health["dead_layers"],
            "exploding_layers": gradient_health["exploding_layers"],
            "policy_loss": mean_over_ranks(reduced, "policy_loss", policy.policy_loss),
            "value_loss": mean_over_ranks(reduced, "value_loss", policy.value_loss),
            "entropy": mean_over_ranks(reduced, "entropy", policy.entropy),
            "head_push_entropy": push_entropy,
            "head_hold_entropy": hold_entropy,
            "approx_kl": mean_over_ranks(reduced, "approx_kl", policy.approx_kl),
            "clip_fraction": mean_over_ranks(reduced, "clip_fraction", policy.clip_fraction),
            "ratio": policy.ratio,
            "value_health": value_health,
            "advantage_mean": policy.advantage_mean,
            "advantage_std": policy.advantage_std,
            "skipped_steps": update.skipped_steps,
        }
        self._emitter.emit_ppo_update(
            update=self._updates,
            episodes=self._episodes,
            mean_return=self._mean_return(),
            performance=self._performance_trend,
            metrics=metrics,
            pre_clip_grad_norm=update.pre_clip_grad_norm,
            grad_norm=update.grad_norm,
            grad_norm_variation=self._norm_history.coefficient_of_variation(),
            worst_layer=None if update.diagnosed_layers is None else worst_layer(update.diagnosed_layers),
            gradient_drift=gradient_drift,
            lstm_health=lstm_health,
            rank_coverage=reduced.coverage,
        )
        self._response.respond(update=self._updates, report=report, layers=update.diagnosed_layers)

    def _share(
        self,
        update: UpdateResult,
        policy: PolicyStats,
        lstm_health: LSTMHealthMetrics | None,
        report: AnomalyReport,
    ) -> ReducedStatistics:
        """Exchange this rank's values for one picture of all; in one process they are the picture."""
        gradients: GradientCollection | None = None
        if update.collections:
            broken = (collection for collection in update.collections if collection.bad_layers)
            gradients = next(broken, update.collections[-1])
        reduced = self._ranks.reduce(
            RankStatistics.of(
                update=self._updates,
                gradients=gradients,
                own_gradients=update.own_collections,
                lstm_health=lstm_health,
                scalars={name: getattr(policy, name) for name in SHARED_METRICS},
                report=report,
                escalated_updates=self._telemetry.escalated_updates,
            )
        )
        if reduced.escalated_updates > self._telemetry.escalated_updates:
            self._telemetry.escalate(reduced.escalated_updates)
        return reduced

    def _phase(self) -> float:
        """Share of the training that is done; a short training is not over before `SETTLING_UPDATES`."""
        return min(1.0, self._episodes / self._config.episodes, self._updates / SETTLING_UPDATES)

    def _drift(self, update: UpdateResult) -> GradientDrift | None:
        """How far this update's gradient is from those before it; None when no parameter had one."""
        if update.pre_clip_grad_norm is None:
            return None
        return self._gradient_ema.update(
            grad_norm=update.pre_clip_grad_norm, grad_health=sound_layer_share(update.collections)
        )
