"""A value that a mapping holds is changed in it; its neighbours are left as they are."""

from __future__ import annotations

from pathlib import Path

from telewire.verify.evidence.mutants.mutant import Kind
from telewire.verify.evidence.mutants.replacing import Replacing

from ..logs_project import write_logs_project
from .mutants_project import mutate

TESTS = """\
from logs import main


def test_lines():
    found = [main(loss, table=table) for loss in (1.0, 2.0, 2.5) for table in (True, False)]
    assert found == [
        "| kl=8.0 loss=2.0 |", "kl=8.0 loss=2.0", "| kl=8.0 loss=4.0 |", "kl=8.0 loss=4.0",
        "| kl=8.0 loss=5.0 |", "kl=8.0 loss=5.0",
    ]
"""


def test_only_the_value_under_the_key_is_another() -> None:
    assert Replacing(Kind.SCALED, 2)(0, {"loss": 1.5, "kl": 3.0}, "loss") == {"loss": 3.0, "kl": 3.0}


def test_the_mapping_of_the_program_is_left_as_it_is() -> None:
    mapping = {"loss": 1.5}
    Replacing(Kind.DEFAULT, 0.0)(0, mapping, "loss")
    assert mapping == {"loss": 1.5}


def test_a_mapping_without_the_key_is_not_changed() -> None:
    replacing = Replacing(Kind.CONSTANT, 1)
    mapping = {"kl": 3.0}
    assert replacing(0, mapping, "loss") is mapping
    assert replacing.passes == 0


def test_the_value_of_the_pass_before_is_that_of_the_same_key() -> None:
    replacing = Replacing(Kind.HELD, None)
    replacing(0, {"loss": 1.5}, "loss")
    assert replacing(0, {"loss": 2.5}, "loss") == {"loss": 1.5}


def test_mutants_of_who_reads_all_keys_are_killed(tmp_path: Path) -> None:
    done = mutate(write_logs_project(tmp_path, TESTS))
    held = [one for one in done.left.mutants if done.left.points[one.point].key == "loss"]
    assert {one.kind.value for one in held} >= {"default", "constant", "held", "scaled"}
    assert {one.state.value for one in held} == {"killed"}
