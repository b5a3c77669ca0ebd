"""The return at the end of each epoch against the best before it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.registry import shipped_registry
from telewire.telemetry.performance import PerformanceTracker, relative_drop

RECORD = shipped_registry()["TELE-001"]


def ends(returns, **settings):
    """The trend after each return, each of which ends an epoch."""
    tracker = PerformanceTracker(epoch_updates=1, **settings)
    return [tracker.update(value) for value in returns]


def test_an_epoch_ends_every_so_many_updates_and_nothing_is_said_between():
    tracker = PerformanceTracker(epoch_updates=3)
    trends = [tracker.update(float(value)) for value in range(7)]
    assert [None if trend is None else (trend.epoch, trend.mean_return) for trend in trends] == [
        None,
        None,
        (1, 2.0),
        None,
        None,
        (2, 5.0),
        None,
    ]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_the_best_is_the_largest_before(returns):
    trends = ends(returns)
    assert [trend.best_return for trend in trends] == [
        max(returns[:n], default=None) for n in range(len(returns))
    ]


def test_a_loss_is_judged_after_the_warm_up_alone():
    levels = [RECORD.grade(trend).name for trend in ends([100.0, 10.0, 10.0, 10.0, 60.0, 90.0])]
    assert levels == ["not collected", "healthy", "healthy", "critical", "warning", "healthy"]


@pytest.mark.parametrize(
    ("value", "best", "drop"),
    [
        (50.0, 100.0, 0.5),
        (150.0, 100.0, -0.5),
        (-150.0, -100.0, 0.5),
        (-50.0, -100.0, -0.5),
        (0.0, 0.0, 0.0),
        (-1.0, 0.0, math.inf),
        (1.0, 0.0, -math.inf),
    ],
)
def test_a_drop_is_a_share_of_the_size_of_the_best(value, best, drop):
    assert relative_drop(value, best) == drop


@given(st.lists(st.floats(0, 100), max_size=5), st.sampled_from([math.nan, math.inf, -math.inf]))
def test_a_return_that_is_not_finite_is_critical_and_never_the_best(before, bad):
    tracker = PerformanceTracker(epoch_updates=1)
    for value in before:
        tracker.update(value)
    trend = tracker.update(bad)
    after = tracker.update(1.0)
    assert trend is not None
    assert RECORD.grade(trend).name == "critical"
    assert after is not None
    assert after.best_return == max(before, default=None)


def test_without_an_episode_there_is_no_return_and_no_best():
    trends = ends([None, 5.0])
    assert [RECORD.grade(trend).name for trend in trends] == ["not collected", "not collected"]


@pytest.mark.parametrize("settings", [{"epoch_updates": 0}, {"warmup_epochs": 0}])
def test_a_setting_below_one_is_refused(settings):
    with pytest.raises(ValueError, match="must be at least 1"):
        PerformanceTracker(**settings)
