"""What is found wrong with the policy, the value function and the return, and in which words."""

import math
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.registry import shipped_registry
from telewire.telemetry.anomaly_detector import AnomalyDetector
from telewire.telemetry.measurements import (
    GradientDrift,
    HeadEntropy,
    PerformanceTrend,
    PolicyStats,
    RatioExtremes,
    Transition,
    ValueHealth,
)


@pytest.fixture(scope="module")
def detector():
    return AnomalyDetector()


HIGH = Transition(time=7, environment=2, ratio=2.0, advantage=0.5)
LOW = Transition(time=9, environment=1, ratio=0.5, advantage=-1.5)
STATS = PolicyStats(
    policy_loss=-0.01,
    value_loss=0.1,
    entropy=1.0,
    head_entropies={"push": 0.5, "hold": 0.5},
    approx_kl=0.01,
    clip_fraction=0.1,
    ratio=RatioExtremes(max=2.0, min=0.5, std=0.1, highest=(HIGH,), lowest=(LOW,)),
    explained_variance=0.5,
    value_mean=1.5,
    value_std=0.5,
    advantage_mean=0.0,
    advantage_std=1.0,
)
HEADS = {name: HeadEntropy(entropy=0.5, normalised=0.7, streak=0) for name in ("push", "hold")}
VALUES = ValueHealth(phase=0.5, explained_variance=0.5, value_mean=1.5, value_std=0.5, streak=0)
TREND = PerformanceTrend(epoch=9, mean_return=90.0, best_return=100.0, drop=0.1, is_warming_up=False)
NUMBERS = [
    "policy_loss",
    "value_loss",
    "entropy",
    "approx_kl",
    "clip_fraction",
    "explained_variance",
    "value_mean",
    "value_std",
    "advantage_mean",
    "advantage_std",
]
bad_numbers = st.sampled_from([math.nan, math.inf, -math.inf])


def check(detector, *, stats=STATS, heads=HEADS, values=VALUES, trend=TREND):
    return detector.check_all(
        nan_grad_count=0,
        inf_grad_count=0,
        gradient_drift=None,
        lstm_health=None,
        policy=stats,
        head_entropies=heads,
        value_health=values,
        epoch_end=trend,
    )


def with_ratio(**changes):
    return replace(STATS, ratio=replace(STATS.ratio, **changes))


def test_a_healthy_update_has_no_anomaly(detector):
    assert check(detector).details == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"stats": replace(STATS, approx_kl=0.3)}, "kl_spike"),
        ({"stats": replace(STATS, entropy=0.05)}, "entropy_collapse"),
        ({"stats": with_ratio(max=11.0)}, "ratio_explosion"),
        ({"stats": with_ratio(min=0.01)}, "ratio_collapse"),
        (
            {"heads": HEADS | {"hold": HeadEntropy(entropy=0.01, normalised=0.02, streak=3)}},
            "entropy_collapse",
        ),
    ],
)
def test_an_unhealthy_policy_is_named(detector, changes, expected):
    assert check(detector, **changes).anomaly_types == (expected,)


def test_a_head_is_named_with_its_streak(detector):
    heads = HEADS | {"hold": HeadEntropy(entropy=0.0125, normalised=0.018, streak=4)}
    (detail,) = check(detector, heads=heads).details["entropy_collapse"]
    assert detail.startswith(
        "head hold has an entropy of 0.0125 nats, 0.018 of its largest, update 4 in a row (w"
    )


def test_both_heads_are_told_when_both_have_collapsed(detector):
    low = HeadEntropy(entropy=0.01, normalised=0.02, streak=3)
    details = check(detector, heads={"push": low, "hold": low}).details["entropy_collapse"]
    assert [detail.split()[1] for detail in details] == ["push", "hold"]


def test_offending_transitions_are_told_with_their_place_and_advantage(detector):
    first = Transition(time=3, environment=1, ratio=40.0, advantage=2.5)
    second = Transition(time=30, environment=0, ratio=12.0, advantage=-0.25)
    stats = with_ratio(max=40.0, highest=(first, second))
    (detail,) = check(detector, stats=stats).details["ratio_explosion"]
    assert detail.startswith(
        "the largest ratios are 40 at step 3, environment 1, advantage 2.5; "
        "then 12 at step 30, environment 0, advantage -0.25 (warning: "
    )


def test_an_explosion_and_a_collapse_of_one_update_are_both_reported(detector):
    report = check(detector, stats=with_ratio(max=200.0, min=1e-6))
    assert report.anomaly_types == ("ratio_explosion", "ratio_collapse")
    assert all("(critical: " in line for line in report.lines)


@given(st.sampled_from(NUMBERS), bad_numbers)
def test_every_number_of_an_update_that_is_none_is_an_instability(name, bad):
    report = check(AnomalyDetector(), stats=replace(STATS, **{name: bad}))
    assert "numerical_instability" in report.anomaly_types


@given(st.sampled_from(["max", "min", "std"]), bad_numbers)
def test_every_ratio_that_is_no_number_is_an_instability(name, bad):
    report = check(AnomalyDetector(), stats=with_ratio(**{name: bad}))
    assert "numerical_instability" in report.anomaly_types


CHECKS_OF_ONE_NUMBER = {
    "check_kl_divergence": lambda detector, bad: detector.check_kl_divergence(replace(STATS, approx_kl=bad)),
    "check_entropy": lambda detector, bad: detector.check_entropy(replace(STATS, entropy=bad), {}),
    "check_entropy of a head": lambda detector, bad: detector.check_entropy(
        STATS, {"push": HeadEntropy(entropy=bad, normalised=bad, streak=1)}
    ),
    "check_ratios, max": lambda detector, bad: detector.check_ratios(with_ratio(max=bad)),
    "check_ratios, min": lambda detector, bad: detector.check_ratios(with_ratio(min=bad)),
    "check_value_function": lambda detector, bad: detector.check_value_function(
        replace(VALUES, explained_variance=bad)
    ),
    "check_value_function, std": lambda detector, bad: detector.check_value_function(
        replace(VALUES, value_std=bad)
    ),
    "check_performance_degradation": lambda detector, bad: detector.check_performance_degradation(
        replace(TREND, drop=bad)
    ),
}


@pytest.mark.parametrize("name", CHECKS_OF_ONE_NUMBER)
def test_nan_is_an_anomaly_in_every_check(detector, name):
    assert CHECKS_OF_ONE_NUMBER[name](detector, math.nan).has_anomaly


@pytest.mark.parametrize(("phase", "names"), [(0.05, ()), (0.5, ("value_collapse",))])
def test_a_value_function_that_has_collapsed_is_named(detector, phase, names):
    report = check(detector, values=replace(VALUES, phase=phase, explained_variance=-0.5, streak=6))
    assert report.anomaly_types == names


def test_a_value_collapse_says_at_what_phase_it_is_one(detector):
    values = replace(VALUES, phase=0.75, explained_variance=-0.5, streak=6)
    (detail,) = check(detector, values=values).details["value_collapse"]
    assert detail.startswith(
        "the values explain -0.5 of the returns' variance and spread by 0.5 at 75% of the training, update 6 in a row"
    )


@pytest.mark.parametrize(("drop", "names"), [(0.3, ()), (0.4, ("performance_degradation",))])
def test_a_return_that_has_been_lost_is_named(detector, drop, names):
    assert check(detector, trend=replace(TREND, drop=drop)).anomaly_types == names


def test_within_an_epoch_there_is_nothing_to_degrade(detector):
    assert not detector.check_performance_degradation(None).has_anomaly


# Each finding is about its own update


WORDS = {
    "policy_loss": "the policy loss",
    "value_loss": "the value loss",
    "entropy": "the entropy",
    "approx_kl": "the divergence",
    "clip_fraction": "the clip fraction",
    "max": "the largest ratio",
    "min": "the smallest ratio",
    "std": "the ratios' standard deviation",
    "explained_variance": "the explained variance",
    "value_mean": "the mean value",
    "value_std": "the values' standard deviation",
    "advantage_mean": "the mean advantage",
    "advantage_std": "the advantages' standard deviation",
}


def with_number(name, value):
    return with_ratio(**{name: value}) if name in {"max", "min", "std"} else replace(STATS, **{name: value})


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", WORDS)
def test_a_number_that_is_none_is_named_with_its_value(detector, name, value):
    report = detector.check_numerical_stability(with_number(name, value))
    assert report.lines == (f"numerical_instability: {WORDS[name]} is {value}",)


@pytest.mark.parametrize("name", WORDS)
def test_a_number_as_large_as_a_float_can_be_is_a_number(detector, name):
    assert not detector.check_numerical_stability(with_number(name, sys.float_info.max)).has_anomaly


def test_two_numbers_that_are_none_are_both_named(detector):
    report = detector.check_numerical_stability(replace(STATS, policy_loss=math.nan, value_mean=-math.inf))
    assert report.lines == (
        "numerical_instability: the policy loss is nan",
        "numerical_instability: the mean value is -inf",
    )


@pytest.mark.parametrize("first", [0, 1])
def test_a_healthy_update_after_a_bad_one_is_healthy_and_the_reverse(detector, first):
    bad = {
        "stats": replace(with_ratio(max=11.0, std=math.nan), approx_kl=0.3, entropy=0.05),
        "values": replace(VALUES, explained_variance=-0.5, streak=6),
        "trend": replace(TREND, drop=0.4),
    }
    found = [check(detector, **({} if (number + first) % 2 else bad)).anomaly_types for number in range(4)]
    everything = (
        "numerical_instability",
        "ratio_explosion",
        "kl_spike",
        "entropy_collapse",
        "value_collapse",
        "performance_degradation",
    )
    assert found == [() if (number + first) % 2 else everything for number in range(4)]


@pytest.mark.parametrize(
    ("check_of", "healthy", "bad"),
    [
        ("check_kl_divergence", {"approx_kl": 0.01}, {"approx_kl": 0.3}),
        ("check_entropy", {"entropy": 1.0}, {"entropy": 0.05}),
        ("check_ratios", {"ratio": STATS.ratio}, {"ratio": replace(STATS.ratio, max=11.0)}),
        ("check_numerical_stability", {"entropy": 1.0}, {"entropy": math.nan}),
    ],
)
def test_each_check_judges_its_own_update(detector, check_of, healthy, bad):
    arguments = ({},) if check_of == "check_entropy" else ()
    found = [
        getattr(detector, check_of)(replace(STATS, **changes), *arguments).has_anomaly
        for changes in (healthy, bad, healthy, bad)
    ]
    assert found == [False, True, False, True]


@pytest.mark.parametrize("value", [0.03, 0.31, 0.62])
def test_a_divergence_is_told_as_it_is_and_judged_by_its_record(detector, value):
    grade = shipped_registry()["TELE-102"].grade(value)
    expected = f"kl_spike: the divergence from the old policy is {value} nats ({grade.name}: {grade.means})"
    lines = detector.check_kl_divergence(replace(STATS, approx_kl=value)).lines
    assert lines == (() if grade.is_healthy else (expected,))


def drift(**changes):
    known = GradientDrift(
        norm_ema=1.25, norm_drift=4.5, health_ema=0.875, health_drift=0.125, is_warming_up=False, streak=7
    )
    return replace(known, **changes)


def test_a_drift_is_told_with_all_its_numbers(detector):
    grade = shipped_registry()["TELE-330"].grade(drift())
    lines = [
        line
        for one in (drift(), drift(norm_ema=2.5, norm_drift=9.0, health_drift=0.25, streak=8))
        for line in detector.check_gradient_drift(one).lines
    ]
    judged = f"({grade.name}: {grade.means})"
    assert lines == [
        "gradient_drift: the gradient left its average of 1.25 by 4.5 and lost 0.125 of its sound layers, "
        f"update 7 in a row {judged}",
        "gradient_drift: the gradient left its average of 2.5 by 9 and lost 0.25 of its sound layers, "
        f"update 8 in a row {judged}",
    ]


def test_a_drift_that_is_no_number_is_told_with_its_level(detector):
    bad = drift(norm_drift=math.nan, health_drift=math.nan)
    grade = shipped_registry()["TELE-330"].grade(bad)
    assert detector.check_gradient_drift(bad).lines == (
        f"numerical_instability: the gradient's norm or health is not finite ({grade.name}: {grade.means})",
    )


def test_the_drift_of_an_update_is_among_its_checks(detector):
    report = detector.check_all(
        nan_grad_count=0,
        inf_grad_count=0,
        gradient_drift=drift(),
        lstm_health=None,
        policy=None,
        head_entropies={},
        value_health=None,
        epoch_end=None,
    )
    assert report.anomaly_types == ("gradient_drift",)
