"""What a stage's transform makes of what tests saw going in."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import yaml

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify
from telewire.verify.evidence.arithmetic import comes_out, wanted_of
from telewire.verify.evidence.comparing import Value, value_of
from telewire.verify.evidence.observed import EdgeObservation
from telewire.verify.evidence.summaries import summary_of

from .app_project import Run


def seen(*values: object) -> list[Value]:
    return [value_of(summary_of(value)) for value in values]


@pytest.mark.parametrize(
    ("kind", "factor", "wanted"),
    [
        ("sum", 1.0, 12.0),
        ("mean", 1.0, 4.0),
        ("min", 1.0, 1.0),
        ("max", 1.0, 8.0),
        ("first", 1.0, 3.0),
        ("last", 1.0, 1.0),
        ("count", 1.0, 3.0),
        ("scale", 1000.0, 1000.0),
    ],
)
def test_what_went_in_once_each_makes_the_one_result(kind: str, factor: float, wanted: float) -> None:
    assert wanted_of((kind, factor), seen(3, 8, 1), passes=3, results=1) == [wanted]


@pytest.mark.parametrize("kind", ["sum", "mean", "count"])
def test_numbers_that_went_in_more_than_once_are_not_added_up(kind: str) -> None:
    assert wanted_of((kind, 1.0), seen(3, 8), passes=3, results=1) is None
    assert (
        wanted_of((kind, 1.0), seen(3, 8), passes=2, results=2)
        == {
            "sum": [3.0, 8.0],
            "mean": [3.0, 8.0],
            "count": [1.0, 1.0],
        }[kind]
    )


@pytest.mark.parametrize("kind", ["first", "last", "min", "max"])
def test_the_least_and_the_largest_are_among_what_went_in(kind: str) -> None:
    assert wanted_of((kind, 1.0), seen(3, [8, 9]), passes=9, results=2) == [3.0, 8.0, 9.0]


def test_a_unit_is_another_for_every_value() -> None:
    assert wanted_of(("scale", 0.5), seen(3, 8), passes=9, results=9) == [1.5, 4.0]


def test_each_sequence_makes_its_own_result() -> None:
    assert wanted_of(("sum", 1.0), seen([1, 2], [3, 4]), passes=2, results=2) == [3.0, 7.0]
    assert wanted_of(("sum", 1.0), seen([1, 2], [3, 4]), passes=3, results=2) is None


@pytest.mark.parametrize("value", [None, "three", {"norm": 3}, [3, None], list(range(100)), object()])
def test_what_is_not_all_numbers_tells_nothing(value: object) -> None:
    assert wanted_of(("max", 1.0), seen(3, value), passes=2, results=1) is None


def test_an_empty_sequence_tells_nothing() -> None:
    assert wanted_of(("max", 1.0), seen([]), passes=1, results=1) is None
    assert wanted_of(("max", 1.0), seen(), passes=0, results=0) is None


def test_what_comes_out_may_be_rounded_and_may_not_be_a_number_and_lies_in_a_sequence() -> None:
    assert comes_out([0.1], seen(0.10000000149))
    assert comes_out([math.nan], seen(1.0, math.nan))
    assert comes_out([math.inf], seen((2.0, math.inf)))
    assert not comes_out([math.inf, 3.0, math.nan], seen(-math.inf, 3.01, "3"))


def observed(whole: tuple[Path, Run], root: Path, transform: str) -> EdgeObservation:
    """What the evidence of a whole run says of the stage that adds up, if its record calls it something else."""
    shutil.copytree(whole[0], root)
    path = root / "specs/TELE-301.yaml"
    record = yaml.safe_load(path.read_text())
    record["transport"][0]["transform"] = transform
    path.write_text(yaml.safe_dump(record))
    found = verify(load_configuration(root))
    (wire,) = found.wiring.wires
    return next(one for one in found.observed.of_wire(wire) if one.edge.name == "aggregation")


def test_a_stage_that_does_what_its_record_says_is_tested(whole: tuple[Path, Run], tmp_path: Path) -> None:
    assert observed(whole, tmp_path / "project", "sum").observation.value == "tested"


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        ("max", "the max of 1 is 1, and 2 comes out: tests/test_app.py::test_infinities_are_shown"),
        ("* 3", "3 times 4 is 12, and 4 comes out: tests/test_app.py::test_by_a_fixture"),
    ],
)
def test_a_stage_that_does_something_else_is_not(
    whole: tuple[Path, Run], tmp_path: Path, transform: str, reason: str
) -> None:
    found = observed(whole, tmp_path / "project", transform)
    assert (found.observation.value, found.reason) == ("differs", reason)
