"""A plain loop of ten steps with a `TrainingMonitor` across ranks, each rank of its own kind; gradients are the same.

Options: ``levels`` and ``looks`` hold one entry for each rank: the name of its telemetry level, and at how many of the
two optimisers it looks before clipping; ``every`` is the monitor's; ``bad_loss`` is the rank whose loss is NaN in
step 4, ``bad_gradient`` says whether the gradient is; ``dies`` is the rank that is gone before step 4 (-1 for none).
"""

from __future__ import annotations

import logging
import math
import os
import signal
from dataclasses import asdict

import torch
import torch.distributed as dist
from small import CollectiveCounter, started

from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.payloads import AnomalyPayload, TelemetryEvent, TrainingStepPayload


class Recorder:
    name = "recorder"

    def __init__(self) -> None:
        self.steps: list[dict[str, object]] = []
        self.anomalies: list[list[str]] = []

    def handle(self, event: TelemetryEvent) -> None:
        if isinstance(event.payload, TrainingStepPayload):
            self.steps.append(asdict(event.payload))
        elif isinstance(event.payload, AnomalyPayload):
            self.anomalies.append(list(event.payload.details))


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
        recorder = Recorder()
        parts = torch.nn.ModuleDict({name: torch.nn.Linear(2, 1) for name in ("first", "second")})
        optimizers = [torch.optim.SGD(part.parameters(), lr=0.0) for part in parts.values()]
        looked: list[int] = []
        collectives: list[int] = []
        with TrainingMonitor(
            parts,
            optimizers,
            backends=[recorder],
            every=options["every"],
            level=TelemetryLevel[options["levels"][rank]],
            across_ranks=True,
        ) as monitor:
            for step in range(1, 11):
                if step == 4 and rank == options["dies"]:
                    os.kill(os.getpid(), signal.SIGKILL)
                for parameter in parts.parameters():
                    parameter.grad = torch.full_like(
                        parameter, math.nan if options["bad_gradient"] and step == 4 else step
                    )
                for optimizer in optimizers[: options["looks"][rank]]:
                    monitor.after_backward(optimizer)
                loss = math.nan if step == 4 and rank == options["bad_loss"] else float(rank)
                with CollectiveCounter() as counter:
                    report = monitor.end_step(loss=loss)
                collectives.append(len(counter.calls))
                if report is not None:
                    looked.append(step)
        answer |= {"steps": recorder.steps, "anomalies": recorder.anomalies, "warnings": warnings.messages}
        answer |= {"looked": looked, "collectives": collectives}


if __name__ == "__main__":
    main()
