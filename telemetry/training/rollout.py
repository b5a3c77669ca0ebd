"""Collecting experience: fixed-length rollouts over environments that go on from one rollout to the next."""

from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.vector import SyncVectorEnv
from torch import Tensor

from .policy import Hidden, RecurrentPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Experience of `time` steps in `batch` environments; tensors are (time, batch) unless noted.

    `valid` is false on the one step after an episode's end: there the environment ignores the action and
    resets, so the step is no experience. Its observation is the finished episode's last one, and its value is
    what a truncated episode is bootstrapped with.
    """

    observations: Tensor
    """(time, batch, features)"""
    starts: Tensor
    """bool: this observation is the first of its episode."""
    valid: Tensor
    """bool"""
    actions: Tensor
    """(time, batch, heads): the choice of each head."""
    log_probs: Tensor
    """Log-probability of the action taken, of all heads together."""
    values: Tensor
    rewards: Tensor
    terminated: Tensor
    """bool: the episode ended by itself, so nothing follows."""
    ended: Tensor
    """bool: terminated, or cut off by the time limit."""
    next_values: Tensor
    """(batch,): value of the observation after the last step."""
    sequence_hidden: Hidden
    """(1, sequences, hidden size) each: the state before each sequence, ordered as by `as_sequences`."""
    hidden: Hidden
    """The environments' current state, after the last step."""
    episode_returns: tuple[float, ...]
    """Returns of the episodes that ended within this rollout."""
    env_steps: int
    """Steps of the environments: a decision may be held for several."""


def as_sequences(steps: Tensor, length: int) -> Tensor:
    """Cut (time, batch, ...) into (length, sequences, ...), ordered by time first, then by environment."""
    time, batch = steps.shape[:2]
    chunks = steps.reshape(time // length, length, batch, *steps.shape[2:])
    return chunks.transpose(0, 1).reshape(length, -1, *steps.shape[2:])


class RolloutCollector:
    """Steps the environments with the policy; remembers where they stand."""

    def __init__(
        self,
        envs: SyncVectorEnv,
        policy: RecurrentPolicy,
        *,
        steps: int,
        sequence_length: int,
        seed: int,
        generator: torch.Generator,
    ) -> None:
        if steps % sequence_length:
            raise ValueError(f"a rollout of {steps} steps cannot be cut into sequences of {sequence_length}")
        self._envs = envs
        self._policy = policy
        self._steps = steps
        self._sequence_length = sequence_length
        self._generator = generator
        observations, _ = envs.reset(seed=seed)
        self._observation = torch.from_numpy(observations)
        self._starts = torch.ones(envs.num_envs, dtype=torch.bool)
        self._ended = torch.zeros(envs.num_envs, dtype=torch.bool)
        self._hidden = policy.initial_hidden(envs.num_envs)
        self._returns = np.zeros(envs.num_envs)

    @torch.no_grad()
    def collect(self) -> Rollout:
        """Take the next `steps` steps in every environment."""
        observations, starts, valid, actions, log_probs = [], [], [], [], []
        values, rewards, terminations, ends = [], [], [], []
        hidden_before: list[Hidden] = []
        episode_returns: list[float] = []
        env_steps = 0
        for step in range(self._steps):
            if step % self._sequence_length == 0:
                hidden_before.append(self._hidden)
            output = self._policy(self._observation[None], self._starts[None], self._hidden)
            action = output.sample(self._generator)
            observation, reward, terminated, truncated, info = self._envs.step(action[0].numpy())
            ended = terminated | truncated

            observations.append(self._observation)
            starts.append(self._starts)
            valid.append(~self._ended)
            actions.append(action[0])
            log_probs.append(output.log_prob_of(action)[0])
            values.append(output.values[0])
            rewards.append(torch.from_numpy(reward).float())
            terminations.append(torch.from_numpy(terminated))
            ends.append(torch.from_numpy(ended))

            # Absent where every environment was reset instead.
            env_steps += int(np.sum(info.get("env_steps", 0)))
            self._returns += reward
            episode_returns.extend(self._returns[ended].tolist())
            self._returns[ended] = 0.0
            # An environment that had ended used this step to reset: its next observation starts an episode.
            self._starts = self._ended
            self._ended = ends[-1]
            self._observation = torch.from_numpy(observation)
            self._hidden = output.hidden
        following = self._policy(self._observation[None], self._starts[None], self._hidden)
        return Rollout(
            observations=torch.stack(observations),
            starts=torch.stack(starts),
            valid=torch.stack(valid),
            actions=torch.stack(actions),
            log_probs=torch.stack(log_probs),
            values=torch.stack(values),
            rewards=torch.stack(rewards),
            terminated=torch.stack(terminations),
            ended=torch.stack(ends),
            next_values=following.values[0],
            sequence_hidden=(
                torch.cat([h for h, _ in hidden_before], dim=1),
                torch.cat([c for _, c in hidden_before], dim=1),
            ),
            hidden=self._hidden,
            episode_returns=tuple(episode_returns),
            env_steps=env_steps,
        )


def generalised_advantages(rollout: Rollout, *, reward_scale: float, discount: float, trace: float) -> Tensor:
    """Generalised advantage estimates (Schulman et al., 2016), (time, batch); meaningless where not `valid`.

    Rewards are multiplied by `reward_scale`, and values are in units of the product. A terminated episode is
    worth nothing after its end; one cut off by the time limit is worth the value of its last observation,
    which is the value on the step after.
    """
    advantages = torch.zeros_like(rollout.rewards)
    advantage = torch.zeros_like(rollout.next_values)
    next_values = rollout.next_values
    for step in reversed(range(len(rollout.rewards))):
        goes_on = (~rollout.ended[step]).float()
        worth = next_values * (~rollout.terminated[step]).float()
        error = reward_scale * rollout.rewards[step] + discount * worth - rollout.values[step]
        advantage = error + discount * trace * goes_on * advantage
        advantages[step] = advantage
        next_values = rollout.values[step]
    return advantages
