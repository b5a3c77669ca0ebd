"""How a test ended that a record names, as far as evidence can say."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.evidence.named_tests import Ending, NamedTests

from .app_project import Run, evidence_in

FILE = "tests/test_app.py"


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("test_infinities_are_shown", Ending.PASSED),
        ("test_of_many_values", Ending.PASSED),
        ("test_that_fails", Ending.FAILED),
        ("test_with_a_broken_fixture", Ending.FAILED),
        ("test_that_is_skipped", Ending.SKIPPED),
        ("test_that_is_expected_to_fail", Ending.EXPECTED_TO_FAIL),
        ("shown", Ending.NOT_COLLECTED),
    ],
)
def test_a_named_test_has_the_ending_that_it_had(whole: tuple[Path, Run], name: str, ending: Ending) -> None:
    assert NamedTests(evidence_in(whole[0]), whole[0]).ending(FILE, name) is ending


def test_without_evidence_nothing_is_known(whole: tuple[Path, Run]) -> None:
    assert NamedTests(None, whole[0]).ending(FILE, "test_that_fails") is Ending.UNKNOWN


def test_a_file_that_was_never_collected_is_found_out(whole: tuple[Path, Run]) -> None:
    named = NamedTests(evidence_in(whole[0]), whole[0])
    assert named.ending("app/main.py", "run") is Ending.NOT_COLLECTED
    assert named.ending("tests/test_gone.py", "test_gone") is Ending.UNKNOWN


def test_a_selection_says_nothing_of_other_files(whole: tuple[Path, Run]) -> None:
    some = evidence_in(whole[0]).model_copy(update={"everything": False})
    assert NamedTests(some, whole[0]).ending("app/main.py", "run") is Ending.UNKNOWN


def test_what_was_left_out_is_unknown(whole: tuple[Path, Run]) -> None:
    evidence = evidence_in(whole[0])
    name = f"{FILE}::test_that_fails"
    kept = [one for one in evidence.tests if one.id != name]
    some = evidence.model_copy(update={"tests": kept, "deselected": [name]})
    assert NamedTests(some, whole[0]).ending(FILE, "test_that_fails") is Ending.UNKNOWN


def test_a_file_that_has_changed_since_is_unknown(whole: tuple[Path, Run]) -> None:
    evidence = evidence_in(whole[0])
    changed = evidence.model_copy(update={"files": {FILE: "another"}})
    assert NamedTests(changed, whole[0]).ending(FILE, "test_that_fails") is Ending.UNKNOWN


@pytest.mark.parametrize(
    ("outcomes", "ending", "skipped"),
    [
        (("passed", "skipped"), Ending.PASSED_IN_PART, ["test_x[1]"]),
        (("passed", "xfailed", "xpassed"), Ending.PASSED_IN_PART, ["test_x[1]", "test_x[2]"]),
        (("passed", "skipped", "failed"), Ending.FAILED, ["test_x[1]"]),
        (("passed", "skipped", "not run"), Ending.PASSED_IN_PART, ["test_x[1]"]),
        (("passed", "not run"), Ending.UNKNOWN, []),
        (("passed", "passed"), Ending.PASSED, []),
    ],
)
def test_a_test_of_which_some_were_skipped_has_not_passed_as_a_whole(
    whole: tuple[Path, Run], outcomes: tuple[str, ...], ending: Ending, skipped: list[str]
) -> None:
    evidence = evidence_in(whole[0])
    tests = [
        evidence.tests[0].model_copy(update={"id": f"{FILE}::test_x[{at}]", "outcome": outcome})
        for at, outcome in enumerate(outcomes)
    ]
    named = NamedTests(evidence.model_copy(update={"tests": tests}), whole[0])
    assert (named.ending(FILE, "test_x"), named.skipped(FILE, "test_x")) == (ending, skipped)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("TestA", Ending.FAILED),
        ("TestA::test_x", Ending.PASSED),
        ("test_y", Ending.FAILED),
        ("test", Ending.NOT_COLLECTED),
    ],
)
def test_classes_and_their_tests_are_found(whole: tuple[Path, Run], name: str, ending: Ending) -> None:
    evidence = evidence_in(whole[0])
    one = evidence.tests[0]
    tests = [
        one.model_copy(update={"id": f"{FILE}::TestA::test_x[1-::]", "outcome": "passed"}),
        one.model_copy(update={"id": f"{FILE}::TestA::test_y", "outcome": "failed"}),
    ]
    named = NamedTests(evidence.model_copy(update={"tests": tests}), whole[0])
    assert named.ending(FILE, name) is ending
