"""Whose batch broke the gradients? After averaging every rank has the NaN; just before, only one has.

`OwnGradientWatch` reads each bucket of a `DistributedDataParallel` model between the backward pass and the averaging.
That is one more reading of the gradients. A training that averages its gradients itself calls `collect_gradients`
before it does so.

Where several backward passes are averaged before the gradients are cleared (accumulation without ``no_sync()``), a
later pass adds to what was averaged before it: it tells of this rank only as long as that was finite.
"""

import math
from dataclasses import dataclass, field
from itertools import chain

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import GradBucket  # type: ignore[attr-defined]  # documented there, not re-exported
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel

from ..gradients import PendingGradients, start_gradient_collection
from ..gradients.collection import start_norms
from ..gradients.transfer import Transfer
from ..measurements import GradientCollection
from ..untraced import untraced

__all__ = ["OwnGradientWatch"]


@dataclass(slots=True)
class _Pass:
    """One backward pass whose gradients are averaged."""

    buckets: list[PendingGradients] = field(default_factory=list)
    """What this rank had in each bucket, just before."""
    parameters: set[int] = field(default_factory=set)
    """The identities of the parameters in them: each is in one bucket of a pass."""
    averaged: Transfer | None = None
    """Norms of the gradients that the next pass adds to; None where no forward pass has come between."""


class OwnGradientWatch:
    """Reads the gradients of this rank's own batch, before DDP averages them.

    It takes the place of DDP's communication hook, of which a model has one: it averages as DDP does by itself.
    On the CPU gradients are read to the end at once, and broken elements counted. On a device the backward pass
    is not held up: what the first reading does not settle stays unsettled, since averaging overwrites it. Where a
    forward pass begins between a backward pass and `take`, the averaged gradients are read once more.

    Args:
        model: the wrapped model, on every rank.

    Raises:
        RuntimeError: the model has a communication hook already.
    """

    def __init__(self, model: DistributedDataParallel) -> None:
        self._parameters: list[tuple[str, Tensor]] = list(model.module.named_parameters())
        self._names: dict[int, tuple[int, str]] = {
            id(parameter): (place, name) for place, (name, parameter) in enumerate(self._parameters)
        }
        self._group: dist.ProcessGroup = model.process_group
        self._passes: list[_Pass] = []
        model.register_comm_hook(None, self._read_and_average)
        model.register_forward_pre_hook(self._before_forward)

    def take(self) -> tuple[GradientCollection, ...]:
        """One collection for each bucket of a backward pass since the last call; layers bear their names.

        Of several passes it is the first that this rank broke, and the first of all where it broke none: they are not
        added up. A pass that added to averaged gradients which were not finite is not this rank's, nor is any after it.
        """
        taken, self._passes = self._passes, []
        first: tuple[GradientCollection, ...] = ()
        for number, one in enumerate(taken):
            found = tuple(pending.read() for pending in one.buckets)
            if number == 0:
                first = found
            if not all(part.norm is None or math.isfinite(part.norm) for part in found):
                return found
            if one.averaged is None or not all(map(math.isfinite, chain.from_iterable(one.averaged.read()))):
                break
        return first

    @untraced
    def _before_forward(self, model: torch.nn.Module, inputs: object) -> None:
        """Keep what the next backward pass adds to, where there has been one that was not taken."""
        if self._passes and self._passes[-1].averaged is None and torch.is_grad_enabled():
            self._passes[-1].averaged = start_norms(self._parameters)

    # DDP compares the annotations with the classes themselves: in this file they are not postponed.
    def _read_and_average(self, state: object, bucket: GradBucket) -> torch.futures.Future[Tensor]:
        in_order = sorted(
            (*self._names[id(parameter)], gradient)
            for parameter, gradient in zip(bucket.parameters(), bucket.gradients(), strict=True)
        )
        parameters = set(map(id, bucket.parameters()))
        if not self._passes or self._passes[-1].parameters & parameters:
            self._passes.append(_Pass())
        self._passes[-1].parameters |= parameters
        pending = start_gradient_collection(
            [(name, _as_gradient(gradient)) for _, name, gradient in in_order]
        )
        if bucket.buffer().is_cpu:
            pending.read()
        self._passes[-1].buckets.append(pending)
        return allreduce_hook(self._group, bucket)


def _as_gradient(values: Tensor) -> Tensor:
    """A tensor whose gradient these values are: collections take gradients from what they belong to."""
    holder = values.detach()
    holder.grad = values
    return holder
