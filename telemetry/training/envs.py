"""The task: CartPole whose velocities are hidden and whose actions may be held, several copies stepped together."""

from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

ENVIRONMENT = "CartPole-v1"
HEADS = {"push": 2, "hold": 2}
"""What is decided at once, with the number of choices: push left or right, and hold that for one step or two."""
VISIBLE = (0, 2)
"""Indices of cart position and pole angle; 1 and 3 are the velocities, which a policy must now remember."""


class HideVelocities(gymnasium.ObservationWrapper[NDArray[np.float32], int, NDArray[np.float32]]):
    """Keeps position and angle, each divided by its bound at which the episode ends (so within about ±1).

    `CartPole-v1` declares twice those limits as the bounds of its observation space, hence the halves.
    """

    def __init__(self, env: gymnasium.Env[Any, int]) -> None:
        super().__init__(env)
        space = env.observation_space
        if not isinstance(space, gymnasium.spaces.Box):
            raise TypeError(f"expected a Box observation space, found {type(space).__name__}")
        self._visible = list(VISIBLE)
        self._limits = (space.high[self._visible] / 2).astype(np.float32)
        self.observation_space = gymnasium.spaces.Box(-2.0, 2.0, shape=(len(VISIBLE),), dtype=np.float32)

    def observation(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """(4,) full state to (2,) visible, scaled state."""
        return observation[self._visible] / self._limits


class HoldAction(gymnasium.Wrapper[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], int]):
    """Takes (push, hold) and pushes for one step, or for two where hold is 1, unless the episode ends before.

    The reward is the sum over the steps; their number is in ``info["env_steps"]``.
    """

    def __init__(self, env: gymnasium.Env[NDArray[np.float32], int]) -> None:
        # gymnasium declares that what is wrapped takes the same actions as the wrapper.
        super().__init__(env)  # type: ignore[arg-type]
        self._pushed = env
        self.action_space = gymnasium.spaces.MultiDiscrete(list(HEADS.values()))

    def step(
        self, action: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], SupportsFloat, bool, bool, dict[str, Any]]:
        """One decision."""
        push, hold = int(action[0]), int(action[1])
        observation, reward, terminated, truncated, info = self._pushed.step(push)
        if not hold or terminated or truncated:
            return observation, reward, terminated, truncated, info | {"env_steps": 1}
        observation, more, terminated, truncated, info = self._pushed.step(push)
        return observation, float(reward) + float(more), terminated, truncated, info | {"env_steps": 2}


def make_env() -> gymnasium.Env[NDArray[np.float32], NDArray[np.int64]]:
    """One environment, `CartPole-v1` with its limit of 500 steps, velocities hidden, actions held."""
    return HoldAction(HideVelocities(gymnasium.make(ENVIRONMENT, disable_env_checker=True)))


def make_envs(count: int) -> SyncVectorEnv:
    """`count` environments stepped in turn; each resets itself on the step *after* its last one."""
    return SyncVectorEnv([make_env] * count, autoreset_mode=AutoresetMode.NEXT_STEP)
