"""`explain CODE`: every code has words, an unknown one has a suggestion."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from telewire.registry import PROBLEM_KINDS
from telewire.verify.audit import AUDIT_RULES
from telewire.verify.cli import verify
from telewire.verify.explain import UnknownCodeError, explain, explanations
from telewire.verify.rules import RULES

CODES = [explanation.code for explanation in explanations()]


def test_every_rule_and_every_problem_of_records_is_explained() -> None:
    assert sorted({*RULES, *AUDIT_RULES, *PROBLEM_KINDS, "TW404"}) == CODES


def test_codes_follow_the_families() -> None:
    assert all(code.startswith("TW") and len(code) == 5 and code[2:].isdigit() for code in CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_explained_on_the_command_line(code: str) -> None:
    result = CliRunner().invoke(verify, ["explain", code])
    assert result.exit_code == 0, result.output
    assert code in result.output
    assert "Use instead" in result.output


@pytest.mark.parametrize("written", ["TW204", "tw204", "hardcoded-constant", "Hardcoded-Constant"])
def test_a_rule_is_found_by_code_or_name_in_any_case(written: str) -> None:
    assert explain(written).code == "TW204"


@pytest.mark.parametrize(
    ("written", "meant"), [("TW2O4", "TW204"), ("hardcoded-constnat", "hardcoded-constant")]
)
def test_an_unknown_code_has_a_suggestion(written: str, meant: str) -> None:
    with pytest.raises(UnknownCodeError, match=f"there is no rule '{written}'; did you mean {meant}"):
        explain(written)


def test_what_is_like_no_code_is_told_how_to_list_all() -> None:
    with pytest.raises(UnknownCodeError, match="without a code lists all"):
        explain("?")


def test_an_unknown_code_ends_with_status_2() -> None:
    result = CliRunner().invoke(verify, ["explain", "hardcoded-constnat"])
    assert result.exit_code == 2
    assert "did you mean" in result.output


def test_without_a_code_all_are_listed() -> None:
    result = CliRunner().invoke(verify, ["explain"])
    assert [line.split()[0] for line in result.output.splitlines()] == CODES
