import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from telewire.telemetry.training.envs import HEADS, VISIBLE
from telewire.telemetry.training.policy import Hidden, RecurrentPolicy

STEPS, BATCH, HIDDEN_SIZE = 6, 3, 8


def build() -> tuple[RecurrentPolicy, torch.Tensor, Hidden]:
    generator = torch.Generator().manual_seed(0)
    policy = RecurrentPolicy(len(VISIBLE), HEADS, HIDDEN_SIZE)
    observations = torch.randn(STEPS, BATCH, len(VISIBLE), generator=generator)
    hidden = (
        torch.randn(1, BATCH, HIDDEN_SIZE, generator=generator),
        torch.randn(1, BATCH, HIDDEN_SIZE, generator=generator),
    )
    return policy, observations, hidden


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.booleans(), min_size=BATCH, max_size=BATCH), min_size=STEPS, max_size=STEPS))
def test_a_stretch_gives_the_same_as_its_single_steps_wherever_episodes_start(
    starts: list[list[bool]],
) -> None:
    policy, observations, hidden = build()
    at_start = torch.tensor(starts)
    with torch.no_grad():
        whole = policy(observations, at_start, hidden)
        for step in range(STEPS):
            single = policy(observations[step : step + 1], at_start[step : step + 1], hidden)
            hidden = single.hidden
            for head, log_probs in whole.log_probs.items():
                torch.testing.assert_close(single.log_probs[head][0], log_probs[step])
            torch.testing.assert_close(single.values[0], whole.values[step])
    torch.testing.assert_close(hidden[0], whole.hidden[0])
    torch.testing.assert_close(hidden[1], whole.hidden[1])


def test_nothing_from_before_an_episodes_start_is_remembered() -> None:
    policy, observations, hidden = build()
    starts = torch.zeros(STEPS, BATCH, dtype=torch.bool)
    starts[3, 1] = True
    other_past = observations.clone()
    other_past[:3] += 1
    with torch.no_grad():
        one = policy(observations, starts, hidden).values[3:]
        other = policy(other_past, starts, hidden).values[3:]
    assert torch.equal(one[:, 1], other[:, 1])
    assert not torch.isclose(one[:, [0, 2]], other[:, [0, 2]]).any()


def test_without_a_start_the_given_hidden_state_is_used() -> None:
    policy, observations, hidden = build()
    starts = torch.zeros(STEPS, BATCH, dtype=torch.bool)
    with torch.no_grad():
        given_state = policy(observations, starts, hidden).values
        zeros = policy(observations, starts, policy.initial_hidden(BATCH)).values
    assert not torch.isclose(given_state[0], zeros[0]).any()


def test_log_probabilities_are_of_a_distribution() -> None:
    policy, observations, hidden = build()
    output = policy(observations, torch.zeros(STEPS, BATCH, dtype=torch.bool), hidden)
    assert list(output.log_probs) == list(HEADS)
    for log_probs in output.log_probs.values():
        torch.testing.assert_close(log_probs.exp().sum(dim=-1), torch.ones(STEPS, BATCH))


def test_the_log_probability_of_an_action_is_the_sum_over_the_heads() -> None:
    policy, observations, hidden = build()
    with torch.no_grad():
        output = policy(observations, torch.zeros(STEPS, BATCH, dtype=torch.bool), hidden)
    actions = output.sample(torch.Generator().manual_seed(1))
    assert actions.shape == (STEPS, BATCH, len(HEADS))
    expected = sum(
        float(log_probs[2, 1, actions[2, 1, index]])
        for index, log_probs in enumerate(output.log_probs.values())
    )
    assert abs(float(output.log_prob_of(actions)[2, 1]) - expected) < 1e-6


def test_each_head_has_an_entropy_and_a_near_uniform_one_is_that_of_a_coin() -> None:
    policy, observations, hidden = build()
    with torch.no_grad():
        output = policy(observations, torch.zeros(STEPS, BATCH, dtype=torch.bool), hidden)
    for entropy in output.entropies().values():
        torch.testing.assert_close(entropy, torch.full((STEPS, BATCH), 0.6931), rtol=0, atol=0.01)
