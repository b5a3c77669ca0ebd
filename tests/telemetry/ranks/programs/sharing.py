"""A training under DDP or FSDP2 that exchanges its statistics at every update, and breaks gradients on request.

Options: ``way`` is "ddp" or "fsdp". In the second of three updates, ``broken`` maps a rank to the number of elements
that become NaN there after averaging; in the third, ``bad_batch`` is the rank whose batch holds a NaN (or -1).
"""

from __future__ import annotations

import math
from typing import Any

import torch.distributed as dist
from small import CollectiveCounter, averaged_gradients, batch, brute_force, model, started
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from telewire.telemetry.gradients import collect_gradients
from telewire.telemetry.ranks.exchange import RankExchange
from telewire.telemetry.ranks.reduction import ReducedStatistics
from telewire.telemetry.ranks.row import RowLayout
from telewire.telemetry.ranks.statistics import RankStatistics
from telewire.telemetry.ranks.watch import OwnGradientWatch

UPDATES = 3
BROKEN_UPDATE = 2
BAD_BATCH_UPDATE = 3


def main() -> None:
    with started() as (options, answer):
        rank, ranks = dist.get_rank(), dist.get_world_size()
        wrapped = wrap(model(), options["way"], ranks)
        watch = OwnGradientWatch(wrapped) if isinstance(wrapped, DistributedDataParallel) else None
        exchange = RankExchange(RowLayout(scalars=("loss",)))
        answer["updates"] = []
        for update in range(1, UPDATES + 1):
            wrapped.zero_grad(set_to_none=True)
            data = batch(rank, update)
            if update == BAD_BATCH_UPDATE and rank == options["bad_batch"]:
                data[0, 0] = math.nan
            loss = wrapped(data).square().mean()
            loss.backward()
            if update == BROKEN_UPDATE:
                poison(wrapped, options["broken"].get(str(rank), 0))
            with CollectiveCounter() as counter:
                gradients = collect_gradients(wrapped)
                own = None if watch is None else watch.take()
                reduced = exchange.reduce(
                    RankStatistics.of(
                        update=update, gradients=gradients, own_gradients=own, scalars={"loss": loss.item()}
                    )
                )
            answer["updates"].append(described(reduced) | {"collectives": counter.calls})
        answer["expected"] = [
            brute_force(averaged_gradients(ranks, update)) for update in range(1, UPDATES + 1)
        ]
        answer["on"] = exchange.state.is_on
        exchange.close()
        answer["on_when_closed"] = exchange.state.is_on


def wrap(module: nn.Module, way: str, ranks: int) -> nn.Module:
    if way == "ddp":
        return DistributedDataParallel(module)
    mesh = init_device_mesh("cpu", (ranks,))
    for layer in module.children():
        if isinstance(layer, nn.Linear):
            fully_shard(layer, mesh=mesh)
    return fully_shard(module, mesh=mesh)


def poison(module: nn.Module, count: int) -> None:
    """The first elements of this rank's first gradient that has as many become NaN."""
    for parameter in module.parameters():
        local: Tensor = getattr(parameter.grad, "_local_tensor", parameter.grad)
        if local.numel() >= count:
            local.view(-1)[:count] = math.nan
            return


def described(reduced: ReducedStatistics) -> dict[str, Any]:
    gradients = reduced.gradients
    assert gradients is not None
    return {
        "elements": gradients.element_count,
        "nan": gradients.nan_count,
        "inf": gradients.inf_count,
        "norm": gradients.finite_norm,
        "state": gradients.state,
        "passes": reduced.passes,
        "loss": reduced.mean("loss"),
        "lines": reduced.report.lines,
        "ranks": reduced.report.ranks,
        "missing": reduced.missing_ranks,
    }


if __name__ == "__main__":
    main()
