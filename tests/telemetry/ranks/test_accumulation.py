"""Whose batch broke the gradients, where several backward passes make up a step."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

STEPS = {
    "none": {},
    "the first pass of rank 1": {"1": [0]},
    "the second pass of rank 0": {"0": [1]},
    "the last pass of rank 1": {"1": [2]},
    "the same pass of both": {"0": [1], "1": [1]},
    "rank 1, and rank 0 after it": {"0": [1], "1": [0]},
}
ELEMENTS = 74
"""Of the small model: 7 x 3 + 7, 5 x 7 + 5, 5 + 1."""


@pytest.fixture(scope="module")
def averaged_in_each_pass(torchrun) -> dict[str, dict[str, Any]]:
    return answered(torchrun, no_sync=False)


def answered(torchrun, *, no_sync: bool) -> dict[str, dict[str, Any]]:
    answers = torchrun("accumulating", ranks=2, options={"steps": list(STEPS.values()), "no_sync": no_sync})
    return dict(zip(STEPS, answers[0]["steps"], strict=True))


@pytest.mark.parametrize(
    ("step", "ranks"),
    [
        ("none", []),
        ("the first pass of rank 1", [1]),
        ("the second pass of rank 0", [0]),
        ("the last pass of rank 1", [1]),
        ("the same pass of both", [0, 1]),
        ("rank 1, and rank 0 after it", [1]),
    ],
)
def test_the_rank_is_named_that_broke_the_gradients_first(averaged_in_each_pass, step, ranks) -> None:
    assert averaged_in_each_pass[step]["ranks"] == ranks


def test_passes_are_not_added_up(averaged_in_each_pass) -> None:
    for step in averaged_in_each_pass.values():
        assert step["elements"] == ELEMENTS
    assert averaged_in_each_pass["the first pass of rank 1"]["lines"] == [
        f"numerical_instability: rank 1: {ELEMENTS} NaN and 0 infinite gradient elements before averaging",
        "numerical_instability: rank 1: backpropagation met them first in 4.bias (1 NaN, 0 infinite)",
    ]


@pytest.mark.slow
def test_without_averaging_in_between_each_rank_is_named_whose_sum_is_broken(torchrun) -> None:
    steps = answered(torchrun, no_sync=True)
    ranks = [[], [1], [0], [1], [0, 1], [0, 1]]
    assert [steps[step]["ranks"] for step in STEPS] == ranks
