"""How much the gradient norms of a run vary."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.telemetry.norm_history import HISTORY_LENGTH, NormHistory, coefficient_of_variation

NORMS = st.lists(st.floats(0.0, 1e6), min_size=3, max_size=10)


@given(NORMS.filter(lambda norms: max(norms) > 1e-300))
def test_variation_agrees_with_brute_force(norms):
    expected = statistics.pstdev(norms) / statistics.fmean(norms)
    assert coefficient_of_variation(norms) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.lists(st.floats(1.0, 100.0), min_size=3, max_size=10), st.sampled_from([1e-300, 1e300]))
def test_variation_does_not_depend_on_the_unit(norms, unit):
    expected = coefficient_of_variation(norms)
    assert coefficient_of_variation([norm * unit for norm in norms]) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.floats(0.0, 1.7e308), min_size=3, max_size=10))
def test_variation_lies_between_zero_and_the_root_of_the_number_of_others(norms):
    variation = coefficient_of_variation(norms)
    assert 0.0 <= variation <= math.sqrt(len(norms) - 1) * (1 + 1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_window_with_a_norm_that_is_not_finite_has_no_variation(bad):
    assert math.isnan(coefficient_of_variation([1.0, bad, 1.0]))


def test_two_norms_are_too_few():
    assert coefficient_of_variation([1.0, 2.0]) is None


def test_norms_that_are_all_zero_do_not_vary():
    assert coefficient_of_variation([0.0] * 3) == 0.0


def test_a_norm_that_was_not_collected_or_is_not_finite_is_no_point():
    history = NormHistory()
    for norm in (1.0, None, math.nan, math.inf, 2.0):
        history.append(norm)
    assert history.norms == (1.0, 2.0)
    assert history.coefficient_of_variation() is None


def test_only_the_last_norms_are_kept():
    history = NormHistory()
    for norm in range(HISTORY_LENGTH + 3):
        history.append(float(norm))
    assert history.norms == tuple(float(norm) for norm in range(3, HISTORY_LENGTH + 3))
