"""A training under DDP that accumulates over several backward passes, each with a batch that may be broken.

Options: ``steps`` is a list; of each step it maps a rank to the passes, counted from 0, whose batch holds a NaN
there; ``no_sync`` says whether only the last of three passes averages.
"""

from __future__ import annotations

import contextlib
import math

import torch.distributed as dist
from small import batch, model, started
from torch.nn.parallel import DistributedDataParallel

from telewire.telemetry.gradients import collect_gradients
from telewire.telemetry.ranks.exchange import RankExchange
from telewire.telemetry.ranks.statistics import RankStatistics
from telewire.telemetry.ranks.watch import OwnGradientWatch

PASSES = 3


def main() -> None:
    with started() as (options, answer):
        rank = dist.get_rank()
        wrapped = DistributedDataParallel(model())
        watch = OwnGradientWatch(wrapped)
        exchange = RankExchange()
        answer["steps"] = []
        for step, broken in enumerate(options["steps"], start=1):
            wrapped.zero_grad(set_to_none=True)
            for number in range(PASSES):
                data = batch(rank, number)
                if number in broken.get(str(rank), []):
                    data[0, 0] = math.nan
                averages = number == PASSES - 1 or not options["no_sync"]
                with contextlib.nullcontext() if averages else wrapped.no_sync():
                    wrapped(data).square().mean().backward()
            own = watch.take()
            statistics = RankStatistics.of(
                update=step, gradients=collect_gradients(wrapped), own_gradients=own
            )
            reduced = exchange.reduce(statistics)
            answer["steps"].append(
                {
                    "elements": sum(part.element_count for part in own),
                    "ranks": reduced.report.ranks,
                    "lines": reduced.report.lines,
                }
            )
        exchange.close()


if __name__ == "__main__":
    main()
