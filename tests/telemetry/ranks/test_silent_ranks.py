"""A rank that dies, stands still or goes its own way does not hold the others."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any, Protocol

import pytest

pytest.importorskip("torch")

TIMEOUT = 4.0
"""Seconds that the ranks wait for each other; then they call the roll for as long again."""
MOMENT = 2.0
"""Longer than an exchange takes among ranks that answer, also on a busy machine."""


class Training(Protocol):
    processes: tuple[subprocess.Popen[str], ...]

    def answer(self, rank: int) -> dict[str, Any]: ...


def options(how: str, *, victim: int, sharded: bool = False) -> dict[str, Any]:
    return {"how": how, "victim": victim, "timeout": TIMEOUT, "sharded": sharded}


@pytest.fixture(
    params=[
        "kill",
        pytest.param("stop", marks=pytest.mark.slow),
        pytest.param("hang", marks=pytest.mark.slow),
    ]
)
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_others_go_on_and_say_who_is_missing(processes, how: str) -> None:
    training = processes("failing", ranks=3, options=options(how, victim=1))
    for rank in (0, 2):
        answer = training.answer(rank)
        before, failed, after = answer["updates"]
        assert (before["missing"], before["unanswered"], before["lines"]) == ([], [], [])
        assert failed["unanswered"] == after["unanswered"] == [1]
        # Each has its own values only, and the copy of a gradient is as good as any other.
        assert failed["missing"] == [other for other in range(3) if other != rank]
        assert failed["norm"] == 2.0
        assert failed["lines"] == ["rank_unanswered: rank 1: did not answer"]
        assert failed["seconds"] < 2 * TIMEOUT + MOMENT
        assert after["seconds"] < MOMENT
        assert not answer["on"]
        (warning,) = answer["warnings"]
        assert "telemetry across ranks is switched off: rank 1 did not answer" in warning


@pytest.mark.slow
def test_a_ring_of_five_agrees_on_who_is_missing(processes) -> None:
    # The neighbours of the dead rank see it at once, the others only when their time is up.
    training = processes("failing", ranks=5, options=options("kill", victim=0))
    for rank in range(1, 5):
        failed = training.answer(rank)["updates"][1]
        assert failed["unanswered"] == [0]
        assert failed["seconds"] < 2 * TIMEOUT + MOMENT


@pytest.mark.slow
def test_a_missing_shard_leaves_the_norm_unknown(processes) -> None:
    training = processes("failing", ranks=2, options=options("kill", victim=1, sharded=True))
    before, failed, after = training.answer(0)["updates"]
    assert before["norm"] == pytest.approx(8**0.5)
    assert (failed["norm"], after["norm"]) == (None, None)


@pytest.mark.slow
def test_a_rank_that_wakes_up_too_late_goes_on_alone(processes) -> None:
    training = processes("failing", ranks=3, options=options("stop", victim=2))
    for rank in (0, 1):
        assert training.answer(rank)["updates"][1]["unanswered"] == [2]
    os.kill(training.processes[2].pid, signal.SIGCONT)
    late = training.answer(2)
    assert not late["on"]
    assert late["updates"][1]["missing"] == [0, 1]
    assert late["updates"][1]["seconds"] < 2 * TIMEOUT + MOMENT
