"""The table of problems: its bad examples are found under their codes, its good ones are sound."""

from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.registry import PROBLEM_KINDS, Problem, ProblemKind

WriteRecord = Callable[..., Path]
LoadProblems = Callable[..., tuple[Problem, ...]]

FRAGMENTS = [kind for kind in PROBLEM_KINDS.values() if kind.is_fragment]


@pytest.mark.parametrize("kind", FRAGMENTS, ids=lambda kind: kind.code)
def test_a_bad_example_is_found_under_its_code(
    write_record: WriteRecord, load_problems: LoadProblems, kind: ProblemKind
) -> None:
    found = load_problems(write_record(kind.bad))
    assert [problem.code for problem in found] == [kind.code]


@pytest.mark.parametrize("kind", FRAGMENTS, ids=lambda kind: kind.code)
def test_a_good_example_is_sound(
    write_record: WriteRecord, load_problems: LoadProblems, kind: ProblemKind
) -> None:
    assert load_problems(write_record(kind.good)) == ()


def test_names_and_codes_are_not_used_twice() -> None:
    assert len({kind.name for kind in PROBLEM_KINDS.values()}) == len(PROBLEM_KINDS)


def test_codes_are_of_the_families_of_records_and_thresholds() -> None:
    assert all(code.startswith(("TW1", "TW30")) for code in PROBLEM_KINDS)


def test_every_kind_has_a_reason_and_examples() -> None:
    assert all(kind.rationale and kind.bad and kind.good for kind in PROBLEM_KINDS.values())
