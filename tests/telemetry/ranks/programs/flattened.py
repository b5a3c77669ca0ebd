"""What is read of a model under FSDP1, and of one under FSDP2 beside it: a norm, or why there is none."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
import torch.distributed as dist
from small import averaged_gradients, batch, brute_force, model, started
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, ShardingStrategy, fully_shard

from telewire.telemetry.gradients import (
    UnsupportedGradientError,
    collect_gradients,
    collect_per_layer_gradients,
)

Answer = float | int | str | None


def main() -> None:
    warnings.simplefilter("ignore")
    with started() as (_, answer):
        answer["flat"] = asked_of(trained(wrapped(use_orig_params=False)))
        original = trained(wrapped(use_orig_params=True))
        answer["original"] = asked_of(original)
        with FullyShardedDataParallel.summon_full_params(original, with_grads=True):
            answer["summoned"] = asked_of(original)
        copies = wrapped(use_orig_params=True, strategy=ShardingStrategy.NO_SHARD)
        answer["copies"] = asked_of(trained(copies))
        flat_copies = wrapped(use_orig_params=False, strategy=ShardingStrategy.NO_SHARD)
        answer["flat_copies"] = asked_of(trained(flat_copies))
        answer["plain"] = asked_of(trained(model()))
        answer["fully_shard"] = read(lambda: collect_gradients(trained(fully_shard(model()))).element_count)
        answer["expected"] = brute_force(averaged_gradients(dist.get_world_size(), 1))["norm"]


def wrapped(*, use_orig_params: bool, strategy: ShardingStrategy | None = None) -> nn.Module:
    return FullyShardedDataParallel(
        model(), use_orig_params=use_orig_params, sharding_strategy=strategy, device_id=torch.device("cpu")
    )


def trained(module: nn.Module) -> nn.Module:
    """The module with the gradients of this rank's first batch, averaged if it averages."""
    module(batch(dist.get_rank(), 1)).square().mean().backward()
    return module


def asked_of(module: nn.Module) -> list[Answer]:
    """The norm of the gradients, and how many layers have statistics."""
    return [
        read(lambda: collect_gradients(module).norm),
        read(lambda: len(collect_per_layer_gradients(module))),
    ]


def read(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except UnsupportedGradientError as error:
        return str(error)


if __name__ == "__main__":
    main()
