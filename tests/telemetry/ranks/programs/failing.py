"""One rank stops to answer after the first of three updates; what do the others make of it, and how long does it take?

Options: ``victim`` is the rank; ``how`` is "kill" (the process is gone), "stop" (it is there and does not run) or
"hang" (it runs and never exchanges again); ``timeout`` is that of the exchange, in seconds.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta

import torch.distributed as dist
from small import started

from telewire.telemetry.measurements import GradientSums
from telewire.telemetry.ranks.exchange import RankExchange
from telewire.telemetry.ranks.statistics import RankStatistics


class Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def main() -> None:
    warnings = Warnings()
    logging.getLogger("telewire").addHandler(warnings)
    with started() as (options, answer):
        rank = dist.get_rank()
        exchange = RankExchange(timeout=timedelta(seconds=options["timeout"]))
        answer["updates"] = []
        for update in (1, 2, 3):
            if update == 2 and rank == options["victim"]:
                fail(options["how"])
            begin = time.monotonic()
            reduced = exchange.reduce(says(update, options["sharded"]))
            answer["updates"].append(
                {
                    "seconds": time.monotonic() - begin,
                    "missing": reduced.missing_ranks,
                    "unanswered": reduced.unanswered_ranks,
                    "norm": None if reduced.gradients is None else reduced.gradients.norm,
                    "lines": reduced.report.lines,
                }
            )
        answer["on"] = exchange.state.is_on
        answer["warnings"] = warnings.messages


def says(update: int, is_sharded: bool) -> RankStatistics:
    sums = GradientSums(
        element_count=1,
        nan_count=0,
        inf_count=0,
        scale=1.0,
        squares=4.0,
        overflow_limit=1e19,
        underflow_limit=1e-22,
        layer_overflowed=False,
    )
    return replace(
        RankStatistics.of(update=update),
        replicated=None if is_sharded else sums,
        sharded=sums if is_sharded else None,
    )


def fail(how: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        threading.Event().wait()


if __name__ == "__main__":
    main()
