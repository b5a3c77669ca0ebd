"""The detector names what the records call unhealthy, by their bounds and by no others."""

import inspect
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.registry import Condition, Level, Thresholds, shipped_registry
from telewire.telemetry.anomaly_detector import AnomalyDetector, DetectorRecordError
from telewire.telemetry.measurements import (
    LSTMHealthMetrics,
)

LSTM_TYPES = {
    "lstm_nan",
    "lstm_inf",
    "lstm_h_explosion",
    "lstm_c_explosion",
    "lstm_h_vanishing",
    "lstm_c_vanishing",
    "lstm_saturation",
}

OTHERS = {
    "gradient_drift": None,
    "policy": None,
    "head_entropies": {},
    "value_health": None,
    "epoch_end": None,
}
"""What a training without these measurements passes."""

norms = st.one_of(
    st.floats(min_value=0.0),
    st.sampled_from([math.nan, math.inf, 0.0, 9e-7, 1e-6, 1.0, 99.0, 100.0, 101.0]),
)


def health(*, h_norm=1.0, c_norm=1.0, h_max=1.0, c_max=1.0, h_saturation=0.0, has_nan=False, has_inf=False):
    return LSTMHealthMetrics(
        h_norm=h_norm,
        c_norm=c_norm,
        h_max=h_max,
        c_max=c_max,
        h_rms=0.5,
        c_rms=1.5,
        h_saturation=h_saturation,
        has_nan=has_nan,
        has_inf=has_inf,
    )


@pytest.fixture(scope="module")
def detector():
    return AnomalyDetector()


@pytest.fixture(scope="module")
def lstm_record():
    return shipped_registry()["TELE-340"]


def test_no_lstm_has_no_anomaly(detector):
    assert not detector.check_lstm_health(None).has_anomaly


def test_a_healthy_state_has_no_anomaly(detector):
    assert not detector.check_lstm_health(health()).has_anomaly


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (health(has_nan=True, h_norm=math.nan), ("lstm_nan",)),
        (health(has_nan=True, c_norm=math.nan), ("lstm_nan",)),
        (health(has_inf=True, h_norm=math.inf), ("lstm_inf", "lstm_h_explosion")),
        (health(has_inf=True, c_norm=math.inf), ("lstm_inf", "lstm_c_explosion")),
        (health(h_norm=100.5), ("lstm_h_explosion",)),
        (health(c_norm=100.5), ("lstm_c_explosion",)),
        (health(h_norm=1e-7), ("lstm_h_vanishing",)),
        (health(c_norm=1e-7), ("lstm_c_vanishing",)),
        (health(c_norm=0.0), ("lstm_c_vanishing",)),
        (health(h_saturation=0.5), ("lstm_saturation",)),
        (health(h_saturation=0.9, c_norm=200.0), ("lstm_c_explosion", "lstm_saturation")),
        (health(h_saturation=math.nan), ("lstm_nan",)),
        (health(h_norm=1e-7, c_norm=1e4), ("lstm_h_vanishing", "lstm_c_explosion")),
        (health(h_norm=200.0, c_norm=200.0), ("lstm_h_explosion", "lstm_c_explosion")),
        (
            health(h_norm=math.nan, c_norm=math.inf, has_nan=True, has_inf=True),
            ("lstm_nan", "lstm_inf", "lstm_c_explosion"),
        ),
    ],
)
def test_an_unhealthy_state_is_named(detector, state, expected):
    assert detector.check_lstm_health(state).anomaly_types == expected


def test_a_nan_norm_is_never_healthy_even_where_the_flag_is_not_set(detector):
    assert detector.check_lstm_health(health(h_norm=math.nan)).anomaly_types == ("lstm_nan",)


shares = st.one_of(st.floats(0, 1), st.sampled_from([math.nan, 0.3, 0.31]))


@given(norms, norms, shares, st.booleans(), st.booleans())
def test_there_is_an_anomaly_exactly_where_the_record_does_not_say_healthy(
    h_norm, c_norm, h_saturation, has_nan, has_inf
):
    state = health(h_norm=h_norm, c_norm=c_norm, h_saturation=h_saturation, has_nan=has_nan, has_inf=has_inf)
    report = AnomalyDetector().check_lstm_health(state)
    assert report.has_anomaly is not shipped_registry()["TELE-340"].grade(state).is_healthy
    assert set(report.anomaly_types) <= LSTM_TYPES


@pytest.mark.parametrize("norm", ["h_norm", "c_norm"])
def test_on_a_bound_itself_the_record_decides(detector, lstm_record, norm):
    for bound in (1e-6, 100.0):
        state = health(**{norm: bound})
        is_healthy = lstm_record.grade(state).is_healthy
        assert detector.check_lstm_health(state).has_anomaly is not is_healthy


def test_a_finding_says_the_value_the_bound_and_the_level(detector):
    report = detector.check_lstm_health(health(c_norm=123.4))
    (detail,) = report.details["lstm_c_explosion"]
    assert detail.startswith("c_norm is 123, the bound is 100 (warning: ")


@pytest.mark.parametrize(("nan", "inf", "findings"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (9, 9, 2)])
def test_nan_and_infinite_gradients_are_a_numerical_instability(detector, nan, inf, findings):
    report = detector.check_gradients(nan_grad_count=nan, inf_grad_count=inf)
    assert len(report.lines) == findings
    assert set(report.anomaly_types) <= {"numerical_instability"}


def test_a_gradient_finding_says_how_many_and_how_bad(detector):
    report = detector.check_gradients(nan_grad_count=3, inf_grad_count=7)
    assert report.details["numerical_instability"] == [
        "3 NaN gradient elements (warning)",
        "7 infinite gradient elements (critical)",
    ]


def test_all_checks_are_merged(detector):
    report = detector.check_all(
        nan_grad_count=1, inf_grad_count=0, lstm_health=health(h_norm=500.0), **OTHERS
    )
    assert report.anomaly_types == ("numerical_instability", "lstm_h_explosion")


def test_each_finding_shows_the_values_of_its_own_state(detector):
    nan, inf = math.nan, math.inf
    shown = [
        (
            health(h_norm=nan, c_norm=3.0, has_nan=True),
            "lstm_nan: the hidden state holds NaN (h_norm nan, c_norm 3)",
        ),
        (
            health(h_norm=4.0, c_norm=nan, has_nan=True),
            "lstm_nan: the hidden state holds NaN (h_norm 4, c_norm nan)",
        ),
        (
            health(h_max=inf, c_max=5.0, has_inf=True),
            "lstm_inf: the hidden state holds Inf (h_max inf, c_max 5)",
        ),
        (
            health(h_max=6.0, c_max=inf, has_inf=True),
            "lstm_inf: the hidden state holds Inf (h_max 6, c_max inf)",
        ),
        (health(h_norm=128.0), "lstm_h_explosion: h_norm is 128, the bound is 100"),
        (health(h_norm=256.0), "lstm_h_explosion: h_norm is 256, the bound is 100"),
        (health(c_norm=384.0), "lstm_c_explosion: c_norm is 384, the bound is 100"),
        (health(c_norm=512.0), "lstm_c_explosion: c_norm is 512, the bound is 100"),
        (health(h_norm=1e-7), "lstm_h_vanishing: h_norm is 1e-07, the bound is 1e-06"),
        (health(h_norm=2e-8), "lstm_h_vanishing: h_norm is 2e-08, the bound is 1e-06"),
        (health(c_norm=3e-9), "lstm_c_vanishing: c_norm is 3e-09, the bound is 1e-06"),
        (health(c_norm=4e-10), "lstm_c_vanishing: c_norm is 4e-10, the bound is 1e-06"),
    ]
    for state, text in shown:
        report = detector.check_all(nan_grad_count=0, inf_grad_count=0, lstm_health=state, **OTHERS)
        (line,) = report.lines
        assert line.partition(" (warning")[0] == text


def test_each_update_is_judged_by_its_own_values(detector):
    first = detector.check_all(nan_grad_count=0, inf_grad_count=0, lstm_health=health(h_norm=500.0), **OTHERS)
    second = detector.check_all(nan_grad_count=0, inf_grad_count=0, lstm_health=health(), **OTHERS)
    third = detector.check_all(nan_grad_count=2, inf_grad_count=0, lstm_health=None, **OTHERS)
    assert [one.has_anomaly for one in (first, second, third)] == [True, False, True]
    assert third.anomaly_types == ("numerical_instability",)


def detector_with(healthy, warning):
    """A detector for which TELE-340 has other thresholds."""
    record = shipped_registry()["TELE-340"]
    subject = record.thresholds.subject
    levels = (
        Level("healthy", 0, "fine", Condition(healthy, subject)),
        Level("warning", 10, "watch", Condition(warning, subject)),
    )
    changed = record.model_copy(update={"thresholds": Thresholds(levels, subject)})
    return AnomalyDetector({record.id: record for record in shipped_registry()} | {"TELE-340": changed})


def test_bounds_come_from_the_record_each_norm_with_its_own():
    detector = detector_with(
        "2 <= h_norm <= 3 and 20 <= c_norm <= 30", "not (2 <= h_norm <= 3 and 20 <= c_norm <= 30)"
    )
    states = [(1.9, 25.0), (2.0, 25.0), (3.1, 25.0), (2.5, 19.9), (2.5, 30.0), (2.5, 31.0)]
    found = [detector.check_lstm_health(health(h_norm=h, c_norm=c)).anomaly_types for h, c in states]
    assert found == [
        ("lstm_h_vanishing",),
        (),
        ("lstm_h_explosion",),
        ("lstm_c_vanishing",),
        (),
        ("lstm_c_explosion",),
    ]


def test_a_norm_between_the_bounds_of_two_bad_levels_is_an_explosion():
    detector = detector_with("h_norm < 10", "h_norm >= 10 or h_norm > 1000")
    assert detector.check_lstm_health(health(h_norm=500.0)).anomaly_types == ("lstm_h_explosion",)


def test_a_record_that_bounds_one_side_only_has_no_other_anomaly():
    detector = detector_with("h_norm > 10", "h_norm <= 10")
    found = [detector.check_lstm_health(health(h_norm=norm)).anomaly_types for norm in (5.0, 1e300)]
    assert found == [("lstm_h_vanishing",), ()]


def test_an_objection_that_is_none_of_the_six_is_reported_all_the_same():
    detector = detector_with("h_max < 50", "h_max >= 50")
    sick = health(h_norm=3.0, h_max=60.0)
    report = detector.check_lstm_health(sick)
    assert report.lines == (f"lstm_unclassified: warning: {sick}",)


def test_a_record_without_a_healthy_state_is_refused():
    with pytest.raises(DetectorRecordError, match="TELE-340 call no hidden state healthy"):
        detector_with("has_nan", "not has_nan")


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_numerical_instability(loss):
    report = AnomalyDetector().check_loss(loss)
    assert report.anomaly_types == ("numerical_instability",)
    assert report.lines == (f"numerical_instability: the loss is {loss} (critical)",)


@pytest.mark.parametrize("loss", [0.0, -3.5, 1e300, None])
def test_a_loss_that_is_a_number_or_absent_is_no_anomaly(loss):
    assert not AnomalyDetector().check_loss(loss).has_anomaly


def test_a_saturated_state_says_how_much_and_how_large_it_is(detector):
    states = [health(h_saturation=0.5), replace(health(h_saturation=0.75), h_rms=0.625, c_rms=2.5)]
    assert [detector.check_lstm_health(state).lines for state in states] == [
        ("lstm_saturation: 0.5 of the units, RMS of h 0.5, of c 1.5 (warning)",),
        ("lstm_saturation: 0.75 of the units, RMS of h 0.625, of c 2.5 (warning)",),
    ]


def test_an_objection_to_something_else_shows_the_whole_state():
    detector = detector_with("c_max < 2.0", "c_max >= 2.0")
    states = [health(c_max=3.0), health(c_max=4.0)]
    lines = [line for state in states for line in detector.check_lstm_health(state).lines]
    assert lines == [f"lstm_unclassified: warning: {state}" for state in states]


@pytest.mark.parametrize("check", [name for name in vars(AnomalyDetector) if name.startswith("check_")])
def test_no_argument_of_any_check_has_a_default(check):
    arguments = inspect.signature(getattr(AnomalyDetector, check)).parameters.values()
    assert [argument.name for argument in arguments if argument.default is not argument.empty] == []


@pytest.mark.parametrize(
    "missing", ["gradient_drift", "policy", "head_entropies", "value_health", "epoch_end"]
)
def test_no_measurement_of_a_check_has_a_default(detector, missing):
    passed = {name: value for name, value in OTHERS.items() if name != missing}
    with pytest.raises(TypeError, match=missing):
        detector.check_all(nan_grad_count=0, inf_grad_count=0, lstm_health=None, **passed)
