"""An exchange in a program whose default device is not the CPU, as ``torch.set_default_device`` makes it."""

from __future__ import annotations

import torch
import torch.distributed as dist
from small import started

from telewire.telemetry.ranks.exchange import RankExchange
from telewire.telemetry.ranks.row import RowLayout
from telewire.telemetry.ranks.statistics import RankStatistics


def main() -> None:
    with started() as (_, answer):
        torch.set_default_device("meta")
        exchange = RankExchange(RowLayout(scalars=("loss",)))
        own = RankStatistics.of(update=1, scalars={"loss": float(dist.get_rank())})
        answer["loss"] = exchange.reduce(own).mean("loss")
        exchange.close()


if __name__ == "__main__":
    main()
