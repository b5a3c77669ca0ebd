import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from telewire.telemetry.measurements import worst_norm
from telewire.telemetry.training.inject import GradientInjector, Injection
from telewire.telemetry.training.policy import RecurrentPolicy
from telewire.telemetry.training.ppo import PPO, PPOConfig, UpdateResult
from telewire.telemetry.training.rollout import Rollout

Collect = Callable[..., Rollout]
finite_norms = st.lists(st.floats(min_value=0, allow_nan=False, allow_infinity=True), min_size=1)


def update(
    policy: RecurrentPolicy, rollout: Rollout, *inject: str, measure_layers: bool = False, **config: float
) -> UpdateResult:
    ppo = PPO(policy, PPOConfig(**config), generator=torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    injector = GradientInjector([Injection.parse(text) for text in inject], policy)
    return ppo.update(
        rollout,
        measure_policy=True,
        measure_gradients=True,
        measure_layers=measure_layers,
        poison=injector.for_update(1),
    )


def weights(policy: RecurrentPolicy) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(policy.parameters()).detach().clone()


@given(finite_norms)
def test_the_worst_norm_is_the_largest(norms: list[float]) -> None:
    assert worst_norm(norms) == max(norms)


@given(finite_norms, st.integers(min_value=0))
def test_a_norm_that_is_nan_is_the_worst_wherever_it_stands(norms: list[float], place: int) -> None:
    norms.insert(place % (len(norms) + 1), math.nan)
    worst = worst_norm(norms)
    assert worst is not None
    assert math.isnan(worst)


def test_norms_that_were_not_collected_are_passed_over() -> None:
    assert worst_norm([None, 0.5, None]) == 0.5


def test_without_any_norm_there_is_no_worst() -> None:
    assert worst_norm([None]) is None


def test_an_update_changes_the_policy(collect: Collect, policy: RecurrentPolicy) -> None:
    rollout, before = collect(), weights(policy)
    update(policy, rollout)
    assert not torch.equal(weights(policy), before)


def test_an_update_takes_every_minibatch_of_every_epoch(collect: Collect, policy: RecurrentPolicy) -> None:
    assert update(policy, collect()).optimiser_steps == 16


def test_every_parameter_is_collected_at_every_step(collect: Collect, policy: RecurrentPolicy) -> None:
    names = tuple(name for name, _ in policy.named_parameters())
    assert [one.layer_names for one in update(policy, collect()).collections] == [names] * 16


def test_every_layer_is_measured_at_every_step_when_asked(collect: Collect, policy: RecurrentPolicy) -> None:
    result = update(policy, collect(), measure_layers=True)
    assert result.layer_stats is not None
    names = [stats.layer_name for stats in result.layer_stats]
    assert names == [name for name, _ in policy.named_parameters()] * 16


def test_layers_that_nobody_asked_for_are_absent(collect: Collect, policy: RecurrentPolicy) -> None:
    result = update(policy, collect())
    assert (result.layer_stats, result.diagnosed_layers) == (None, None)


def test_before_the_first_step_the_new_policy_is_the_old(collect: Collect, policy: RecurrentPolicy) -> None:
    result = update(policy, collect(), epochs=1, minibatches=1)
    assert result.policy.approx_kl == pytest.approx(0, abs=1e-6)
    assert result.policy.clip_fraction == 0
    assert result.policy.policy_loss == pytest.approx(0, abs=1e-5)


def test_the_norm_after_clipping_is_within_the_bound_and_the_one_before_is_not(
    collect: Collect, policy: RecurrentPolicy
) -> None:
    result = update(policy, collect(), max_grad_norm=0.01)
    assert result.grad_norm == pytest.approx(0.01, rel=1e-3)
    assert result.pre_clip_grad_norm is not None
    assert result.pre_clip_grad_norm > 0.1


def test_layers_are_measured_before_clipping(collect: Collect, policy: RecurrentPolicy) -> None:
    result = update(policy, collect(), measure_layers=True, epochs=1, minibatches=1, max_grad_norm=0.01)
    assert result.layer_stats is not None
    norm = math.sqrt(sum(stats.norm**2 for stats in result.layer_stats))
    assert norm == pytest.approx(result.pre_clip_grad_norm, rel=1e-4)


def test_steps_that_are_no_experience_change_nothing(collect: Collect, policy: RecurrentPolicy) -> None:
    rollout = collect(rollouts=2)
    start = policy.state_dict()
    start = {name: tensor.clone() for name, tensor in start.items()}
    update(policy, rollout)
    after = weights(policy)
    policy.load_state_dict(start)
    dead = ~rollout.valid
    assert dead.any()
    # What matters of such a step is its value alone, and only where the time limit cut the episode off.
    other = replace(
        rollout,
        rewards=torch.where(dead, 1000.0, rollout.rewards),
        log_probs=torch.where(dead, -50.0, rollout.log_probs),
        actions=torch.where(dead.unsqueeze(-1), 1 - rollout.actions, rollout.actions),
    )
    update(policy, other)
    torch.testing.assert_close(weights(policy), after)


@pytest.mark.parametrize("kind", ["nan", "inf"])
def test_a_poisoned_step_is_skipped_and_counted(collect: Collect, policy: RecurrentPolicy, kind: str) -> None:
    result = update(policy, collect(), f"{kind}@1")
    assert (result.optimiser_steps, result.skipped_steps) == (15, 1)


@pytest.mark.parametrize("kind", ["nan", "inf"])
def test_a_poisoned_step_leaves_the_weights_finite(
    collect: Collect, policy: RecurrentPolicy, kind: str
) -> None:
    update(policy, collect(), f"{kind}@1")
    assert weights(policy).isfinite().all()


def test_a_poisoned_only_step_leaves_the_weights_as_they_were(
    collect: Collect, policy: RecurrentPolicy
) -> None:
    rollout, before = collect(), weights(policy)
    update(policy, rollout, "nan@1", epochs=1, minibatches=1)
    assert torch.equal(weights(policy), before)


def test_a_step_that_is_not_finite_halves_the_loss_scale(collect: Collect, policy: RecurrentPolicy) -> None:
    result = update(policy, collect(), "inf@1", loss_scale=1024.0)
    assert [one.loss_scale for one in result.collections] == [1024.0] + [512.0] * 15


def test_the_loss_scale_is_no_part_of_the_gradients(collect: Collect, policy: RecurrentPolicy) -> None:
    rollout, start = collect(), {name: value.clone() for name, value in policy.state_dict().items()}
    plain = update(policy, rollout, epochs=1, minibatches=1)
    policy.load_state_dict(start)
    scaled = update(policy, rollout, epochs=1, minibatches=1, loss_scale=1024.0)
    assert scaled.pre_clip_grad_norm == pytest.approx(plain.pre_clip_grad_norm, rel=1e-5)
    assert plain.collections[0].loss_scale is None


def test_injected_elements_are_counted_exactly(collect: Collect, policy: RecurrentPolicy) -> None:
    result = update(policy, collect(), "nan:2@1", "inf:7@1")
    assert [(one.nan_count, one.inf_count) for one in result.collections] == [(2, 7)] + [(0, 0)] * 15


def test_an_injected_infinity_is_infinite_before_clipping_and_nan_after(
    collect: Collect, policy: RecurrentPolicy
) -> None:
    result = update(policy, collect(), "inf@1")
    assert result.pre_clip_grad_norm == math.inf
    assert result.grad_norm is not None
    assert math.isnan(result.grad_norm)


def test_an_injected_nan_shows_in_both_norms(collect: Collect, policy: RecurrentPolicy) -> None:
    result = update(policy, collect(), "nan@1")
    assert result.pre_clip_grad_norm is not None
    assert result.grad_norm is not None
    assert math.isnan(result.pre_clip_grad_norm)
    assert math.isnan(result.grad_norm)


def test_the_layers_to_diagnose_are_those_of_the_skipped_step(
    collect: Collect, policy: RecurrentPolicy
) -> None:
    result = update(policy, collect(), "inf:7@1")
    assert result.diagnosed_layers is not None
    assert len(result.diagnosed_layers) == len(list(policy.parameters()))
    assert sum(stats.inf_count for stats in result.diagnosed_layers) == 7


def test_without_measuring_an_update_trains_and_knows_nothing_of_itself(
    policy: RecurrentPolicy, collect: Collect
) -> None:
    ppo = PPO(policy, PPOConfig(epochs=1), generator=torch.Generator().manual_seed(0))
    result = ppo.update(collect(), measure_policy=False, measure_gradients=False, measure_layers=True)
    assert result.optimiser_steps > 0
    assert result.policy is None
    assert (result.collections, result.layer_stats, result.pre_clip_grad_norm) == ((), None, None)
