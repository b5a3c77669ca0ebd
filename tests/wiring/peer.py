"""Rank 1 of a training in two processes, whose rank 0 runs inside a test: `python peer.py RENDEZVOUS CONDUCT`.

CONDUCT is "answers", "collects nothing" or "falls silent" (from the last update on), in a plain loop and then in a run.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import torch
import torch.distributed as dist

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.ranks.exchange import RankExchange
from telewire.telemetry.ranks.reduction import ReducedStatistics, reduce_statistics
from telewire.telemetry.ranks.statistics import RankStatistics
from telewire.telemetry.training.loop import MINIMUM_UPDATES, TrainingConfig, TrainingLoop
from telewire.telemetry.training.ppo import PPOConfig

exchange = RankExchange.reduce


def collect_nothing(self: RankExchange, own: RankStatistics) -> ReducedStatistics:
    return exchange(self, replace(own, replicated=None, passes=None))


def fall_silent(self: RankExchange, own: RankStatistics) -> ReducedStatistics:
    return exchange(self, own) if own.update < MINIMUM_UPDATES else reduce_statistics([None, own])


def plain_loop() -> None:
    """Two steps of a plain loop, the last of which has the number of the last update."""
    model = torch.nn.Linear(3, 1)
    with TrainingMonitor(model, across_ranks=True, finished_steps=MINIMUM_UPDATES - 2) as monitor:
        for _ in range(2):
            for parameter in model.parameters():
                parameter.grad = torch.ones_like(parameter)
            monitor.after_backward()
            monitor.end_step()


CONDUCTS = {"answers": exchange, "collects nothing": collect_nothing, "falls silent": fall_silent}

if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=sys.argv[1], rank=1, world_size=2)
    RankExchange.reduce = CONDUCTS[sys.argv[2]]  # type: ignore[method-assign]
    with TelemetryHub() as hub:
        update = PPOConfig(epochs=1, minibatches=2)
        training = TrainingLoop(TrainingConfig(episodes=1, envs=2, hidden_size=8, ppo=update), hub)
        # The order in which the other process makes its process groups.
        plain_loop()
        training.run()
    dist.destroy_process_group()
