"""Sparkline and trend of a short window."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.telemetry.sanctum import GRAD_NORM_WINDOW
from telewire.telemetry.sanctum.widgets.trend import SPARKLINE_WIDTH, Trend, detect_trend, sparkline

any_floats = st.lists(st.floats(width=64), max_size=30)
strictly_rising = st.lists(st.floats(allow_nan=False, min_value=0), min_size=3, max_size=10, unique=True).map(
    sorted
)


@given(strictly_rising)
def test_strictly_rising_series_is_rising(series: list[float]) -> None:
    assert detect_trend(series) is Trend.RISING


@given(strictly_rising)
def test_strictly_falling_series_is_falling(series: list[float]) -> None:
    assert detect_trend(reversed(series)) is Trend.FALLING


@given(st.floats(allow_nan=False), st.integers(min_value=3, max_value=10))
def test_constant_series_is_steady(value: float, length: int) -> None:
    assert detect_trend([value] * length) is Trend.STEADY


@given(strictly_rising, st.integers(min_value=0, max_value=10))
def test_nan_point_does_not_change_the_trend(series: list[float], place: int) -> None:
    assert detect_trend([*series[:place], math.nan, *series[place:]]) is Trend.RISING


@given(any_floats)
def test_reversed_series_has_the_opposite_trend(series: list[float]) -> None:
    opposite = {
        Trend.RISING: Trend.FALLING,
        Trend.FALLING: Trend.RISING,
        Trend.STEADY: Trend.STEADY,
        Trend.UNKNOWN: Trend.UNKNOWN,
    }
    assert detect_trend(series[::-1]) is opposite[detect_trend(series)]


@given(st.lists(st.integers(min_value=0, max_value=1000), min_size=3, max_size=10))
def test_trend_does_not_depend_on_the_unit(series: list[int]) -> None:
    assert detect_trend([1024.0 * value for value in series]) is detect_trend([float(v) for v in series])


@pytest.mark.parametrize("series", [[], [1.0], [1.0, 2.0], [math.nan, 1.0, math.nan, 2.0]])
def test_fewer_than_three_numbers_have_no_trend(series: list[float]) -> None:
    assert detect_trend(series) is Trend.UNKNOWN


def test_one_spike_is_no_trend() -> None:
    assert detect_trend([1.0, 1.1, 1.0, 1.1, 900.0, 1.0, 1.1, 1.0, 1.1, 1.0]) is Trend.STEADY


def test_series_that_ends_in_infinity_is_rising() -> None:
    assert detect_trend([1.0, 2.0, math.inf]) is Trend.RISING


def test_chance_gives_ten_points_a_trend_in_fewer_than_one_case_of_twenty() -> None:
    # Kendall's recurrence: the number of permutations of n points with a given number of inversions.
    inversions = [1]
    for points in range(2, GRAD_NORM_WINDOW + 1):
        inversions = [
            sum(inversions[max(0, k - points + 1) : k + 1]) for k in range(len(inversions) + points - 1)
        ]
    pairs = math.comb(GRAD_NORM_WINDOW, 2)
    trends = sum(ways for k, ways in enumerate(inversions) if abs(pairs - 2 * k) >= 0.5 * pairs)
    assert trends / math.factorial(GRAD_NORM_WINDOW) < 0.05


def test_trends_of_all_orders_of_five_points_agree_with_the_definition() -> None:
    for order in itertools.permutations(range(5)):
        rising = sum(order[j] > order[i] for i, j in itertools.combinations(range(5), 2))
        tau = (rising - (10 - rising)) / 10
        expected = Trend.RISING if tau >= 0.5 else Trend.FALLING if tau <= -0.5 else Trend.STEADY
        assert detect_trend([float(value) for value in order]) is expected


def test_arrows_are_those_of_the_record() -> None:
    assert [trend.arrow for trend in (Trend.RISING, Trend.FALLING, Trend.STEADY)] == ["↑", "↓", "→"]


@given(any_floats)
def test_sparkline_is_always_ten_characters_wide(series: list[float]) -> None:
    assert len(sparkline(series)) == SPARKLINE_WIDTH == 10


@given(st.lists(st.floats(min_value=0, allow_nan=False, allow_infinity=False), max_size=10))
def test_higher_value_never_has_a_lower_bar(series: list[float]) -> None:
    bars = sparkline(series)[10 - len(series) :]
    by_value = [bar for _, bar in sorted(zip(series, bars, strict=True))]
    assert by_value == sorted(by_value)


def test_width_of_the_sparkline_is_the_window_of_the_history() -> None:
    assert SPARKLINE_WIDTH == GRAD_NORM_WINDOW


def test_short_history_is_padded_on_the_left() -> None:
    assert sparkline([1.0, 8.0]) == "········▂█"


def test_empty_history_is_ten_missing_points() -> None:
    assert sparkline([]) == "··········"


def test_only_the_newest_ten_points_are_drawn() -> None:
    assert sparkline([1000.0] + [1.0] * 10) == "█" * 10


def test_nan_and_infinity_have_marks_of_their_own() -> None:
    assert sparkline([7.0, math.nan, math.inf, -math.inf]) == "······█×∞∞"


def test_infinite_point_does_not_flatten_the_others() -> None:
    assert sparkline([0.0, 7.0, math.inf]) == "·······▁█∞"


def test_steady_history_with_little_noise_looks_steady() -> None:
    assert sparkline([1.0, 0.99, 1.0, 0.98]) == "······████"


def test_history_of_zeros_is_drawn_at_the_bottom() -> None:
    assert sparkline([0.0, 0.0]) == "········▁▁"
