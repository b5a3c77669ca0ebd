"""The task: CartPole whose velocities are hidden, several copies stepped together."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

ENVIRONMENT = "CartPole-v1"
ACTIONS = 2
"""Push left, push right."""
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


def make_env() -> gymnasium.Env[NDArray[np.float32], int]:
    """One environment, `CartPole-v1` with its limit of 500 steps, velocities hidden."""
    return HideVelocities(gymnasium.make(ENVIRONMENT, disable_env_checker=True))


def make_envs(count: int) -> SyncVectorEnv:
    """`count` environments stepped in turn; each resets itself on the step *after* its last one."""
    return SyncVectorEnv([make_env] * count, autoreset_mode=AutoresetMode.NEXT_STEP)
