"""The moving average of the gradient: corrected for its start, never poisoned, judged by its record alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telewire.registry import shipped_registry
from telewire.telemetry.anomaly_detector import AnomalyDetector
from telewire.telemetry.gradient_ema import (
    GradientDrift,
    GradientEMATracker,
    TrackerStateError,
    norm_change,
    sound_layer_share,
)
from telewire.telemetry.measurements import GradientCollection, NormSource, NormState

norms = st.floats(min_value=0, max_value=1e12)
shares = st.floats(min_value=0, max_value=1)
inputs = st.tuples(norms, shares)
decays = st.floats(min_value=0, max_value=0.999)
not_finite = st.sampled_from([math.nan, math.inf, -math.inf])
DRIFT_RECORD = shipped_registry()["TELE-330"]


def tracker_after(values, **settings):
    tracker = GradientEMATracker(**settings)
    for norm, health in values:
        tracker.update(grad_norm=norm, grad_health=health)
    return tracker


def collection(*layer_norms):
    """A collection with these norms of layers."""
    return GradientCollection(
        layer_names=tuple(f"layer{n}" for n in range(len(layer_norms))),
        layer_norms=layer_norms,
        element_count=8 * len(layer_norms),
        nan_count=0,
        inf_count=0,
        norm=1.0,
        norm_state=NormState.FINITE,
        norm_source=NormSource.MEASURED,
        norm_error=0.0,
        passes=1,
        bad_layers=(),
        loss_scale=None,
        replicated=None,
        sharded=None,
    )


@settings(deadline=None)
@given(st.lists(inputs, min_size=1, max_size=60), decays)
def test_the_average_is_the_weighted_mean_of_what_was_seen(values, decay):
    tracker = tracker_after(values, decay=decay)
    weights = [decay ** (len(values) - 1 - n) for n in range(len(values))]
    for index, average in ((0, tracker.norm_ema), (1, tracker.health_ema)):
        seen = [value[index] for value in values]
        expected = math.fsum(w * x for w, x in zip(weights, seen, strict=True)) / math.fsum(weights)
        assert average == pytest.approx(expected, rel=1e-9, abs=1e-300)


@settings(deadline=None)
@given(norms, st.integers(1, 300), decays)
def test_the_average_of_equal_values_is_that_value_from_the_first_on(norm, count, decay):
    tracker = tracker_after([(norm, 1.0)] * count, decay=decay)
    assert tracker.norm_ema == pytest.approx(norm, rel=1e-9, abs=1e-300)  # less of a subnormal is nothing


def test_an_unusual_first_value_is_false_drift_for_8_updates_and_would_be_for_219_without_correction():
    tracker = tracker_after([(10.0, 1.0)], decay=0.99)
    uncorrected, falsely, falsely_uncorrected = 10.0, 0, 0
    for _ in range(1000):
        drift = tracker.update(grad_norm=1.0, grad_health=1.0)
        falsely += drift.norm_drift > 1.0
        falsely_uncorrected += norm_change(1.0, uncorrected) > 1.0
        uncorrected = 0.99 * uncorrected + 0.01 * 1.0
    assert (falsely, falsely_uncorrected) == (8, 219)


@settings(deadline=None)
@given(st.lists(inputs, max_size=30), not_finite, norms, shares, st.booleans())
def test_what_is_not_finite_is_never_folded_in_and_never_healthy(values, bad, norm, health, is_norm):
    tracker = tracker_after(values)
    before = tracker.state_dict()
    pair = {"grad_norm": bad, "grad_health": health} if is_norm else {"grad_norm": norm, "grad_health": bad}
    drift = tracker.update(**pair)
    after = tracker.state_dict()
    assert (after["norm_sum"], after["health_sum"], after["updates"]) == (
        before["norm_sum"],
        before["health_sum"],
        before["updates"],
    )
    assert after["refused_inputs"] == before["refused_inputs"] + 1
    assert DRIFT_RECORD.grade(drift).name == "critical"
    assert AnomalyDetector().check_gradient_drift(drift).anomaly_types == ("numerical_instability",)


def test_before_the_first_update_there_is_no_average():
    tracker = GradientEMATracker()
    assert (tracker.norm_ema, tracker.health_ema, tracker.updates) == (None, None, 0)


def test_the_first_update_has_nothing_to_be_compared_with():
    drift = GradientEMATracker().update(grad_norm=5.0, grad_health=1.0)
    assert (drift.norm_drift, drift.health_drift) == (None, None)
    assert DRIFT_RECORD.grade(drift).name == "not collected"
    assert not AnomalyDetector().check_gradient_drift(drift).has_anomaly


def test_a_value_is_compared_with_those_before_it_alone():
    drift = tracker_after([(2.0, 1.0)]).update(grad_norm=6.0, grad_health=0.75)
    assert drift == GradientDrift(
        norm_ema=pytest.approx(2.0),
        norm_drift=pytest.approx(2.0),
        health_ema=pytest.approx(1.0),
        health_drift=pytest.approx(0.25),
        is_warming_up=True,
        streak=0,
    )


def test_each_input_that_is_refused_is_told_beside_the_averages_of_its_own_time():
    tracker = GradientEMATracker(decay=0.5, warmup_updates=1)
    refused = []
    for norm in (2.0, 8.0):
        tracker.update(grad_norm=norm, grad_health=1.0)
        refused.append(tracker.update(grad_norm=math.nan, grad_health=0.5))
    assert [drift.norm_ema for drift in refused] == [pytest.approx(2.0), pytest.approx(6.0)]
    assert [drift.health_ema for drift in refused] == [pytest.approx(1.0)] * 2
    assert all(math.isnan(drift.norm_drift) and math.isnan(drift.health_drift) for drift in refused)
    assert [drift.is_warming_up for drift in refused] == [False, False]


@settings(deadline=None)
@given(norms, norms)
def test_a_rise_and_a_fall_by_the_same_factor_are_the_same_change(norm, average):
    assert norm_change(norm, average) == norm_change(average, norm)


@pytest.mark.parametrize(
    ("norm", "average", "change"),
    [
        (2.0, 1.0, 1.0),
        (1.0, 2.0, 1.0),
        (3.0, 3.0, 0.0),
        (0.0, 0.0, 0.0),
        (0.0, 1.0, math.inf),
        (1.0, 0.0, math.inf),
    ],
)
def test_change_is_the_factor_less_one(norm, average, change):
    assert norm_change(norm, average) == change


def test_the_warm_up_lasts_as_many_updates_as_were_asked_for():
    tracker = GradientEMATracker(warmup_updates=3)
    flags = [tracker.update(grad_norm=1.0, grad_health=1.0).is_warming_up for _ in range(5)]
    assert flags == [True, True, True, False, False]


def test_an_update_that_was_refused_is_no_part_of_the_warm_up():
    tracker = tracker_after([(1.0, 1.0), (math.nan, 1.0)], warmup_updates=2)
    assert tracker.update(grad_norm=1.0, grad_health=1.0).is_warming_up


@pytest.mark.parametrize("factor", [8.0, 1 / 8])
def test_a_drift_that_lasts_is_an_anomaly(factor):
    tracker, detector = tracker_after([(1.0, 1.0)] * 100), AnomalyDetector()
    reports = []
    for _ in range(6):
        drift = tracker.update(grad_norm=factor, grad_health=1.0)
        reports.append(detector.check_gradient_drift(drift))
    assert [report.anomaly_types for report in reports] == [()] * 4 + [("gradient_drift",)] * 2
    assert "update 5 in a row (warning: " in reports[4].details["gradient_drift"][0]


def test_a_single_unusual_update_is_no_anomaly():
    tracker = tracker_after([(1.0, 1.0)] * 100)
    assert DRIFT_RECORD.grade(tracker.update(grad_norm=50.0, grad_health=1.0)).is_healthy


def test_layers_that_are_lost_for_good_are_a_drift():
    tracker = tracker_after([(1.0, 1.0)] * 100)
    drifts = [tracker.update(grad_norm=1.0, grad_health=0.5) for _ in range(5)]
    assert [DRIFT_RECORD.grade(drift).name for drift in drifts] == ["healthy"] * 4 + ["warning"]


def test_during_the_warm_up_nothing_is_a_drift():
    tracker = tracker_after([(1.0, 1.0)])
    drifts = [tracker.update(grad_norm=10.0**n, grad_health=1.0) for n in range(1, 19)]
    assert {DRIFT_RECORD.grade(drift).name for drift in drifts} == {"healthy"}


@settings(deadline=None)
@given(st.lists(inputs, max_size=40), st.lists(inputs, min_size=1, max_size=20))
def test_a_restored_tracker_goes_on_as_if_it_had_not_stopped(before, after):
    tracker, restored = tracker_after(before), GradientEMATracker()
    restored.load_state_dict(tracker.state_dict())
    for norm, health in after:
        expected = tracker.update(grad_norm=norm, grad_health=health)
        assert restored.update(grad_norm=norm, grad_health=health) == expected
    assert restored.state_dict() == tracker.state_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"updates": -1},
        {"updates": True},
        {"updates": 1.5},
        {"updates": 0},
        {"updates": 0, "norm_sum": 0.0},
        {"updates": 2**53 + 1},
        {"updates": 10**400},
        {"refused_inputs": 10**5000},
        {"streak": 10**400},
        {"decay": 0.5},
        {"decay": math.nan},
        {"decay": "0.99"},
        {"norm_sum": math.nan},
        {"norm_sum": -1.0},
        {"norm_sum": "0.5"},
        {"norm_sum": None},
        {"norm_sum": True},
        {"health_sum": 10**400},
        {"health_sum": math.inf},
        {"x": 1},
    ],
)
def test_a_state_that_no_tracker_can_have_is_refused_and_changes_nothing(change):
    tracker = tracker_after([(1.0, 1.0)] * 3)
    before = tracker.state_dict()
    with pytest.raises(TrackerStateError):
        tracker.load_state_dict(before | change)
    assert tracker.state_dict() == before


def test_a_tracker_that_has_seen_nothing_can_be_restored():
    tracker = tracker_after([(1.0, 1.0)])
    tracker.load_state_dict(GradientEMATracker().state_dict())
    assert (tracker.updates, tracker.norm_ema) == (0, None)


def test_the_most_updates_that_a_state_may_have_still_have_an_average():
    tracker = tracker_after([(1.0, 1.0)])
    tracker.load_state_dict(tracker.state_dict() | {"updates": 2**53, "norm_sum": 3.0})
    assert tracker.norm_ema == 3.0


def test_averages_of_another_decay_are_refused_by_both_numbers():
    saved = tracker_after([(4.0, 1.0)], decay=0.9).state_dict()
    with pytest.raises(TrackerStateError, match=r"a decay of 0\.9, and this tracker's is 0\.5"):
        GradientEMATracker(decay=0.5).load_state_dict(saved)


def test_a_state_that_does_not_say_its_decay_is_refused_with_what_to_do():
    saved = tracker_after([(4.0, 1.0)]).state_dict()
    del saved["decay"]
    with pytest.raises(
        TrackerStateError, match="Leave it out, so that the averages begin anew, or give the decay"
    ):
        GradientEMATracker().load_state_dict(saved)


def test_a_state_with_a_key_left_out_is_refused():
    with pytest.raises(TrackerStateError, match="not none"):
        GradientEMATracker().load_state_dict({})


@pytest.mark.parametrize(
    "settings", [{"decay": 1.0}, {"decay": -0.1}, {"decay": math.nan}, {"warmup_updates": 0}]
)
def test_a_setting_out_of_its_range_is_refused(settings):
    with pytest.raises(ValueError, match="must be at least"):
        GradientEMATracker(**settings)


def test_a_layer_is_sound_whose_gradient_is_finite_and_not_all_zero():
    collections = [collection(1.0, 0.0), collection(math.nan, math.inf), collection(1e-30, 2.0)]
    assert sound_layer_share(collections) == 0.5


@pytest.mark.parametrize("collections", [[], [collection()]])
def test_the_share_of_no_layers_is_not_a_number(collections):
    assert math.isnan(sound_layer_share(collections))


def test_layers_whose_norms_were_not_measured_are_no_layers():
    assert math.isnan(sound_layer_share([replace(collection(1.0), layer_norms=None)]))
