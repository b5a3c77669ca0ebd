"""The value function from update to update, judged by the phase of the training."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.registry import shipped_registry
from telewire.telemetry.measurements import PolicyStats, RatioExtremes
from telewire.telemetry.value_health import PhaseError, ValueHealthTracker

RECORD = shipped_registry()["TELE-201"]
STATS = PolicyStats(
    policy_loss=0.0,
    value_loss=0.1,
    entropy=1.0,
    head_entropies={},
    approx_kl=0.01,
    clip_fraction=0.1,
    ratio=RatioExtremes(max=1.1, min=0.9, std=0.1, highest=(), lowest=()),
    explained_variance=-2.0,
    value_mean=1.5,
    value_std=0.5,
    advantage_mean=0.0,
    advantage_std=1.0,
)


def followed(count, *, phase, **changes):
    tracker = ValueHealthTracker()
    return [tracker.update(replace(STATS, **changes), phase=phase) for _ in range(count)]


def test_the_same_fit_is_healthy_at_the_beginning_and_a_collapse_later():
    levels = [RECORD.grade(followed(6, phase=phase)[-1]).name for phase in (0.0, 0.05, 0.3, 0.9)]
    assert levels == ["healthy", "healthy", "warning", "warning"]


def test_a_bad_fit_is_a_collapse_only_when_it_lasts():
    levels = [RECORD.grade(health).name for health in followed(15, phase=0.9)]
    assert levels == ["healthy"] * 4 + ["warning"] * 5 + ["critical"] * 6


def test_values_that_are_all_alike_have_collapsed_whatever_their_fit():
    health = followed(5, phase=0.5, explained_variance=0.9, value_std=0.0)[-1]
    assert RECORD.grade(health).name == "warning"


def test_a_fit_that_could_not_be_measured_is_not_collected_and_ends_the_streak():
    tracker = ValueHealthTracker()
    for _ in range(5):
        tracker.update(STATS, phase=0.9)
    health = tracker.update(replace(STATS, explained_variance=None), phase=0.9)
    assert (RECORD.grade(health).name, health.streak) == ("not collected", 0)


@given(
    st.sampled_from(["explained_variance", "value_std"]),
    st.floats(0, 1),
    st.sampled_from([math.nan, math.inf]),
)
def test_a_fit_that_is_no_number_is_critical_in_every_phase(name, phase, bad):
    (health,) = followed(1, phase=phase, **{name: bad})
    assert RECORD.grade(health).name == "critical"


@pytest.mark.parametrize("phase", [-0.01, 1.01, math.nan])
def test_a_phase_that_is_no_share_of_a_training_is_refused(phase):
    with pytest.raises(PhaseError):
        ValueHealthTracker().update(STATS, phase=phase)


def test_neither_the_fit_nor_the_phase_has_a_default():
    with pytest.raises(TypeError):
        ValueHealthTracker().update(STATS)  # type: ignore[call-arg]
