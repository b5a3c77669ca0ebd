"""A plain loop under DDP or FSDP2 with a `TrainingMonitor` across ranks, which breaks a batch on request.

Options: ``way`` is "ddp" or "fsdp"; ``bad_batch`` is the rank whose batch of the second step holds a NaN (or -1);
``across_ranks`` and ``drift`` (left out for False) are handed on; the monitor clips to ``max_norm``, where it is given.
"""

from __future__ import annotations

import math
from dataclasses import asdict

import torch
import torch.distributed as dist
from sharing import wrap
from small import averaged_gradients, batch, brute_force, model, started

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


def main() -> None:
    with started() as (options, answer):
        rank, ranks = dist.get_rank(), dist.get_world_size()
        recorder = Recorder()
        wrapped = wrap(model(), options["way"], ranks)
        optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.0)
        losses = []
        with TrainingMonitor(
            wrapped,
            optimizer,
            backends=[recorder],
            across_ranks=options["across_ranks"],
            drift=options.get("drift", False),
        ) as monitor:
            for step in (1, 2):
                optimizer.zero_grad()
                data = batch(rank, step)
                if step == 2 and rank == options["bad_batch"]:
                    data[0, 0] = math.nan
                loss = wrapped(data).square().mean()
                loss.backward()
                if "max_norm" in options:
                    monitor.clip_gradients(options["max_norm"])
                else:
                    monitor.after_backward()
                if step == 1:
                    optimizer.step()
                monitor.end_step(loss=loss)
                losses.append(loss.item())
        answer |= {"steps": recorder.steps, "anomalies": recorder.anomalies, "losses": losses}
        answer["expected"] = brute_force(averaged_gradients(ranks, 1))


if __name__ == "__main__":
    main()
