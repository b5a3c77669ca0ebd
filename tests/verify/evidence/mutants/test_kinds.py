"""Each kind of mutant is killed by a test that notices it, and survives one that does not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from telewire.verify.evidence.mutants.document import mutants_schema_text
from telewire.verify.evidence.mutants.mutant import Kind

from .mutants_project import Done, said_of

KINDS = [kind.value for kind in Kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_test_that_notices_kills_it(noticed: Done, kind: str) -> None:
    assert noticed.states(kind) == {"killed"}


@pytest.mark.parametrize("kind", KINDS)
def test_it_survives_a_test_that_does_not_notice(unnoticed: Done, kind: str) -> None:
    assert "survived" in unnoticed.states(kind)


def test_it_is_known_which_test_killed_it(noticed: Done) -> None:
    for result in noticed.left.mutants:
        assert result.killed_by is not None
        assert noticed.left.tests[result.killed_by] == "tests/test_app.py::test_each_update_is_shown"


def test_it_is_said_what_became_of_the_value(unnoticed: Done) -> None:
    (result,) = unnoticed.results("default", "handle")
    assert result.message == "store(count) held its default 0"
    assert result.changed == ("2", "0")
    assert result.passes == 3


def test_the_sibling_is_the_value_beside_it(noticed: Done) -> None:
    changes = {result.change for result in noticed.results("sibling", "emit")}
    assert "metrics.get('nan_grad_count', 0)" in changes


def test_the_call_that_is_dropped_is_a_statement(noticed: Done) -> None:
    (result,) = noticed.results("dropped")
    assert result.message.endswith("went nowhere: store() was not called")


def test_all_killed_is_success(noticed: Done) -> None:
    assert noticed.status == 0
    assert "killed" in noticed.output.splitlines()[0]


def test_survivors_are_no_success_and_are_named(unnoticed: Done) -> None:
    assert unnoticed.status == 1
    assert "store(count) held its default 0" in unnoticed.output
    assert "not noticed by tests/test_app.py::test_something_is_shown" in unnoticed.output


def test_the_file_is_what_its_schema_says(noticed: Done) -> None:
    text = mutants_schema_text()
    committed = Path(__file__).parents[4] / "verify/evidence/mutants/mutants.schema.json"
    assert committed.read_text() == text
    schema = json.loads(text)
    jsonschema.validate(json.loads((noticed.root / ".telewire/mutants.json").read_text()), schema)


def test_a_wire_whose_mutants_are_all_killed_is_so(noticed: Done) -> None:
    found = said_of(noticed.root, noticed.left)
    assert found.mutation.value == "killed"
    assert found.reason == f"all of {len(noticed.left.mutants)} mutants were killed"


def test_a_survivor_is_named_while_the_others_still_run(unnoticed: Done) -> None:
    assert "survived  store(count) held its default 0" in unnoticed.errors.splitlines()


def test_a_wire_with_a_survivor_names_it(unnoticed: Done) -> None:
    found = said_of(unnoticed.root, unnoticed.left)
    assert found.mutation.value == "survived"
    told = re.fullmatch(r"survived: app/\w+\.py:(\d+): (.+), and \d+ more", found.reason)
    assert told is not None
    survivors = {
        (str(one.line), one.message) for one in unnoticed.left.mutants if one.state.value == "survived"
    }
    assert told.groups() in survivors
