"""One PPO update: several optimiser steps over a rollout, each with its gradient telemetry."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..gradients import collect_gradients, collect_per_layer_gradients, compute_grad_norm_surrogate
from ..measurements import GradientCollection, LayerGradientStats, worst_norm
from ..policy_stats import PolicyStatistics, PolicyStats
from .policy import Hidden, RecurrentPolicy
from .rollout import Rollout, as_sequences, generalised_advantages


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOConfig:
    """What an update is made of; the defaults are tuned for `CartPole-v1` with hidden velocities."""

    epochs: int = 4
    """Passes over each rollout."""
    minibatches: int = 4
    """Optimiser steps per pass."""
    learning_rate: float = 1e-3
    reward_scale: float = 0.02
    """Factor on rewards, so that values are of order 1. With raw returns of up to 100 as targets the value
    loss drives the LSTM into saturation."""
    discount: float = 0.99
    trace: float = 0.95
    """λ of the generalised advantages."""
    clip_range: float = 0.2
    """How far the ratio of new to old probability may leave 1 and still be rewarded."""
    value_weight: float = 0.5
    entropy_weight: float = 0.005
    max_grad_norm: float = 2.0
    """Gradients are scaled down to at most this L2 norm."""
    loss_scale: float | None = None
    """First factor of a gradient scaler, as for mixed precision; None for no loss scaling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateResult:
    """What one update did."""

    policy: PolicyStats | None
    """Losses, entropies and ratios, and how well the rollout's values fitted; None when they were not measured."""
    collections: tuple[GradientCollection, ...]
    """All gradients at every optimiser step, before clipping."""
    layer_stats: tuple[LayerGradientStats, ...] | None
    """Every layer at every optimiser step, before clipping; None when layers were not measured."""
    own_collections: tuple[GradientCollection, ...] | None
    """The gradients of this rank's own batch at every optimiser step, before they were averaged over the ranks;
    None for a training in one process, or when gradients were not measured."""
    diagnosed_layers: tuple[LayerGradientStats, ...] | None
    """Every layer at one step: the first whose gradients were not finite, which is always measured, else the last.
    None when layers were not measured and all was finite."""
    pre_clip_grad_norm: float | None
    """Largest L2 norm of all gradients over the optimiser steps, before clipping; NaN if any was NaN, None if none was
    collected."""
    grad_norm: float | None
    """The same after clipping."""
    optimiser_steps: int
    """Steps that changed the policy."""
    skipped_steps: int
    """Steps left out because a gradient was not finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minibatch:
    """Whole sequences: tensors (sequence length, sequences), hidden state (1, sequences, hidden size)."""

    observations: Tensor
    starts: Tensor
    valid: Tensor
    actions: Tensor
    log_probs: Tensor
    advantages: Tensor
    returns: Tensor
    positions: Tensor
    """Where each step lies in the rollout: time * environments + environment."""
    hidden: Hidden

    def select(self, sequences: Tensor) -> "Minibatch":
        """The sequences of the given indices, shape (n,)."""
        return Minibatch(
            observations=self.observations[:, sequences],
            starts=self.starts[:, sequences],
            valid=self.valid[:, sequences],
            actions=self.actions[:, sequences],
            log_probs=self.log_probs[:, sequences],
            advantages=self.advantages[:, sequences],
            returns=self.returns[:, sequences],
            positions=self.positions[:, sequences],
            hidden=(self.hidden[0][:, sequences], self.hidden[1][:, sequences]),
        )


def is_usable(grad_norm: float | None) -> bool:
    """Whether a step may be taken: one that is not finite would turn every weight, and Adam's memory, into NaN."""
    return grad_norm is not None and math.isfinite(grad_norm)


class PPO:
    """Proximal policy optimisation (Schulman et al., 2017) of a recurrent policy."""

    def __init__(
        self,
        policy: RecurrentPolicy,
        config: PPOConfig,
        *,
        generator: torch.Generator,
        average: Callable[[nn.Module], None] | None = None,
    ) -> None:
        """Prepare the optimiser; `average` gives every rank of a training in several processes the mean gradient."""
        self._policy = policy
        self._config = config
        self._generator = generator
        self._average = average
        self._optimiser = torch.optim.Adam(policy.parameters(), lr=config.learning_rate, eps=1e-5)
        self._scaler: torch.amp.GradScaler | None = None
        if config.loss_scale is not None:
            self._scaler = torch.amp.GradScaler("cpu", init_scale=config.loss_scale)

    def update(
        self,
        rollout: Rollout,
        *,
        measure_policy: bool,
        measure_gradients: bool,
        measure_layers: bool,
        poison: Callable[[], None] | None = None,
    ) -> UpdateResult:
        """Improve the policy on one rollout.

        With `measure_policy` losses, entropies and ratios are noted at every optimiser step. With `measure_gradients`
        the gradients before clipping are collected; without, nothing is known of them, and `measure_layers` is of no
        effect. With `measure_layers` every layer's gradient is measured at every step, which costs several times what
        the cheap collection does. `poison` is called after the first backward pass, before anything looks at the
        gradients.
        """
        policy, config = self._policy, self._config
        collections: list[GradientCollection] = []
        own_collections: list[GradientCollection] = []
        layer_stats: list[LayerGradientStats] = []
        pre_clip_norms: list[float | None] = []
        post_clip_norms: list[float | None] = []
        layers: list[LayerGradientStats] = []
        broken_layers: list[LayerGradientStats] = []
        statistics: PolicyStatistics | None = None
        if measure_policy:
            statistics = PolicyStatistics(environments=rollout.rewards.shape[1], clip_range=config.clip_range)
        for step, minibatch in enumerate(self._minibatches(rollout, statistics)):
            loss = self._loss(minibatch, statistics)
            self._optimiser.zero_grad(set_to_none=True)
            loss_scale = self._backward(loss)
            if poison is not None and step == 0:
                poison()
            self._unscale()
            if self._average is not None:
                if measure_gradients:
                    own_collections.append(collect_gradients(policy, loss_scale=loss_scale))
                self._average(policy)

            if measure_gradients:
                collection = collect_gradients(policy, loss_scale=loss_scale)
                collections.append(collection)
                pre_clip_norms.append(collection.norm)
                is_broken = bool(collection.bad_layers) and not broken_layers
                layers = collect_per_layer_gradients(policy) if measure_layers or is_broken else []
                if is_broken:
                    broken_layers = layers
                if measure_layers:
                    layer_stats.extend(layers)
            nn.utils.clip_grad_norm_(policy.parameters(), config.max_grad_norm)
            grad_norm = compute_grad_norm_surrogate(policy)
            if is_usable(grad_norm):
                self._optimiser.step()
            post_clip_norms.append(grad_norm)
        skipped_steps = sum(not is_usable(norm) for norm in post_clip_norms)
        return UpdateResult(
            policy=None if statistics is None else statistics.read(),
            collections=tuple(collections),
            layer_stats=tuple(layer_stats) if measure_gradients and measure_layers else None,
            own_collections=tuple(own_collections) or None,
            diagnosed_layers=tuple(broken_layers or layers) or None,
            pre_clip_grad_norm=worst_norm(pre_clip_norms),
            grad_norm=worst_norm(post_clip_norms),
            optimiser_steps=len(post_clip_norms) - skipped_steps,
            skipped_steps=skipped_steps,
        )

    def _backward(self, loss: Tensor) -> float | None:
        """Compute the gradients of the scaled loss, and return the scale; None without a scaler."""
        if self._scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
            return None
        loss_scale = self._scaler.get_scale()
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return loss_scale

    def _unscale(self) -> None:
        """Take the loss scale out of the gradients again, and let the scaler choose the next one."""
        if self._scaler is not None:
            self._scaler.unscale_(self._optimiser)
            # Half as large after a step that was not finite, twice as large after many that were.
            self._scaler.update()

    def _minibatches(self, rollout: Rollout, statistics: PolicyStatistics | None) -> Iterator[Minibatch]:
        """Shuffled groups of whole sequences, once per epoch; each starts from its stored hidden state."""
        config = self._config
        advantages = generalised_advantages(
            rollout, reward_scale=config.reward_scale, discount=config.discount, trace=config.trace
        )
        returns, valid = advantages + rollout.values, rollout.valid
        if statistics is not None:
            statistics.fit(values=rollout.values[valid], returns=returns[valid], advantages=advantages[valid])
        sequences = rollout.sequence_hidden[0].shape[1]
        length = rollout.rewards.numel() // sequences
        whole = Minibatch(
            observations=as_sequences(rollout.observations, length),
            starts=as_sequences(rollout.starts, length),
            valid=as_sequences(rollout.valid, length),
            actions=as_sequences(rollout.actions, length),
            log_probs=as_sequences(rollout.log_probs, length),
            advantages=as_sequences(advantages, length),
            returns=as_sequences(returns, length),
            positions=as_sequences(torch.arange(returns.numel()).view_as(returns), length),
            hidden=rollout.sequence_hidden,
        )
        for _ in range(config.epochs):
            order = torch.randperm(sequences, generator=self._generator)
            for chosen in order.chunk(config.minibatches):
                yield whole.select(chosen)

    def _loss(self, minibatch: Minibatch, statistics: PolicyStatistics | None) -> Tensor:
        """The clipped objective; steps that are no experience count for nothing."""
        config, valid = self._config, minibatch.valid
        output = self._policy(minibatch.observations, minibatch.starts, minibatch.hidden)
        log_ratio = (output.log_prob_of(minibatch.actions) - minibatch.log_probs)[valid]
        ratio = log_ratio.exp()
        advantages = minibatch.advantages[valid]
        advantages = (advantages - advantages.mean()) / (advantages.std(correction=0) + 1e-8)
        clipped = ratio.clamp(1 - config.clip_range, 1 + config.clip_range)
        policy_loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
        value_loss = (output.values[valid] - minibatch.returns[valid]).square().mean()
        entropies = {head: entropy[valid].mean() for head, entropy in output.entropies().items()}
        if statistics is not None:
            statistics.step(
                policy_loss=policy_loss,
                value_loss=value_loss,
                entropies=entropies,
                log_ratio=log_ratio,
                advantages=advantages,
                positions=minibatch.positions[valid],
            )
        entropy = torch.stack(list(entropies.values())).sum()
        total: Tensor = policy_loss + config.value_weight * value_loss - config.entropy_weight * entropy
        return total
