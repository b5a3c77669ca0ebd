"""Whose batch broke the gradients? After averaging every rank has the NaN; just before, only one has.

`OwnGradientWatch` reads each bucket of a `DistributedDataParallel` model between the backward pass and the averaging.
That is one more reading of the gradients. A training that averages its gradients itself calls `collect_gradients`
before it does so.
"""

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import GradBucket  # type: ignore[attr-defined]  # documented there, not re-exported
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel

from ..gradients import PendingGradients, start_gradient_collection
from ..measurements import GradientCollection

__all__ = ["OwnGradientWatch"]


class OwnGradientWatch:
    """Reads the gradients of this rank's own batch, before DDP averages them.

    It takes the place of DDP's communication hook, of which a model has one: it averages as DDP does by itself.
    On the CPU gradients are read to the end at once, and broken elements counted. On a device the backward pass
    is not held up: what the first reading does not settle stays unsettled, since averaging overwrites it.

    Args:
        model: the wrapped model, on every rank.

    Raises:
        RuntimeError: the model has a communication hook already.
    """

    def __init__(self, model: DistributedDataParallel) -> None:
        self._names: dict[int, tuple[int, str]] = {
            id(parameter): (place, name)
            for place, (name, parameter) in enumerate(model.module.named_parameters())
        }
        self._group: dist.ProcessGroup = model.process_group
        self._pending: list[PendingGradients] = []
        model.register_comm_hook(None, self._read_and_average)

    def take(self) -> tuple[GradientCollection, ...]:
        """One collection for each bucket of the backward passes since the last call; layers bear their names."""
        taken, self._pending = self._pending, []
        return tuple(pending.read() for pending in taken)

    # DDP compares the annotations with the classes themselves: in this file they are not postponed.
    def _read_and_average(self, state: object, bucket: GradBucket) -> torch.futures.Future[Tensor]:
        in_order = sorted(
            (*self._names[id(parameter)], gradient)
            for parameter, gradient in zip(bucket.parameters(), bucket.gradients(), strict=True)
        )
        pending = start_gradient_collection(
            [(name, _as_gradient(gradient)) for _, name, gradient in in_order]
        )
        if bucket.buffer().is_cpu:
            pending.read()
        self._pending.append(pending)
        return allreduce_hook(self._group, bucket)


def _as_gradient(values: Tensor) -> Tensor:
    """A tensor whose gradient these values are: collections take gradients from what they belong to."""
    holder = values.detach()
    holder.grad = values
    return holder
