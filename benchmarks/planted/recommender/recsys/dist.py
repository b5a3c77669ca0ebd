"""Distributed helper: process group set-up and the reduction of step statistics over ranks."""

from __future__ import annotations

import enum
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator

import torch
import torch.distributed as td

from .messages import RankReport, StepReport


class Reduce(enum.Enum):
    SUM = "sum"
    MEAN = "mean"
    MAX = "max"


#: How each statistic of a step is brought together over the ranks.
STEP_REDUCTIONS: dict[str, Reduce] = {
    "loss": Reduce.MEAN,
    "examples": Reduce.SUM,
    "examples_per_s": Reduce.SUM,
    "skipped_total": Reduce.SUM,
    "grad_norm": Reduce.MAX,
    "step_ms": Reduce.MAX,
    "data_wait_ms": Reduce.MAX,
    "starvations": Reduce.SUM,
}


@dataclass(frozen=True)
class World:
    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        return self.rank == 0


@contextmanager
def process_group(device: str) -> Iterator[World]:
    """Joins the group described by the launcher's environment, if there is one."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    td.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield World(rank=td.get_rank(), size=td.get_world_size())
    finally:
        td.destroy_process_group()


class RankReducer:
    """Gathers a fixed vector of statistics from every rank and reduces it by the table above."""

    def __init__(self, world: World, device: str) -> None:
        self._world = world
        self._device = device
        self._names = tuple(STEP_REDUCTIONS)

    def _gather(self, values: list[float]) -> torch.Tensor:
        mine = torch.tensor(values, dtype=torch.float64, device=self._device)
        if self._world.size == 1:
            return mine.unsqueeze(0)
        rows = [torch.zeros_like(mine) for _ in range(self._world.size)]
        td.all_gather(rows, mine)
        return torch.stack(rows)

    def reduce(self, report: StepReport) -> RankReport:
        table = self._gather([float(getattr(report, name)) for name in self._names]).cpu()
        reduced: dict[str, float] = {}
        for column, (name, how) in zip(table.T, STEP_REDUCTIONS.items(), strict=True):
            if how is Reduce.SUM:
                reduced[name] = float(column.sum())
            elif how is Reduce.MEAN:
                reduced[name] = float(column.mean())
            else:
                reduced[name] = float(column.max())
        times = table[:, self._names.index("step_ms")]
        median = float(times.median())
        return RankReport(
            step=report.step,
            world_size=self._world.size,
            reduced=reduced,
            skew=float(times.max()) / median if median > 0 else 1.0,
            slowest_rank=int(times.argmax()),
        )
