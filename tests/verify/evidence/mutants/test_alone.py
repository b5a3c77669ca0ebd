"""A test that fails because of the tests before it has not noticed a mutant."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.evidence.mutants.alone import Alone

from .mutants_project import mutate, write_mutants_project

IN_ORDER = """\
import time

from app.main import run

INF = float("inf")
DONE = []


def test_first():
    time.sleep(0.05)
    run([[INF] * 2, [1.0]], [[1.0]], [[INF] * 5])
    assert not DONE


def test_second():
    run([[INF] * 2, [1.0]], [[1.0]], [[INF] * 5])
    DONE.append(1)
"""

TOGETHER = """\
import time

from app.main import run

INF = float("inf")


def test_quick():
    run([[INF] * 2, [1.0]], [[1.0]], [[INF] * 5])


def test_slow():
    time.sleep(0.05)
    assert run([[INF] * 2, [1.0]], [[1.0]], [[INF] * 5]) == ["Inf:2", "Inf:0", "Inf:5"]
"""

NAMES = ("a", "b")


@pytest.mark.parametrize("arguments", [(), ("--spawn", "--record", "TELE-301")])
def test_a_failure_that_the_order_of_the_tests_makes_kills_nothing(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = mutate(write_mutants_project(tmp_path / "order", IN_ORDER), *arguments)
    numbers = done.results("constant", "handle") + done.results("held", "handle")
    assert numbers
    for one in numbers:
        assert one.state.value in {"could-not-run", "survived"}, one
        if one.state.value == "could-not-run":
            assert one.reason == "tests/test_app.py::test_first fails with it only after other tests"
    assert done.status == 1


def test_a_test_that_notices_alone_as_well_kills(tmp_path: Path) -> None:
    done = mutate(write_mutants_project(tmp_path / "together", TOGETHER))
    assert done.states("constant", "handle") == {"killed"}
    assert done.status == 0, done.output


def result(state: str, killed_by: int | None = None, ran: tuple[int, ...] = ()) -> dict[str, object]:
    return {"state": state, "killed_by": killed_by, "ran": list(ran), "reason": ""}


def test_who_fails_first_is_believed() -> None:
    alone = Alone()
    assert alone.choose(7, [0, 1]) == [0, 1]
    assert alone.is_settled(7, result("killed", 0, (0,)))
    assert alone.is_settled(7, result("killed", 0))  # the process crashed in it


def test_who_fails_later_is_asked_alone() -> None:
    alone = Alone()
    assert not alone.is_settled(7, result("killed", 1, (0, 1)))
    assert alone.choose(7, [0, 1]) == [1]
    assert alone.is_settled(7, result("killed", 1, (1,)))
    assert alone.untold(7, NAMES) is None


def test_who_fails_after_others_only_is_left_out_and_named() -> None:
    alone = Alone()
    assert not alone.is_settled(7, result("killed", 1, (0, 1)))
    assert not alone.is_settled(7, result("survived", ran=(1,)))
    assert alone.choose(7, [0, 1]) == [0]
    assert alone.is_settled(7, result("survived", ran=(0,)))
    judged = alone.judged(7, result("survived", ran=(0,)), NAMES)
    assert (judged["state"], judged["reason"]) == ("could-not-run", "b fails with it only after other tests")
    assert alone.judged(7, result("killed", 0, (0,)), NAMES)["state"] == "killed"


def test_a_test_that_is_asked_and_broken_meanwhile_is_not_waited_for() -> None:
    alone = Alone()
    assert not alone.is_settled(7, result("killed", 1, (0, 1)))
    assert alone.choose(7, [0]) == [0]
    assert alone.is_settled(7, result("survived", ran=(0,)))
