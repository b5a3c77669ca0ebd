from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from telewire.telemetry.training.envs import make_envs
from telewire.telemetry.training.policy import RecurrentPolicy
from telewire.telemetry.training.rollout import (
    Rollout,
    RolloutCollector,
    as_sequences,
    generalised_advantages,
)

Collect = Callable[..., Rollout]


@pytest.mark.parametrize("rollouts", [1, 3])
def test_log_probabilities_recomputed_over_sequences_equal_those_of_the_rollout(
    collect: Collect, policy: RecurrentPolicy, rollouts: int
) -> None:
    rollout = collect(rollouts=rollouts)
    actions = as_sequences(rollout.actions, 16)
    with torch.no_grad():
        output = policy(
            as_sequences(rollout.observations, 16), as_sequences(rollout.starts, 16), rollout.sequence_hidden
        )
    recomputed = output.log_prob_of(actions)
    torch.testing.assert_close(recomputed, as_sequences(rollout.log_probs, 16))
    torch.testing.assert_close(output.values, as_sequences(rollout.values, 16))


def test_sequences_contain_episode_starts_in_their_midst(collect: Collect) -> None:
    starts = as_sequences(collect(rollouts=2).starts, 16)
    assert starts[1:].any()
    assert not starts[0].all()


def test_the_step_after_an_episodes_end_is_no_experience_and_the_next_starts_an_episode(
    collect: Collect,
) -> None:
    rollout = collect(rollouts=2)
    assert rollout.ended.any()
    assert torch.equal(~rollout.valid[1:], rollout.ended[:-1])
    assert torch.equal(rollout.starts[1:], ~rollout.valid[:-1])


def test_an_end_at_the_very_end_of_a_rollout_is_remembered_in_the_next(policy: RecurrentPolicy) -> None:
    envs = make_envs(4)
    collector = RolloutCollector(
        envs, policy, steps=1, sequence_length=1, seed=0, generator=torch.Generator().manual_seed(0)
    )
    single = [collector.collect() for _ in range(64)]
    ended = torch.cat([rollout.ended for rollout in single])
    assert ended.any()
    assert torch.equal(torch.cat([rollout.valid for rollout in single])[1:], ~ended[:-1])
    envs.close()


def test_a_step_that_is_no_experience_shows_the_last_observation_and_earns_nothing(collect: Collect) -> None:
    rollout = collect(rollouts=2)
    dead = ~rollout.valid
    assert (rollout.observations[dead].abs().amax(dim=-1) > 1).all()
    assert (rollout.rewards[dead] == 0).all()


def test_an_episode_starts_near_the_upright_position(collect: Collect) -> None:
    rollout = collect(rollouts=2)
    assert (rollout.observations[rollout.starts].abs() < 0.25).all()


def test_episode_returns_are_counted_across_rollouts(policy: RecurrentPolicy) -> None:
    def returns(steps: int, rollouts: int) -> list[float]:
        envs = make_envs(4)
        collector = RolloutCollector(
            envs,
            policy,
            steps=steps,
            sequence_length=steps,
            seed=0,
            generator=torch.Generator().manual_seed(0),
        )
        found = [episode for _ in range(rollouts) for episode in collector.collect().episode_returns]
        envs.close()
        return found

    assert returns(120, 1)
    assert returns(120, 1) == returns(8, 15)


def test_rewards_of_experience_add_up_to_the_returns_when_all_episodes_are_whole(collect: Collect) -> None:
    rollout = collect(steps=128)
    last_end = [int(ends.nonzero().max()) + 1 for ends in rollout.ended.T]
    earned = sum(float(rollout.rewards[:end, env].sum()) for env, end in enumerate(last_end))
    assert earned == sum(rollout.episode_returns)


def test_a_rollout_that_cannot_be_cut_into_sequences_is_refused(policy: RecurrentPolicy) -> None:
    with pytest.raises(ValueError, match="a rollout of 10 steps cannot be cut into sequences of 4"):
        RolloutCollector(
            make_envs(1), policy, steps=10, sequence_length=4, seed=0, generator=torch.Generator()
        )


def test_sequences_keep_time_and_environment_together() -> None:
    steps = torch.arange(12).reshape(6, 2)
    assert as_sequences(steps, 3).T.tolist() == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9, 11]]


def advantages_of(rollout: Rollout, *, ended: str | None) -> list[float]:
    """Advantages of four steps of one environment valued 1 to 4, then 5; an episode ends on the second."""
    second = torch.tensor([[False], [True], [False], [False]])
    nowhere = torch.zeros_like(second)
    hand_made = replace(
        rollout,
        rewards=torch.tensor([[1.0], [1.0], [0.0], [1.0]]),
        values=torch.tensor([[1.0], [2.0], [3.0], [4.0]]),
        next_values=torch.tensor([5.0]),
        ended=second if ended else nowhere,
        terminated=second if ended == "terminated" else nowhere,
    )
    advantages = generalised_advantages(hand_made, reward_scale=10.0, discount=0.5, trace=0.5)
    return advantages[:, 0].tolist()


def test_advantages_are_discounted_sums_of_scaled_errors(collect: Collect) -> None:
    fourth = 10 + 0.5 * 5 - 4
    third = 0 + 0.5 * 4 - 3 + 0.25 * fourth
    second = 10 + 0.5 * 3 - 2 + 0.25 * third
    first = 10 + 0.5 * 2 - 1 + 0.25 * second
    assert advantages_of(collect(), ended=None) == pytest.approx([first, second, third, fourth])


def test_a_terminated_episode_is_worth_nothing_after_its_end(collect: Collect) -> None:
    second = 10 + 0.0 - 2
    first = 10 + 0.5 * 2 - 1 + 0.25 * second
    assert advantages_of(collect(), ended="terminated")[:2] == pytest.approx([first, second])


def test_an_episode_cut_off_by_the_time_limit_is_worth_the_value_of_its_last_observation(
    collect: Collect,
) -> None:
    second = 10 + 0.5 * 3 - 2
    first = 10 + 0.5 * 2 - 1 + 0.25 * second
    assert advantages_of(collect(), ended="truncated")[:2] == pytest.approx([first, second])
