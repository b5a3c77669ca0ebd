"""Real trainings in several processes, against what one process computes alone."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

from telewire.telemetry.ranks.exchange import RankExchange, RankState

CASES = [
    ("ddp", 2),
    pytest.param(("fsdp", 2), marks=pytest.mark.slow),
    pytest.param(("ddp", 4), marks=pytest.mark.slow),
    pytest.param(("fsdp", 4), marks=pytest.mark.slow),
]
BROKEN = {"1": 2}
"""On rank 1 two elements become NaN after averaging, in the second update."""


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def run(request: pytest.FixtureRequest, torchrun) -> tuple[str, list[dict[str, Any]]]:
    way, ranks = request.param
    return way, torchrun("sharing", ranks=ranks, options={"way": way, "broken": BROKEN, "bad_batch": 1})


def test_each_collection_costs_one_collective(run) -> None:
    _, answers = run
    for answer in answers:
        assert [update["collectives"] for update in answer["updates"]] == [["allgather_.default"]] * 3


def test_an_exchange_is_on_until_it_is_closed(run) -> None:
    _, answers = run
    assert {(answer["on"], answer["on_when_closed"]) for answer in answers} == {(True, False)}


def test_a_training_in_one_process_exchanges_nothing() -> None:
    assert RankExchange().state == RankState(is_on=False, unanswered_ranks=(), failure=None)


def test_ranks_exchange_whatever_the_default_device(torchrun) -> None:
    assert [answer["loss"] for answer in torchrun("placed", ranks=2)] == [0.5, 0.5]


def test_the_norm_is_that_of_the_whole_gradient(run) -> None:
    _, answers = run
    for update, expected in zip(answers[0]["updates"], answers[0]["expected"], strict=True):
        assert update["elements"] == expected["elements"]
        if update["state"] == "finite" and update["nan"] == 0:
            assert update["norm"] == pytest.approx(expected["norm"], rel=1e-5)


def test_every_rank_has_the_same_result(run) -> None:
    _, answers = run
    assert all(answer["updates"] == answers[0]["updates"] for answer in answers)


def test_a_healthy_update_has_no_anomaly_and_takes_one_pass(run) -> None:
    _, answers = run
    healthy = answers[0]["updates"][0]
    assert (healthy["lines"], healthy["missing"], healthy["passes"]) == ([], [], 1)


def test_the_rank_whose_batch_broke_the_gradients_of_all_is_named(run) -> None:
    way, answers = run
    update = answers[0]["updates"][2]
    assert update["nan"] == update["elements"]
    assert "numerical_instability: rank 1: loss is nan" in update["lines"]
    elements = update["elements"]
    if way == "ddp":
        assert update["lines"] == [
            f"numerical_instability: rank 1: {elements} NaN and 0 infinite gradient elements before averaging",
            "numerical_instability: rank 1: loss is nan",
            "numerical_instability: rank 1: backpropagation met them first in 4.bias (1 NaN, 0 infinite)",
        ]


def test_elements_that_are_broken_on_one_rank_are_counted_once_and_named_with_it(run) -> None:
    way, answers = run
    broken = answers[0]["updates"][1]
    assert (broken["nan"], broken["inf"], broken["state"], broken["ranks"]) == (2, 0, "not_finite", [1])
    if way == "fsdp":
        assert broken["lines"] == [
            "numerical_instability: rank 1: 2 NaN and 0 infinite gradient elements in its shards",
            "numerical_instability: rank 1: backpropagation met them first in 0.weight (2 NaN, 0 infinite)",
        ]
    else:
        (line,) = broken["lines"]
        assert line.startswith("replicas_differ: rank 1: its gradients (norm ")
        assert "2 NaN, 0 infinite) are not those of rank 0 (norm " in line
