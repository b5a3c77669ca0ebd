"""A small model, a batch for each rank, and what every program shares."""

from __future__ import annotations

import atexit
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


def model() -> nn.Module:
    """The same weights in every process. Dimensions that no number of ranks divides evenly; the last layer has
    fewer rows than there are ranks."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 1))


def batch(rank: int, update: int) -> Tensor:
    """Other data on every rank and in every update."""
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(1000 * rank + update))


def averaged_gradients(ranks: int, update: int) -> list[Tensor]:
    """Computed in this process alone, in float64: what the ranks should have after averaging."""
    plain = model().double()
    for rank in range(ranks):
        (plain(batch(rank, update).double()).square().mean() / ranks).backward()
    return [parameter.grad for parameter in plain.parameters() if parameter.grad is not None]


def brute_force(gradients: list[Tensor]) -> dict[str, Any]:
    """Counts and norm of all finite elements, one by one."""
    elements = torch.cat([gradient.double().reshape(-1) for gradient in gradients])
    finite = elements[torch.isfinite(elements)]
    return {
        "elements": elements.numel(),
        "nan": int(elements.isnan().sum()),
        "inf": int(elements.isinf().sum()),
        "norm": math.sqrt(math.fsum((finite * finite).tolist())),
    }


class CollectiveCounter(TorchDispatchMode):
    """Counts the operations that reach a process group, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if "c10d" in func.namespace:
            self.calls.append(func.__name__)
        return func(*args, **(kwargs or {}))


@contextmanager
def started() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Join the others; yields the program's options and a place for this rank's answer, which is then written."""
    codes = [1]
    atexit.register(lambda: leave(codes[-1]))
    torch.set_num_threads(1)
    if "INIT_METHOD" in os.environ:
        rank, ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        dist.init_process_group("gloo", init_method=os.environ["INIT_METHOD"], rank=rank, world_size=ranks)
    else:
        dist.init_process_group("gloo")
    answer: dict[str, Any] = {}
    try:
        yield json.loads(sys.argv[2]), answer
        path = Path(sys.argv[1]) / f"{dist.get_rank()}.json"
        path.write_text(json.dumps(answer), encoding="utf-8")
        codes.append(0)
    finally:
        dist.destroy_process_group()


def leave(code: int) -> None:
    """End the process when all has been closed that closes itself at exit, before the interpreter is taken down.

    DTensor keeps every mesh that it has met in its caches, and with it a process group whose threads still run. One
    that gives a tensor back to an interpreter that is being taken down ends the process: "terminate called without an
    active exception".
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
