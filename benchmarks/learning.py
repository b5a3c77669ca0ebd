"""CPU-seconds until CartPole with hidden velocities is solved, per seed, telemetry and grading included.

    python benchmarks/learning.py [SEED ...]

Solved means a mean return of 195 over 100 successive episodes. Exit code 1 when a seed needs more than 30
CPU-seconds (`time.process_time`: all threads of the process, without imports; torch computes on one thread).
"""

import sys
import threading
import time

import torch

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.sanctum.aggregator import SanctumAggregator
from telewire.telemetry.training.grades import GradingBackend
from telewire.telemetry.training.loop import Ending, TrainingConfig, TrainingLoop, TrainingResult

SOLVED = 195.0
LIMIT_SECONDS = 30.0


def measure(seed: int) -> tuple[TrainingResult, float]:
    """Train until solved or out of time; the result and the CPU-seconds."""
    stop = threading.Event()
    begin = time.process_time()

    def stop_at_limit(_: TrainingResult) -> None:
        if time.process_time() - begin > LIMIT_SECONDS:
            stop.set()

    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        hub.add_backend(GradingBackend(aggregator))
        config = TrainingConfig(episodes=1_000_000, target_return=SOLVED, seed=seed)
        result = TrainingLoop(config, hub).run(stop=stop, on_update=stop_at_limit)
    return result, time.process_time() - begin


def main() -> int:
    torch.set_num_threads(1)
    seeds = [int(text) for text in sys.argv[1:]] or [0, 1, 2]
    failed = 0
    print("seed  CPU s  steps   updates  episodes  best mean return of 100")
    for seed in seeds:
        result, seconds = measure(seed)
        best = "none" if result.best_mean_return is None else f"{result.best_mean_return:.1f}"
        solved = result.ending is Ending.TARGET and seconds <= LIMIT_SECONDS
        failed += not solved
        verdict = "" if solved else f"  NOT SOLVED within {LIMIT_SECONDS:g} CPU-seconds"
        print(
            f"{seed:>4}  {seconds:>5.1f}  {result.env_steps:>5}  {result.updates:>7}  {result.episodes:>8}  "
            f"{best}{verdict}"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
