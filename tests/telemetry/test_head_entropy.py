"""One action head from update to update."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.registry import shipped_registry
from telewire.telemetry.head_entropy import HeadEntropyTracker

RECORD = shipped_registry()["TELE-101"]


def followed(entropies, choices=2):
    tracker = HeadEntropyTracker(choices=choices)
    return [tracker.update(entropy) for entropy in entropies]


def test_a_head_that_decides_at_random_has_all_of_its_entropy():
    (head,) = followed([math.log(5)], choices=5)
    assert (head.normalised, head.streak) == (pytest.approx(1.0), 0)


def test_a_streak_counts_updates_in_a_row_and_ends_with_the_first_that_is_better():
    heads = followed([0.5, 0.01, 0.02, 0.03, 0.5, 0.01])
    assert [head.streak for head in heads] == [0, 1, 2, 3, 0, 1]
    assert [RECORD.grade(head).name for head in heads] == [
        "healthy",
        "healthy",
        "healthy",
        "warning",
        "healthy",
        "healthy",
    ]


@given(st.lists(st.floats(0, 0.7), max_size=5), st.sampled_from([math.nan, math.inf, -math.inf, -0.5]))
def test_an_entropy_that_cannot_be_is_critical_at_once(before, bad):
    assert RECORD.grade(followed([*before, bad])[-1]).name == "critical"


@pytest.mark.parametrize("choices", [1, 0])
def test_a_head_without_a_choice_is_refused(choices):
    with pytest.raises(ValueError, match="at least 2 choices"):
        HeadEntropyTracker(choices=choices)
