"""Short trainings with nets of a few neurons: what the package writes into its logs is read back from the files."""

from __future__ import annotations

import csv
import json
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.policies import ActorCriticPolicy

STEPS = 64
MINIBATCHES = 2
ROLLOUTS = 6

torch.set_num_threads(1)


Asked = tuple[bytes, int]
"""An observation and an action."""


@dataclass
class Update:
    """What the policy said of one rollout: when it acted, and in each minibatch that was learnt from.

    Attributes:
        acted: The log probability of each action when it was taken.
        learnt: The log probability of each action, minibatch by minibatch.
        entropies: The mean entropy of each minibatch.
    """

    acted: dict[Asked, float] = field(default_factory=dict)
    learnt: list[list[tuple[Asked, float]]] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)


class WatchedPolicy(ActorCriticPolicy):
    """A policy that notes what it is asked, and what it answers."""

    updates: ClassVar[list[Update]] = []

    def forward(self, obs, deterministic=False):
        """Act."""
        actions, values, log_prob = super().forward(obs, deterministic)
        self.updates[-1].acted.update(_asked(obs, actions, log_prob))
        return actions, values, log_prob

    def evaluate_actions(self, obs, actions):
        """Say how probable actions are now."""
        values, log_prob, entropy = super().evaluate_actions(obs, actions)
        self.updates[-1].learnt.append(_asked(obs, actions, log_prob))
        self.updates[-1].entropies.append(entropy.mean().item())
        return values, log_prob, entropy


def _asked(obs, actions, log_prob) -> list[tuple[Asked, float]]:
    keys = [(one.numpy().tobytes(), int(action)) for one, action in zip(obs, actions, strict=True)]
    return list(zip(keys, log_prob.tolist(), strict=True))


class Watch(BaseCallback):
    """Notes what the environment gives, and when training began and each rollout ended."""

    def __init__(self) -> None:
        super().__init__()
        self.rewards = 0.0
        self.episodes: list[float] = []
        self.by_rollout: list[tuple[int, float, list[float]]] = []

    def _on_training_start(self) -> None:
        self.began = time.perf_counter()

    def _on_step(self) -> bool:
        self.rewards += float(self.locals["rewards"][0])
        if self.locals["dones"][0]:
            self.episodes.append(self.rewards)
            self.rewards = 0.0
        return True

    def _on_rollout_start(self) -> None:
        WatchedPolicy.updates.append(Update())

    def _on_rollout_end(self) -> None:
        self.by_rollout.append((self.num_timesteps, time.perf_counter() - self.began, [*self.episodes]))


@dataclass
class Training:
    """A training of PPO that is over.

    Attributes:
        seconds: How long it took.
        updates: What the policy said of each rollout.
        rollouts: After each: the steps so far, the seconds so far, the rewards of all episodes so far.
        columns: `progress.csv`, by column; empty cells are NaN.
        lines: `progress.json`, line by line.
        tables: `log.txt`.
    """

    seconds: float
    updates: list[Update]
    rollouts: list[tuple[int, float, list[float]]]
    columns: dict[str, list[float]]
    lines: list[dict[str, float]]
    tables: str


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Train PPO on CartPole for some hundred steps, with all the logs that are files."""
    folder = tmp_path_factory.mktemp("training")
    WatchedPolicy.updates.clear()
    model = PPO(
        WatchedPolicy,
        Monitor(gymnasium.make("CartPole-v1")),
        n_steps=STEPS,
        batch_size=STEPS // MINIBATCHES,
        n_epochs=3,
        learning_rate=0.01,
        policy_kwargs={"net_arch": [4]},
        seed=7,
        device="cpu",
    )
    watch = Watch()
    with closing(configure(str(folder), ["csv", "json", "log"])) as logger:
        model.set_logger(logger)
        begin = time.perf_counter()
        model.learn(STEPS * ROLLOUTS, callback=watch)
        seconds = time.perf_counter() - begin
    return Training(
        seconds,
        [*WatchedPolicy.updates],
        watch.by_rollout,
        columns_of(folder / "progress.csv"),
        [json.loads(line) for line in (folder / "progress.json").read_text().splitlines()],
        (folder / "log.txt").read_text(),
    )


def columns_of(path: Path) -> dict[str, list[float]]:
    """Read a CSV file of numbers by its columns."""
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
