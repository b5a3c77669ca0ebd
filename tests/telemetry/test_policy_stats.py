"""What an update did to the policy, against brute force; NaN is never lost, and one transfer is enough."""

from __future__ import annotations

import math
import statistics as exact

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from telewire.telemetry.policy_stats import (
    OFFENDERS,
    NoStepsError,
    PolicyStatistics,
    explained_variance,
    worst_of,
)

ENVIRONMENTS = 4
log_ratios = st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=40)
numbers = st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=40)


def gather(*steps, fit=None, heads=("push", "hold")):
    """Statistics of optimiser steps, each a list of log-ratios, with losses 1, 2, 3, ... and value losses ten times."""
    stats = PolicyStatistics(environments=ENVIRONMENTS, clip_range=0.2)
    fitted = torch.tensor([0.0, 1.0]) if fit is None else torch.tensor(fit)
    stats.fit(values=fitted, returns=fitted, advantages=fitted)
    for index, step in enumerate(steps, start=1):
        count = len(step)
        stats.step(
            policy_loss=torch.tensor(float(index)),
            value_loss=torch.tensor(10.0 * index),
            entropies={head: torch.tensor(place + index / 10) for place, head in enumerate(heads)},
            log_ratio=torch.tensor(step),
            advantages=torch.arange(count) / 7,
            positions=torch.arange(count) + 100 * index,
        )
    return stats.read()


@given(st.lists(log_ratios, min_size=1, max_size=4))
def test_divergence_and_clip_fraction_agree_with_brute_force(steps):
    found = gather(*steps)
    per_step = [[math.exp(x) - 1 - x for x in step] for step in steps]
    assert found.approx_kl == pytest.approx(exact.fmean(map(exact.fmean, per_step)), rel=1e-4, abs=1e-5)
    clipped = [[abs(float(torch.tensor(x).exp()) - 1) > 0.2 for x in step] for step in steps]
    assert found.clip_fraction == pytest.approx(exact.fmean(map(exact.fmean, clipped)))
    assert found.approx_kl >= 0


@given(st.lists(log_ratios, min_size=1, max_size=4))
def test_extreme_ratios_and_their_transitions_agree_with_brute_force(steps):
    ratio = gather(*steps).ratio
    everything = [
        (float(torch.tensor(x).exp()), float(torch.tensor(place) / 7), place + 100 * index)
        for index, step in enumerate(steps, start=1)
        for place, x in enumerate(step)
    ]
    by_ratio = sorted(one[0] for one in everything)
    assert (ratio.min, ratio.max) == (by_ratio[0], by_ratio[-1])
    for found, expected in ((ratio.highest, by_ratio[::-1]), (ratio.lowest, by_ratio)):
        assert [one.ratio for one in found] == expected[: min(OFFENDERS, len(everything))]
        for one in found:
            assert (one.ratio, one.advantage, one.time * ENVIRONMENTS + one.environment) in everything
    spreads = [exact.pstdev(math.exp(x) for x in step) for step in steps]
    assert ratio.std == pytest.approx(max(spreads), rel=1e-4, abs=1e-5)


def test_losses_entropies_and_divergence_are_means_over_the_steps():
    found = gather([0.0], [0.0], [0.0])
    assert (found.policy_loss, found.value_loss) == (2.0, 20.0)
    assert found.head_entropies == {"push": pytest.approx(0.2), "hold": pytest.approx(1.2)}
    assert found.entropy == pytest.approx(1.4)


def test_each_reading_is_of_its_own_steps():
    first, second, third = (gather(*[[0.0]] * count) for count in (1, 3, 5))
    assert [one.policy_loss for one in (first, second, third)] == [1.0, 2.0, 3.0]
    assert [one.value_loss for one in (first, second, third)] == [10.0, 20.0, 30.0]
    assert [one.entropy for one in (first, second, third)] == [pytest.approx(x) for x in (1.2, 1.4, 1.6)]
    spread = [gather([0.0, log_ratio]) for log_ratio in (0.5, -0.5, 1.0)]
    assert [one.ratio.max for one in spread] == [pytest.approx(math.exp(x)) for x in (0.5, 0.0, 1.0)]
    assert [one.ratio.min for one in spread] == [pytest.approx(math.exp(x)) for x in (0.0, -0.5, 0.0)]
    assert len({(one.approx_kl, one.ratio.std) for one in spread}) == 3


@settings(deadline=None)
@given(numbers, st.data())
def test_the_fit_of_the_values_agrees_with_brute_force(values, data):
    count = len(values)
    row = st.lists(st.floats(-100, 100, width=32), min_size=count, max_size=count)
    returns, advantages = data.draw(row), data.draw(row)
    stats = PolicyStatistics(environments=1, clip_range=0.2)
    stats.fit(
        values=torch.tensor(values, dtype=torch.float64),
        returns=torch.tensor(returns, dtype=torch.float64),
        advantages=torch.tensor(advantages, dtype=torch.float64),
    )
    one = torch.zeros(1)
    stats.step(
        policy_loss=one[0],
        value_loss=one[0],
        entropies={},
        log_ratio=one,
        advantages=one,
        positions=one,
    )
    found = stats.read()
    assert found.value_mean == pytest.approx(exact.fmean(values), abs=1e-9)
    assert found.value_std == pytest.approx(exact.pstdev(values), rel=1e-6, abs=1e-6)
    assert found.advantage_mean == pytest.approx(exact.fmean(advantages), abs=1e-9)
    assert found.advantage_std == pytest.approx(exact.pstdev(advantages), rel=1e-6, abs=1e-6)
    spread = exact.pvariance(returns)
    if spread > 1e-3:
        lost = exact.pvariance([r - v for r, v in zip(returns, values, strict=True)])
        assert found.explained_variance == pytest.approx(1 - lost / spread, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_ratio_that_is_nan_shows_in_everything_that_is_made_of_it(place):
    steps = [[0.1, 0.2, 0.3, 0.4, 0.5], [0.1, 0.2, 0.3], [0.0]]
    steps[place][0] = math.nan
    found = gather(*steps)
    assert math.isnan(found.ratio.max)
    assert math.isnan(found.ratio.highest[0].ratio)
    assert found.ratio.highest[0].time == (100 * (place + 1)) // ENVIRONMENTS
    assert all(math.isnan(value) for value in (found.approx_kl, found.clip_fraction, found.ratio.std))


@pytest.mark.parametrize("name", ["values", "returns"])
def test_a_value_or_return_that_is_nan_shows_in_the_fit(name):
    stats = PolicyStatistics(environments=1, clip_range=0.2)
    sound, broken = torch.tensor([0.0, 1.0]), torch.tensor([0.0, math.nan])
    stats.fit(**{"values": sound, "returns": sound, "advantages": sound, name: broken})
    one = torch.zeros(1)
    stats.step(
        policy_loss=one[0], value_loss=one[0], entropies={}, log_ratio=one, advantages=one, positions=one
    )
    assert math.isnan(stats.read().explained_variance)


@pytest.mark.parametrize(
    ("returns", "residuals", "share"), [(4.0, 0.0, 1.0), (4.0, 1.0, 0.75), (4.0, 4.0, 0.0), (4.0, 8.0, -1.0)]
)
def test_explained_variance_is_what_the_residuals_leave(returns, residuals, share):
    assert explained_variance(returns=returns, residuals=residuals) == share


def test_returns_that_do_not_vary_leave_nothing_to_explain():
    assert explained_variance(returns=0.0, residuals=1.0) is None


@pytest.mark.parametrize(("returns", "residuals"), [(math.nan, 1.0), (1.0, math.nan), (0.0, math.nan)])
def test_a_variance_that_is_nan_explains_no_number(returns, residuals):
    assert math.isnan(explained_variance(returns=returns, residuals=residuals))


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.integers(0))
def test_the_worst_is_the_largest_and_a_nan_is_worse_wherever_it_stands(values, place):
    assert worst_of(values) == max(values)
    values.insert(place % (len(values) + 1), math.nan)
    assert math.isnan(worst_of(values))


def test_an_update_is_read_in_one_transfer(count_host_transfers):
    stats = PolicyStatistics(environments=2, clip_range=0.2)
    row = torch.linspace(-1, 1, 20)
    with count_host_transfers() as tally:
        stats.fit(values=row, returns=row, advantages=row)
        for _ in range(16):
            stats.step(
                policy_loss=row[0],
                value_loss=row[1],
                entropies={"push": row[2], "hold": row[3]},
                log_ratio=row,
                advantages=row,
                positions=torch.arange(20),
            )
        assert tally.transfers == 0
        stats.read()
    assert tally.transfers == 1


def test_gradients_still_flow_through_what_was_noted():
    log_ratio = torch.zeros(3, requires_grad=True)
    stats = PolicyStatistics(environments=1, clip_range=0.2)
    loss = log_ratio.exp().mean()
    stats.fit(values=log_ratio, returns=log_ratio, advantages=log_ratio)
    stats.step(
        policy_loss=loss,
        value_loss=loss,
        entropies={"push": loss},
        log_ratio=log_ratio,
        advantages=log_ratio,
        positions=torch.arange(3),
    )
    loss.backward()
    assert log_ratio.grad.tolist() == pytest.approx([1 / 3] * 3)
    assert stats.read().policy_loss == pytest.approx(1.0)


def test_nothing_measured_is_an_error_and_no_zero():
    stats = PolicyStatistics(environments=1, clip_range=0.2)
    with pytest.raises(NoStepsError, match="nothing was measured"):
        stats.read()
    stats.fit(values=torch.ones(2), returns=torch.ones(2), advantages=torch.ones(2))
    with pytest.raises(NoStepsError):
        stats.read()
