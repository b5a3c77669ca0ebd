"""The run learns: it is a real training, not a stage set."""

import threading

import pytest

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.training.loop import Ending, TrainingConfig, TrainingLoop, TrainingResult

SOLVED = 195.0
STEP_LIMIT = 75_000
"""Environment steps; about three times what the run needs."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_hundred_successive_episodes_reach_the_return_that_counts_as_solved(seed: int) -> None:
    stop = threading.Event()

    def stop_at_limit(progress: TrainingResult) -> None:
        if progress.env_steps >= STEP_LIMIT:
            stop.set()

    with TelemetryHub() as hub:
        config = TrainingConfig(episodes=100_000, target_return=SOLVED, seed=seed)
        result = TrainingLoop(config, hub).run(stop=stop, on_update=stop_at_limit)
    assert result.best_mean_return is not None
    assert result.best_mean_return >= SOLVED
    assert result.ending is Ending.TARGET
