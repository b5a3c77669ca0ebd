import gymnasium
import numpy as np
import pytest

from telewire.telemetry.training.envs import ENVIRONMENT, make_env, make_envs


def test_only_position_and_angle_are_seen_each_in_units_of_the_limit_that_ends_an_episode() -> None:
    hidden, full = make_env(), gymnasium.make(ENVIRONMENT)
    hidden.reset(seed=3)
    full.reset(seed=3)
    seen, *_ = hidden.step(np.array([1, 0]))
    state, *_ = full.step(1)
    assert seen == pytest.approx([state[0] / 2.4, state[2] / np.radians(12)])


def test_observations_are_of_the_declared_space() -> None:
    env = make_env()
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)


def test_an_environment_resets_itself_on_the_step_after_the_last() -> None:
    envs = make_envs(1)
    envs.reset(seed=0)
    action = np.array([[1, 0]])
    terminated = np.zeros(1, dtype=np.bool_)
    while not terminated[0]:
        last, _, terminated, _, _ = envs.step(action)
    first, reward, terminated, truncated, _ = envs.step(action)
    assert abs(last[0, 1]) > 1
    assert np.abs(first).max() < 0.5
    assert (reward[0], terminated[0], truncated[0]) == (0.0, False, False)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_push_is_held_for_one_step_or_two(steps: int) -> None:
    held, plain = make_env(), make_env()
    held.reset(seed=3)
    plain.reset(seed=3)
    seen, reward, *_, info = held.step(np.array([1, steps - 1]))
    for _ in range(steps):
        state, *_ = plain.step(np.array([1, 0]))
    assert (seen.tolist(), reward, info["env_steps"]) == (state.tolist(), float(steps), steps)


def test_an_episode_that_ends_while_a_push_is_held_ends_there() -> None:
    steps = {0: 0.0, 1: 0.0}
    for hold in steps:
        env = make_env()
        env.reset(seed=3)
        ended = False
        while not ended:
            _, reward, ended, *_ = env.step(np.array([1, hold]))
            steps[hold] += float(reward)
    assert steps[0] == steps[1]
