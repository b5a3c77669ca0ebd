"""Stable-Baselines3 and sb3-contrib: `TelemetryCallback`, for ``model.learn(..., callback=...)``.

Their algorithms compute the loss, clip and step inside of ``train()`` and call no callback there. So each optimiser of
the policy is given hooks: what it is given is looked at before each of its steps, and reported right after it, before
a NaN in the weights can end the training. That is after clipping, and the events say so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TypedDict, Unpack

from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from ..emitters import TelemetryEmitter
from ..monitor import MonitorOptions, TrainingMonitor
from .extras import MissingTrainerError

try:
    from stable_baselines3.common.callbacks import BaseCallback
except ModuleNotFoundError as error:
    if error.name != "stable_baselines3":
        raise
    raise MissingTrainerError("stable_baselines3", "stable-baselines3") from error

__all__ = ["TelemetryCallback"]

_logger = logging.getLogger(__name__)


class PolicyMetrics(TypedDict):
    """What the library says of an update, by the names of `PolicyMetricsPayload`; None for what it does not say."""

    mean_return: float | None
    policy_loss: float | None
    value_loss: float | None
    entropy: float | None
    approx_kl: float | None
    clip_fraction: float | None


class TelemetryCallback(BaseCallback):
    """Reports each optimiser step of an algorithm of Stable-Baselines3 or sb3-contrib.

    Each step of each optimiser of the policy (actor and critic have one each) is a step of the telemetry. The loss, the
    norm before clipping and the loss scale are absent: the library does not tell them. What it logs of an update of PPO
    (``train/*``) and of the episodes (``rollout/*``) is sent once the update is done. An algorithm without optimisers
    (ARS) has no gradients to look at, which a warning says. Steps and episodes go on counting where
    ``learn(reset_num_timesteps=False)`` continues a training with the same callback.

    Args:
        options: those of `TrainingMonitor`. A hub that is given stays open when the training ends.
    """

    def __init__(self, **options: Unpack[MonitorOptions]) -> None:
        super().__init__()
        self._options: MonitorOptions = options
        self._monitor: TrainingMonitor | None = None
        self._hooks: list[RemovableHandle] = []
        self._finished_steps: int = 0
        self._episodes: int | None = 0
        self._told: PolicyMetrics | None = None

    def _on_training_start(self) -> None:
        """Begin to watch."""
        self._close()
        if self.locals.get("reset_num_timesteps", True):
            self._finished_steps, self._episodes = 0, 0
        optimizers = _optimizers_of(self.model.policy)
        if not optimizers:
            _logger.warning(
                "%s has no optimiser: it takes no gradient steps, and there is nothing to report",
                type(self.model).__name__,
            )
        self._monitor = TrainingMonitor(
            self.model.policy, optimizers, finished_steps=self._finished_steps, **self._options
        )
        self._hooks = [optimizer.register_step_post_hook(self._after_step) for optimizer in optimizers]

    def _on_step(self) -> bool:
        """Count finished episodes, as long as the algorithm tells them; the training goes on."""
        dones = self.locals.get("dones")
        if dones is None:
            self._episodes = None
        elif self._episodes is not None:
            self._episodes += int(dones.sum())
        return True

    def _on_rollout_start(self) -> None:
        """Tell of the update before this rollout, of which the logger still knows."""
        self._tell_metrics()

    def _on_training_end(self) -> None:
        """Tell of the last update, and stop watching."""
        self._tell_metrics()
        self._close()

    def _tell_metrics(self) -> None:
        """Send what the library says of its newest update, unless nothing has changed since."""
        if self._monitor is None or self._monitor.finished_steps == self._finished_steps:
            return
        metrics = read_policy_metrics(self.logger.name_to_value, self.model.ep_info_buffer)
        # An event of an update counts the episodes before it.
        if self._episodes is None or metrics == self._told:
            return
        self._told = metrics
        TelemetryEmitter(self._monitor.hub).emit_policy_metrics(
            update=self._monitor.finished_steps, episodes=self._episodes, **metrics
        )

    def _after_step(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        if self._monitor is not None:
            self._monitor.end_step()

    def _close(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        if self._monitor is not None:
            self._monitor.close()
            self._finished_steps = self._monitor.finished_steps
        self._monitor, self._told = None, None


def read_policy_metrics(
    logged: Mapping[str, float], episodes: Iterable[Mapping[str, float]] | None
) -> PolicyMetrics:
    """What a logger of Stable-Baselines3 holds of an update, and the mean return of the buffer of recent episodes.

    The mean return is what it logs as ``rollout/ep_rew_mean``, before it logs it. Its entropy loss is the negative
    entropy.
    """
    returns = [episode["r"] for episode in episodes or ()]
    entropy_loss = logged.get("train/entropy_loss")
    return {
        "mean_return": float(sum(returns) / len(returns)) if returns else None,
        # PPO's name for it, then that of A2C.
        "policy_loss": _number(logged.get("train/policy_gradient_loss", logged.get("train/policy_loss"))),
        "value_loss": _number(logged.get("train/value_loss")),
        "entropy": None if entropy_loss is None else -float(entropy_loss),
        "approx_kl": _number(logged.get("train/approx_kl")),
        "clip_fraction": _number(logged.get("train/clip_fraction")),
    }


def _number(value: float | None) -> float | None:
    """The logger holds numpy's numbers."""
    return None if value is None else float(value)


def _optimizers_of(policy: nn.Module) -> list[Optimizer]:
    """The optimisers that a policy and its parts hold as attributes: of the policy, or of actor and critic."""
    found = {
        id(value): value
        for module in policy.modules()
        for value in vars(module).values()
        if isinstance(value, Optimizer)
    }
    return list(found.values())
