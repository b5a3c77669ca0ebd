"""Which tests can notice a mutant, by the values that they let pass."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from telewire.verify.evidence.contents import Place
from telewire.verify.evidence.document import (
    EvidenceModel,
    FunctionEvidence,
    PointEvidence,
    TestEvidence,
)
from telewire.verify.evidence.mutants.mutant import Change, Kind, Mutant, Target
from telewire.verify.evidence.mutants.sights import Sights
from telewire.verify.evidence.plan import PointKey
from telewire.verify.evidence.recorder import DISTINCT
from telewire.verify.evidence.summaries import summary_of

KEY = PointKey("app.main", "run", 7)


def sights(
    *tests: Sequence[object], passes: int = 5, outcome: str = "passed", sampled: bool = False
) -> Sights:
    """Evidence of one point: for each test the values that pass it."""
    summaries = [list(summary_of(value)) for values in tests for value in values]
    numbers = iter(range(len(summaries)))
    rows = [
        {
            "point": 0,
            "passes": passes,
            "values": [next(numbers) for _ in values],
            "entries": [],
            "sampled": sampled,
        }
        | {"low": None, "high": None}
        for values in tests
    ]
    found = [
        TestEvidence.model_validate({"id": f"test_{at}", "seconds": 0.0, "outcome": outcome, "seen": [row]})
        for at, row in enumerate(rows)
    ]
    function = FunctionEvidence(module=KEY.module, function=KEY.function, digest="1")
    point = PointEvidence(function=0, number=KEY.number, parameter=None, refused=None)
    made = EvidenceModel.model_construct(
        functions=[function], points=[point], values=json.loads(json.dumps(summaries)), tests=found
    )
    return Sights(made)


def mutant(kind: Kind, change: Change = 0) -> Mutant:
    return Mutant(KEY, kind, Target(7, "Name", Place(1, 1, 1, 2)), change, "")


@pytest.mark.parametrize(
    ("kind", "change", "tests"),
    [
        (Kind.DEFAULT, 0, ["test_1", "test_2"]),
        (Kind.DEFAULT, 7, ["test_0", "test_2"]),
        (Kind.CONSTANT, 1, ["test_0", "test_1", "test_2"]),
        (Kind.SCALED, 2, ["test_1", "test_2"]),
        (Kind.HELD, None, ["test_2"]),
        (Kind.SIBLING, "other", ["test_0", "test_1", "test_2"]),
        (Kind.DROPPED, None, ["test_0", "test_1", "test_2"]),
    ],
)
def test_a_test_tells_if_it_lets_a_value_pass_that_is_changed(
    kind: Kind, change: Change, tests: list[str]
) -> None:
    assert sights([0], [7], [0, 7]).telling(mutant(kind, change)) == tests


def test_a_value_of_which_not_all_is_kept_may_tell() -> None:
    assert sights([[0]], [object()]).telling(mutant(Kind.DEFAULT)) == ["test_0", "test_1"]


def test_a_point_with_more_values_than_are_kept_may_tell() -> None:
    many = sights([0] * DISTINCT)
    assert many.telling(mutant(Kind.DEFAULT)) == ["test_0"]
    assert sights([0] * (DISTINCT - 1)).telling(mutant(Kind.DEFAULT)) == []


@pytest.mark.parametrize("kind", [Kind.DEFAULT, Kind.CONSTANT, Kind.SCALED, Kind.HELD])
def test_a_point_whose_values_were_not_all_looked_at_may_tell(kind: Kind) -> None:
    assert sights([0], sampled=True).telling(mutant(kind)) == ["test_0"]
    assert sights([0]).telling(mutant(kind)) == []


def test_nothing_can_be_held_where_a_test_passes_once() -> None:
    assert sights([object()], passes=1).telling(mutant(Kind.HELD)) == []
    assert sights([object()], passes=2).telling(mutant(Kind.HELD)) == ["test_0"]


def test_only_tests_that_passed_tell() -> None:
    assert sights([7], outcome="failed").telling(mutant(Kind.DEFAULT)) == []


def test_it_is_said_why_none_can_tell() -> None:
    assert sights([0]).why_none(mutant(Kind.DEFAULT)) == "all that passes there is 0"
    assert sights([1, 2, 3, 4]).why_none(mutant(Kind.SCALED)) == "all that passes there is 1, 2, 3, ..."
    assert sights([0], passes=1).why_none(mutant(Kind.HELD)) == "no test lets two values pass"


def test_the_kinds_of_values_are_known() -> None:
    assert sights([0, 1.5], ["a"]).kinds(KEY) == {"int", "float", "str"}
    assert sights([[1, 2]]).holds_numbers(KEY)
    assert not sights([["a"]]).holds_numbers(KEY)
