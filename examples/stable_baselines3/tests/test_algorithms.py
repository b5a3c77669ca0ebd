"""What the other algorithms count and remember, read back from what they log or do with it."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from conftest import columns_of
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

OFF_POLICY = {"learning_starts": 20, "batch_size": 8, "buffer_size": 200, "train_freq": 4}
EPISODE = 20


class Goal(gymnasium.Wrapper):
    """Calls every other episode a success."""

    number = 0

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        if terminated or truncated:
            self.number += 1
            info["is_success"] = self.number % 2 == 0
        return observation, reward, terminated, truncated, info


def cart_pole() -> gymnasium.Env:
    """Return CartPole with episodes of at most twenty steps, every other of which succeeds."""
    return Monitor(Goal(gymnasium.make("CartPole-v1", max_episode_steps=EPISODE)))


def pendulum() -> gymnasium.Env:
    """Return Pendulum with episodes of twenty steps."""
    return Monitor(gymnasium.make("Pendulum-v1", max_episode_steps=EPISODE))


def logged(
    model: BaseAlgorithm, steps: int, folder: Path, callback: BaseCallback | None = None
) -> dict[str, list[float]]:
    """Train, and return what was logged: its columns."""
    with closing(configure(str(folder), ["csv"])) as logger:
        model.set_logger(logger)
        model.learn(steps, log_interval=1, callback=callback)
    return columns_of(folder / "progress.csv")


def last(column: list[float]) -> float:
    """Return the last number of a column."""
    return next(one for one in reversed(column) if not math.isnan(one))


def of_algorithm(name: str) -> BaseAlgorithm:
    """Return a small model."""
    match name:
        case "A2C":
            return A2C(
                "MlpPolicy", cart_pole(), n_steps=10, policy_kwargs={"net_arch": [4]}, seed=1, device="cpu"
            )
        case "PPO":
            return PPO(
                "MlpPolicy",
                cart_pole(),
                n_steps=20,
                batch_size=10,
                policy_kwargs={"net_arch": [4]},
                seed=1,
                device="cpu",
            )
        case "DQN":
            return DQN(
                "MlpPolicy", cart_pole(), **OFF_POLICY, policy_kwargs={"net_arch": [4]}, seed=1, device="cpu"
            )
        case "SAC":
            return SAC(
                "MlpPolicy", pendulum(), **OFF_POLICY, policy_kwargs={"net_arch": [4]}, seed=1, device="cpu"
            )
        case _:
            return TD3(
                "MlpPolicy", pendulum(), **OFF_POLICY, policy_kwargs={"net_arch": [4]}, seed=1, device="cpu"
            )


def updates_before(name: str, step: int) -> int:
    """Return how many updates there were before what is logged at a step."""
    match name:
        case "A2C":
            return step // 10 - 1  # one after every ten steps
        case "PPO":
            return (step // 20 - 1) * 10  # ten passes after every twenty
        case _:
            return (step - 21) // 4  # one after every four, from the first twenty on


@pytest.mark.parametrize("name", ["A2C", "PPO", "DQN", "SAC", "TD3"])
def test_steps_and_updates_are_counted(name: str, tmp_path: Path) -> None:
    model = of_algorithm(name)
    columns = logged(model, 120, tmp_path)
    rows = list(zip(columns["time/total_timesteps"], columns["train/n_updates"], strict=True))
    assert [one for _, one in rows if not math.isnan(one)] == [
        updates_before(name, int(step)) for step, one in rows if not math.isnan(one)
    ]
    assert len(rows) >= 6
    assert model.num_timesteps == 120


@pytest.mark.parametrize("name", ["A2C", "PPO", "DQN"])
def test_every_other_episode_is_logged_as_a_success(name: str, tmp_path: Path) -> None:
    model = of_algorithm(name)
    columns = logged(model, 120, tmp_path)
    number = model.env.get_attr("number")[0]
    assert number >= 4
    assert last(columns["rollout/success_rate"]) == pytest.approx((number // 2) / number)
    assert last(columns["rollout/ep_len_mean"]) <= EPISODE
    assert last(columns["rollout/ep_rew_mean"]) == last(columns["rollout/ep_len_mean"])  # one each step


class Rates(BaseCallback):
    """Notes how large the rates are that go by the remaining progress."""

    def __init__(self) -> None:
        super().__init__()
        self.learning: list[float] = []
        self.exploring: list[float] = []

    def _on_step(self) -> bool:
        self.learning.append(self.model.policy.optimizer.param_groups[0]["lr"])
        self.exploring.append(getattr(self.model, "exploration_rate", math.nan))
        return True


def test_the_learning_rate_falls_with_the_remaining_progress(tmp_path: Path) -> None:
    model = PPO(
        "MlpPolicy",
        cart_pole(),
        n_steps=20,
        batch_size=10,
        learning_rate=lambda remaining: remaining / 100,
        clip_range=lambda remaining: remaining / 5,
        policy_kwargs={"net_arch": [4]},
        seed=1,
        device="cpu",
    )
    rates = Rates()
    columns = logged(model, 80, tmp_path, rates)
    assert columns["train/learning_rate"][1:] == pytest.approx([0.0075, 0.005, 0.0025])
    assert rates.learning[20::20] == pytest.approx([0.0075, 0.005, 0.0025])  # of the optimiser itself
    assert columns["train/clip_range"][1:] == pytest.approx([0.15, 0.1, 0.05])


def test_exploration_falls_to_its_end_and_decides_on_actions(tmp_path: Path) -> None:
    model = DQN(
        "MlpPolicy",
        cart_pole(),
        **OFF_POLICY,
        exploration_fraction=0.5,
        exploration_initial_eps=1.0,
        exploration_final_eps=0.0,
        policy_kwargs={"net_arch": [4]},
        seed=1,
        device="cpu",
    )
    rates = Rates()
    observation = np.zeros((1, 4), dtype=np.float32)
    columns = logged(model, 120, tmp_path, rates)
    assert rates.exploring[-1] == 0.0
    assert rates.exploring[29] == pytest.approx(0.5, abs=0.04)
    assert last(columns["rollout/exploration_rate"]) == 0.0
    assert len({int(model.predict(observation)[0][0]) for _ in range(40)}) == 1


def test_observations_are_normalised_by_the_running_mean(tmp_path: Path) -> None:
    env = VecNormalize(DummyVecEnv([cart_pole]), norm_reward=False)
    model = A2C("MlpPolicy", env, n_steps=10, policy_kwargs={"net_arch": [4]}, seed=1, device="cpu")
    logged(model, 120, tmp_path)
    seen = env.get_original_obs()
    expected = (seen - env.obs_rms.mean) / np.sqrt(env.obs_rms.var + env.epsilon)
    assert env.normalize_obs(seen) == pytest.approx(np.clip(expected, -10, 10), abs=1e-5)
    assert abs(env.obs_rms.mean).max() > 0.01


class Explained(BaseCallback):
    """Notes how much of the returns the value function explains, and misses, before each training on them."""

    def __init__(self) -> None:
        super().__init__()
        self.shares: list[float] = []
        self.losses: list[float] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        buffer = self.model.rollout_buffer
        left = buffer.returns - buffer.values
        self.shares.append(float(1 - np.var(left) / np.var(buffer.returns)))
        self.losses.append(float(np.mean(left**2)))


def test_the_returns_are_what_the_value_function_is_fitted_to(tmp_path: Path) -> None:
    model = A2C(
        "MlpPolicy",
        Monitor(gymnasium.make("CartPole-v1")),  # whose episodes end, and are not cut
        n_steps=10,
        gamma=0.5,
        gae_lambda=1.0,
        policy_kwargs={"net_arch": [4]},
        seed=1,
        device="cpu",
    )
    explained = Explained()
    columns = logged(model, 120, tmp_path, explained)
    buffer = model.rollout_buffer
    goes_on = 1 - buffer.episode_starts[1:]
    # A reward of one at each step, and half of what follows in the same episode.
    assert buffer.returns[:-1] == pytest.approx(1 + 0.5 * goes_on * buffer.returns[1:], abs=1e-5)
    # What a training has seen is written when the next rollout is done.
    assert columns["train/explained_variance"][1:] == pytest.approx(explained.shares[:-1], rel=1e-3)
    assert columns["train/value_loss"][1:] == pytest.approx(explained.losses[:-1], rel=1e-3)


@pytest.mark.parametrize("gradient_steps", [1, 3])
def test_each_training_counts_its_gradient_steps(gradient_steps: int, tmp_path: Path) -> None:
    model = DQN(
        "MlpPolicy",
        cart_pole(),
        **OFF_POLICY,
        gradient_steps=gradient_steps,
        policy_kwargs={"net_arch": [4]},
        seed=1,
        device="cpu",
    )
    columns = logged(model, 60, tmp_path)
    assert last(columns["train/n_updates"]) % gradient_steps == 0
    assert model._n_updates == 10 * gradient_steps
