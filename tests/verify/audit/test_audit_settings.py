"""`[tool.telewire.audit]` as the command obeys it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from telewire.cli import telewire
from telewire.verify.audit.using.outside_consumers import camel_case


def run(*arguments: object) -> Result:
    return CliRunner().invoke(telewire, ["audit", *map(str, arguments)])


def test_a_project_says_which_confidence_it_wants(program: Path) -> None:
    (program / "telewire.toml").write_text('sources = { "" = "." }\n[audit]\nlibrary = true\n')
    assert "TW502" in run(program).stdout
    (program / "telewire.toml").write_text(
        'sources = { "" = "." }\n[audit]\nlibrary = true\nmin_confidence = "high"\n'
    )
    assert run(program).exit_code == 0


def test_the_command_line_overrules_the_project(program: Path) -> None:
    (program / "telewire.toml").write_text('[audit]\nlibrary = true\nmin_confidence = "high"\n')
    assert "TW502" in run(program, "--min-confidence", "medium").stdout


def test_a_disabled_rule_that_is_asked_for_is_applied(program: Path) -> None:
    (program / "telewire.toml").write_text('[audit]\ndisabled = "TW502"\n')
    assert run(program).exit_code == 0
    assert run(program, "--rule", "TW502").exit_code == 1


def test_a_disabled_rule_that_does_not_exist_is_told(program: Path) -> None:
    (program / "telewire.toml").write_text('[audit]\ndisabled = ["TW5o2"]\n')
    result = run(program)
    assert (result.exit_code, "audit.disabled: there is no audit rule 'TW5o2'" in result.stderr) == (2, True)


def test_names_are_looked_for_in_camel_case_too() -> None:
    assert camel_case("inf_grad_count") == "infGradCount"
