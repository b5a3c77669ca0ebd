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


@pytest.mark.parametrize("level", ["MINIMAL", "NORMAL"])
def test_a_rank_that_is_gone_is_told_in_each_step_from_then_on(
    processes: Callable[..., Any], level: str
) -> None:
    training = processes("paced", ranks=2, options=options(level, level, dies=1, every=1))
    answer = training.answer(0)
    told = [tuple(step["rank_coverage"].values()) for step in answer["steps"]]
    assert told == [(2, 0, 0)] * 3 + [(2, 1, 1)] * 7
    assert answer["anomalies"] == [["rank_unanswered: rank 1: did not answer"]] * 7


def test_the_figures_say_when_a_rank_has_nothing_to_add(torchrun: RunTraining) -> None:
    answers = torchrun("paced", ranks=2, options=options("NORMAL", "OFF"))
    assert [tuple(step["rank_coverage"].values()) for step in answers[0]["steps"]] == [(2, 1, 0)] * 4


@pytest.mark.parametrize(("looks", "collectives"), [([1, 1], 1), ([2, 2], 2), ([2, 1], 2), ([1, 2], 2)])
def test_each_collection_costs_every_rank_one_collective_and_is_missing_where_it_was_not_made(
    torchrun: RunTraining, looks: list[int], collectives: int
) -> None:
    answers = torchrun("paced", ranks=2, options=options("NORMAL", "NORMAL", looks=looks))
    for answer in answers:
        assert answer["collectives"] == [collectives, 0, 0] * 3 + [collectives]
        assert answer["warnings"] == []
    missing = int(looks[0] != looks[1])
    assert [step["rank_coverage"]["missing"] for step in answers[0]["steps"]] == [missing] * 4
