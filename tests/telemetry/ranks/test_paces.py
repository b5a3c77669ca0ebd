"""TrainingMonitor across ranks that differ: in their level, in what they look at, in whether they are there."""

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

Answers = list[dict[str, Any]]
RunTraining = Callable[..., Answers]

AFTER_AN_ANOMALY = [1, 4, 5, 6, 7, 8, 10]
"""Each third step, and those behind an anomaly in step 4."""


def options(*levels: str, **changes: Any) -> dict[str, Any]:
    usual = {"every": 3, "looks": [1, 1], "bad_loss": -1, "bad_gradient": False, "dies": -1}
    return {"levels": levels, **usual, **changes}


@pytest.mark.parametrize("levels", [("NORMAL", "MINIMAL"), ("MINIMAL", "NORMAL"), ("DEBUG", "NORMAL")])
def test_after_an_anomaly_ranks_of_any_levels_look_at_the_same_steps(
    torchrun: RunTraining, levels: tuple[str, str]
) -> None:
    answers = torchrun("paced", ranks=2, options=options(*levels, bad_gradient=True))
    assert [answer["looked"] for answer in answers] == [AFTER_AN_ANOMALY] * 2
    assert [answer["warnings"] for answer in answers] == [[], []]
    assert answers[0]["anomalies"] == [["numerical_instability: 3 NaN gradient elements (warning)"]]


@pytest.mark.parametrize("off", [0, 1])
def test_a_rank_without_telemetry_answers_the_others(torchrun: RunTraining, off: int) -> None:
    levels = ["NORMAL", "NORMAL"]
    levels[off] = "OFF"
    answers = torchrun("paced", ranks=2, options=options(*levels, bad_gradient=True))
    assert (answers[off]["looked"], answers[off]["steps"]) == ([], [])
    assert answers[1 - off]["looked"] == AFTER_AN_ANOMALY
    assert [answer["warnings"] for answer in answers] == [[], []]


def test_where_nothing_is_checked_every_rank_keeps_to_its_interval(torchrun: RunTraining) -> None:
    answers = torchrun("paced", ranks=2, options=options("MINIMAL", "OFF", bad_gradient=True))
    assert answers[0]["looked"] == [1, 4, 7, 10]
    assert answers[0]["anomalies"] == []


def test_what_the_exchange_finds_is_told_where_nothing_is_checked(torchrun: RunTraining) -> None:
    answers = torchrun("paced", ranks=2, options=options("MINIMAL", "MINIMAL", bad_loss=1))
    assert answers[0]["anomalies"][0][0] == "numerical_instability: rank 1: loss is nan"
    assert [answer["looked"] for answer in answers] == [AFTER_AN_ANOMALY] * 2


@pytest.mark.parametrize(("looks", "collectives"), [([1, 1], 1), ([2, 2], 2), ([2, 1], 2), ([1, 2], 2)])
def test_each_collection_costs_every_rank_one_collective(
    torchrun: RunTraining, looks: list[int], collectives: int
) -> None:
    answers = torchrun("paced", ranks=2, options=options("NORMAL", "NORMAL", looks=looks))
    for answer in answers:
        assert answer["collectives"] == [collectives, 0, 0] * 3 + [collectives]
        assert answer["warnings"] == []
