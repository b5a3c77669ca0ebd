"""What one update did to the policy and how well its values fit: losses, entropies, ratios, divergence.

Everything is gathered on the device while the update runs and read once when it has ended: one device-to-host
transfer for an update, however many optimiser steps it took.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .measurements import PolicyStats, RatioExtremes, Transition

__all__ = ["OFFENDERS", "NoStepsError", "PolicyStatistics", "PolicyStats", "worst_of"]

OFFENDERS = 3
"""Transitions that are kept of the largest ratios, and of the smallest."""

_LOSSES = ("policy_loss", "value_loss", "approx_kl", "clip_fraction", "ratio_std")
_FIT = ("value_mean", "value_std", "return_variance", "residual_variance", "advantage_mean", "advantage_std")


class NoStepsError(ValueError):
    """Nothing was measured: no optimiser step was noted."""


class PolicyStatistics:
    """Gathers one update; `fit` is noted once, `step` at every optimiser step, `read` ends it.

    All tensors must be on one device; they are neither changed nor kept with their graph.

    Args:
        environments: how many environments the rollout has, to say where a transition lies.
        clip_range: how far a ratio may leave 1 before it counts as clipped.
    """

    def __init__(self, *, environments: int, clip_range: float) -> None:
        self._environments: int = environments
        self._clip_range: float = clip_range
        self._fit: Tensor | None = None
        self._steps: list[Tensor] = []
        self._heads: tuple[str, ...] = ()

    @torch.no_grad()
    def fit(self, *, values: Tensor, returns: Tensor, advantages: Tensor) -> None:
        """Note how well the values of the rollout, shape (n,), fit its returns, before anything is learnt from it."""
        residual = (returns - values).double()
        wide_values, wide_returns, wide_advantages = values.double(), returns.double(), advantages.double()
        self._fit = torch.stack(
            [
                wide_values.mean(),
                wide_values.std(correction=0),
                wide_returns.var(correction=0),
                residual.var(correction=0),
                wide_advantages.mean(),
                wide_advantages.std(correction=0),
            ]
        )

    @torch.no_grad()
    def step(
        self,
        *,
        policy_loss: Tensor,
        value_loss: Tensor,
        entropies: Mapping[str, Tensor],
        log_ratio: Tensor,
        advantages: Tensor,
        positions: Tensor,
    ) -> None:
        """Note one optimiser step.

        Args:
            policy_loss: the clipped surrogate loss, a scalar.
            value_loss: the value loss, a scalar.
            entropies: mean entropy of each action head in nats, scalars, the same heads at every step.
            log_ratio: (n,) logarithm of new over old probability of each transition.
            advantages: (n,) of the same transitions, as the loss weighs them.
            positions: (n,) where each lies in the rollout: time * environments + environment.
        """
        ratio = log_ratio.exp()
        # The low-variance, never negative estimator k3 (Schulman, 2020, "Approximating KL divergence"). Rounding
        # makes it negative by some 1e-8 where nothing has changed, which is cut off; a NaN stays.
        approx_kl = (ratio - 1 - log_ratio).mean().clamp(min=0)
        clip_fraction = ((ratio - 1).abs() > self._clip_range).double().mean()
        # A comparison with NaN is false: a ratio that is no number would count as one that is not clipped.
        clip_fraction = torch.where(ratio.isnan().any(), math.nan, clip_fraction)
        count = min(OFFENDERS, ratio.numel())
        # topk takes NaN for larger than any number: what is no number is always among the largest.
        places = torch.cat([ratio.topk(count).indices, ratio.topk(count, largest=False).indices])
        scalars = [
            policy_loss,
            value_loss,
            approx_kl,
            clip_fraction,
            ratio.std(correction=0),
            *entropies.values(),
        ]
        self._heads = tuple(entropies)
        self._steps.append(
            torch.cat(
                [
                    torch.stack([scalar.double() for scalar in scalars]),
                    ratio.index_select(0, places).double(),
                    advantages.index_select(0, places).double(),
                    positions.index_select(0, places).double(),
                ]
            )
        )

    def read(self) -> PolicyStats:
        """Bring everything to the host, in one transfer.

        Raises:
            NoStepsError: `fit` was not noted, or no step was.
        """
        if self._fit is None or not self._steps:
            raise NoStepsError(
                "nothing was measured: note fit() once and step() at every optimiser step first"
            )
        sizes = [len(vector) for vector in self._steps]
        numbers: list[float] = torch.cat([self._fit, *self._steps]).tolist()
        fit = dict(zip(_FIT, numbers, strict=False))
        names = (*_LOSSES, *self._heads)
        columns: dict[str, list[float]] = {name: [] for name in names}
        highest: list[Transition] = []
        lowest: list[Transition] = []
        begin = len(_FIT)
        for size in sizes:
            vector = numbers[begin : begin + size]
            begin += size
            for name, value in zip(names, vector, strict=False):
                columns[name].append(value)
            kept = len(vector) - len(names)
            ratios, advantages, positions = (
                vector[len(names) + kept * part // 3 : len(names) + kept * (part + 1) // 3]
                for part in range(3)
            )
            transitions = [
                Transition(
                    time=int(position) // self._environments,
                    environment=int(position) % self._environments,
                    ratio=ratio,
                    advantage=advantage,
                )
                for ratio, advantage, position in zip(ratios, advantages, positions, strict=True)
            ]
            highest.extend(transitions[: len(transitions) // 2])
            lowest.extend(transitions[len(transitions) // 2 :])
        highest.sort(key=lambda one: (not math.isnan(one.ratio), -one.ratio))
        lowest.sort(key=lambda one: (not math.isnan(one.ratio), one.ratio))
        return PolicyStats(
            policy_loss=_mean(columns["policy_loss"]),
            value_loss=_mean(columns["value_loss"]),
            entropy=sum(_mean(columns[head]) for head in self._heads),
            head_entropies={head: _mean(columns[head]) for head in self._heads},
            approx_kl=_mean(columns["approx_kl"]),
            clip_fraction=_mean(columns["clip_fraction"]),
            ratio=RatioExtremes(
                max=highest[0].ratio,
                min=lowest[0].ratio,
                std=worst_of(columns["ratio_std"]),
                highest=tuple(highest[:OFFENDERS]),
                lowest=tuple(lowest[:OFFENDERS]),
            ),
            explained_variance=explained_variance(
                returns=fit["return_variance"], residuals=fit["residual_variance"]
            ),
            value_mean=fit["value_mean"],
            value_std=fit["value_std"],
            advantage_mean=fit["advantage_mean"],
            advantage_std=fit["advantage_std"],
        )


def explained_variance(*, returns: float, residuals: float) -> float | None:
    """Share of the returns' variance that the values explain, from both variances: 1 is all, below 0 is worse than
    a constant. None where the returns do not vary, so that there is nothing to explain."""
    if returns == 0 and not math.isnan(residuals):
        return None
    return 1 - residuals / returns if returns else math.nan


def worst_of(values: Sequence[float]) -> float:
    """The largest value, or NaN when one is NaN, wherever it stands: none can hide it."""
    return next((value for value in values if math.isnan(value)), max(values))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
