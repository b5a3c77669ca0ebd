"""Training in several processes: each with its own environments, all with the same weights.

Every rank starts from the same weights and takes the same steps, since the gradients are averaged before each. What
decides about the run as a whole (finished episodes, a request to stop) is gathered, so that all ranks decide alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar, get_args

import torch
import torch.distributed as dist
from torch import nn

from ...registry import shipped_registry, worst_grade
from .. import record_ids as ids
from ..measurements import LSTMHealthMetrics
from ..ranks.reduction import ReducedStatistics

T = TypeVar("T")

SharedMetric = Literal["policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction"]
SHARED_METRICS: tuple[SharedMetric, ...] = get_args(SharedMetric)
"""What every rank measures on its own batch, and rank 0 reports as a mean over the ranks."""


@contextmanager
def joined_ranks() -> Iterator[int]:
    """Join the other processes that `torchrun` has started, if it has; yields this process's rank, 0 if alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield 0
        return
    dist.init_process_group("gloo")
    try:
        yield dist.get_rank()
    finally:
        dist.destroy_process_group()


def rank_count() -> int:
    """How many processes train together; 1 without an initialised process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def average_gradients(module: nn.Module) -> None:
    """Give every rank the mean of all ranks' gradients, in one collective."""
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, mean in zip(
        gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True
    ):
        gradient.copy_(mean.view_as(gradient))


def gathered(value: T) -> list[T]:
    """Every rank's value, in the order of the ranks, on every rank."""
    if rank_count() == 1:
        return [value]
    values: list[T] = [value] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def mean_over_ranks(reduced: ReducedStatistics, name: SharedMetric, own: float) -> float:
    """The mean of what the ranks have shared of a metric; this rank's own value where it is alone, or none has."""
    if reduced.coverage.world_size == 1:
        return own
    shared = reduced.mean(name)
    return own if shared is None else shared


def worst_lstm_health(reduced: ReducedStatistics) -> LSTMHealthMetrics | None:
    """The hidden state that its record grades worst, of the lowest rank that has one such; None without any."""
    record = shipped_registry()[ids.LSTM_HEALTH]
    states = list(reduced.lstm_health.values())
    worst = worst_grade(record.grade(state) for state in states)
    return next((state for state in states if record.grade(state) == worst), None)
