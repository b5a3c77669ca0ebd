"""TrainingMonitor across ranks: one report of a training in two processes."""

import math
from collections.abc import Callable
from typing import Any

import pytest

RunTraining = Callable[..., list[dict[str, Any]]]


@pytest.fixture(params=["ddp", "fsdp"], scope="module")
def answers(request: pytest.FixtureRequest, torchrun: RunTraining) -> list[dict[str, Any]]:
    options = {"way": request.param, "bad_batch": 1, "across_ranks": True}
    return torchrun("monitored", ranks=2, options=options)


def test_rank_0_alone_reports(answers: list[dict[str, Any]]) -> None:
    assert [len(answer["steps"]) for answer in answers] == [2, 0]


def test_the_norm_is_that_of_the_whole_model(answers: list[dict[str, Any]]) -> None:
    first = answers[0]["steps"][0]
    assert first["pre_clip_grad_norm"] == pytest.approx(answers[0]["expected"]["norm"], rel=1e-5)


def test_the_loss_is_the_mean_over_the_ranks(answers: list[dict[str, Any]]) -> None:
    mean = sum(answer["losses"][0] for answer in answers) / 2
    assert answers[0]["steps"][0]["loss"] == pytest.approx(mean)


def test_broken_gradients_of_all_ranks_are_counted_once(answers: list[dict[str, Any]]) -> None:
    second = answers[0]["steps"][1]
    assert second["nan_grad_count"] == answers[0]["expected"]["elements"]


def test_a_loss_that_is_no_number_is_put_down_to_its_rank(answers: list[dict[str, Any]]) -> None:
    assert math.isnan(answers[0]["steps"][1]["loss"])
    (details,) = answers[0]["anomalies"]
    assert [line for line in details if "loss is nan" in line and "1" in line]


@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_the_monitor_clips_by_the_norm_of_the_whole_model(torchrun: RunTraining, way: str) -> None:
    options = {"way": way, "bad_batch": -1, "across_ranks": True, "max_norm": 0.01}
    answers = torchrun("monitored", ranks=2, options=options)
    first = answers[0]["steps"][0]
    assert first["pre_clip_grad_norm"] == pytest.approx(answers[0]["expected"]["norm"], rel=1e-5)
    assert first["grad_norm"] == pytest.approx(0.01, rel=1e-3)


def test_the_norm_of_shards_is_absent_without_the_other_ranks(torchrun: RunTraining) -> None:
    options = {"way": "fsdp", "bad_batch": -1, "across_ranks": False}
    for answer in torchrun("monitored", ranks=2, options=options):
        for step in answer["steps"]:
            unknown = ("pre_clip_grad_norm", "grad_norm", "grad_norm_state", "nan_grad_count")
            assert [step[name] for name in unknown] == [None] * 4


def test_healthy_shards_are_no_anomaly_without_the_other_ranks(torchrun: RunTraining) -> None:
    options = {"way": "fsdp", "bad_batch": -1, "across_ranks": False, "drift": True}
    (answer,) = torchrun("monitored", ranks=1, options=options)
    assert (len(answer["steps"]), answer["anomalies"]) == (2, [])
    assert [step["gradient_drift"] for step in answer["steps"]] == [None, None]


def test_what_is_broken_in_a_ranks_own_shards_is_reported_without_the_other_ranks(
    torchrun: RunTraining,
) -> None:
    options = {"way": "fsdp", "bad_batch": 0, "across_ranks": False}
    (answer,) = torchrun("monitored", ranks=1, options=options)
    (details,) = answer["anomalies"]
    elements = answer["expected"]["elements"]
    assert f"numerical_instability: {elements} NaN gradient elements (critical)" in details
