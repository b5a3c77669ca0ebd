"""Small policies, environments and rollouts; torch on one thread, as the run itself uses it."""

from collections.abc import Callable, Iterator

import pytest
import torch

from telewire.telemetry.training.envs import ACTIONS, VISIBLE, make_envs
from telewire.telemetry.training.policy import RecurrentPolicy
from telewire.telemetry.training.rollout import Rollout, RolloutCollector


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def policy() -> RecurrentPolicy:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return RecurrentPolicy(len(VISIBLE), ACTIONS, hidden_size=8)


@pytest.fixture
def collect(policy: RecurrentPolicy) -> Iterator[Callable[..., Rollout]]:
    """Collect the given number of rollouts from four environments and return the last."""
    envs = make_envs(4)

    def run(*, rollouts: int = 1, steps: int = 64, sequence_length: int = 16) -> Rollout:
        collector = RolloutCollector(
            envs,
            policy,
            steps=steps,
            sequence_length=sequence_length,
            seed=0,
            generator=torch.Generator().manual_seed(0),
        )
        return [collector.collect() for _ in range(rollouts)][-1]

    yield run
    envs.close()
