"""`telewire audit`: exit statuses, what is said, the JSON and its published schema."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from telewire.cli import telewire
from telewire.verify.audit import report as report_module
from telewire.verify.audit.report import schema_text
from telewire.verify.cli import verify

PUBLISHED = Path(report_module.__file__).with_name("audit.schema.json")

PRINTED = """\
TW502 field-never-written
  main.py:7:5
  5 │ class StepStats:
  6 │     nan_count: int = 0
  7 │     inf_count: int = 0
    │     ^^^^^^^^^^^^^^^^^^
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(telewire, ["audit", *map(str, arguments)])


def as_json(*arguments: object) -> dict[str, object]:
    found = json.loads(run(*arguments, "--format", "json").stdout)
    assert isinstance(found, dict)
    return found


# -- exit statuses ------------------------------------------------------------------------------------------------


def test_findings_are_status_1(program: Path) -> None:
    assert run(program).exit_code == 1


def test_nothing_found_is_status_0(repaired: Path) -> None:
    result = run(repaired)
    assert (result.exit_code, "no findings" in result.stdout) == (0, True)


def test_a_folder_that_is_not_there_is_status_2(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere")
    assert (result.exit_code, "does not exist" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (os.devnull, "is neither a folder nor a file"),
        ("x" * 5000, "cannot be read"),
        ("round", "cannot be read"),
    ],
)
@pytest.mark.parametrize(
    "command", [["audit"], ["trace", "Stats.loss", "--path"], ["scaffold", "Stats.loss", "--path"]]
)
def test_a_path_that_leads_to_no_source_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], path: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("round").symlink_to("back")
    Path("back").symlink_to("round")
    result = CliRunner().invoke(telewire, [*command, path])
    assert (result.exit_code, said in result.stderr, result.stderr.count("\n")) == (2, True, 1)
    assert len(result.stderr) < 300


def test_an_output_whose_links_lead_round_in_a_circle_is_status_2(program: Path, tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("back")
    (tmp_path / "back").symlink_to("round")
    result = run(program, "-o", tmp_path / "round")
    assert (result.exit_code, "cannot be written" in result.stderr) == (2, True)
    assert (tmp_path / "round").is_symlink()


def test_a_folder_without_python_is_status_2(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.exit_code, "no Python source" in result.stderr) == (2, True)


def test_a_program_of_which_no_file_can_be_analysed_is_status_2(program: Path) -> None:
    (program / "main.py").write_text("def f(:\n", encoding="utf-8")
    result = run(program)
    assert (result.exit_code, "none of 1 files can be analysed: main.py:1" in result.stderr) == (2, True)


def test_an_unknown_rule_is_status_2_and_says_the_closest(program: Path) -> None:
    result = run(program, "--rule", "field-never-writen")
    assert (result.exit_code, "did you mean field-never-written?" in result.stderr) == (2, True)


# -- what is audited ----------------------------------------------------------------------------------------------


def test_the_current_folder_is_the_default(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program)
    assert "StepStats.inf_count" in run().stdout


def test_verify_wiring_has_the_command_too(program: Path) -> None:
    result = CliRunner().invoke(verify, ["audit", str(program)])
    assert (result.exit_code, "StepStats.inf_count" in result.stdout) == (1, True)


@pytest.mark.parametrize("rule", ["TW502", "tw502", "field-never-written"])
def test_a_rule_is_named_by_its_code_or_its_name(program: Path, rule: str) -> None:
    assert [one["rule"] for one in as_json(program, "--rule", rule)["findings"]] == ["TW502"]


def test_several_programs_have_paths_from_the_folder_that_holds_them(program: Path) -> None:
    other = program.with_name("other")
    other.mkdir()
    (other / "main.py").write_text((program / "main.py").read_text(encoding="utf-8"), encoding="utf-8")
    found = as_json(program, other)
    assert found["root"] == program.parent.as_posix()
    assert [one["path"] for one in found["findings"]] == ["other/main.py", "steps/main.py"]


def test_a_file_that_cannot_be_analysed_is_named_and_the_rest_is_audited(program: Path) -> None:
    (program / "wrong.py").write_text("def f(:\n", encoding="utf-8")
    result = run(program)
    assert "warning: wrong.py:1:7: not valid Python" in result.stdout
    assert "StepStats.inf_count" in result.stdout


# -- what is printed ----------------------------------------------------------------------------------------------


def test_a_finding_is_printed_with_its_source(program: Path) -> None:
    printed = "\n".join(line.rstrip() for line in run(program).stdout.splitlines())
    assert printed.startswith(PRINTED)


def test_the_last_lines_count(program: Path) -> None:
    lines = run(program).stdout.splitlines()[-3:]
    assert lines[:2] == ["1  TW502 field-never-written", "1 finding"]
    assert re.fullmatch(r"1 file, 20 lines · \d+\.\d% of sites resolved · \d+\.\d s", lines[2])


def _package(folder: Path, settings: str = "") -> Path:
    """Write a package with a function that no code of its own calls."""
    (folder / "app").mkdir()
    (folder / "pyproject.toml").write_text(f'[project]\nname = "app"\n{settings}', encoding="utf-8")
    (folder / "app" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "app" / "steps.py").write_text(
        "def check_path(path):\n    return len(path) > 3\n", encoding="utf-8"
    )
    return folder


def test_what_is_judged_as_a_library_is_said_beside_what_is_held_back(tmp_path: Path) -> None:
    shown = run(_package(tmp_path)).stdout
    assert "1 less certain finding held back" in shown
    assert "judged as a library, whose users may read and call what is public: library = false" in shown


@pytest.mark.parametrize("said", ["true", "false"])
def test_what_the_settings_say_of_a_library_is_not_repeated(tmp_path: Path, said: str) -> None:
    shown = run(_package(tmp_path, f"[tool.telewire.audit]\nlibrary = {said}\n")).stdout
    assert ("1 less certain finding held back" in shown, "judged as a library" in shown) == (True, False)


def test_the_json_says_how_many_programs_are_judged_as_libraries(program: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    summary = as_json(_package(package), program)["summary"]
    assert isinstance(summary, dict)
    assert summary["libraries"] == 1


def test_the_summary_leaves_the_findings_out(program: Path) -> None:
    assert run(program, "--summary").stdout.splitlines()[0] == "1  TW502 field-never-written"


def test_a_report_in_a_file(program: Path, tmp_path: Path) -> None:
    output = tmp_path / "audit.txt"
    result = run(program, "-o", output)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "TW502 field-never-written" in output.read_text(encoding="utf-8")


def test_a_finding_that_a_comment_accepts_is_counted(program: Path) -> None:
    main = program / "main.py"
    text = main.read_text(encoding="utf-8")
    accepted = "inf_count: int = 0  # telewire: ignore[TW502] the worker fills it, in C"
    main.write_text(text.replace("inf_count: int = 0", accepted), encoding="utf-8")
    result = run(program)
    assert (result.exit_code, "no findings · 1 accepted beside the code" in result.stdout) == (0, True)


# -- the JSON -----------------------------------------------------------------------------------------------------


def test_the_published_schema_is_fresh() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


def test_the_json_is_valid_against_the_published_schema(program: Path) -> None:
    (program / "wrong.py").write_text("def f(:\n", encoding="utf-8")
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(as_json(program))


def test_the_json_holds_what_was_found_and_how_much_was_resolved(program: Path) -> None:
    found = as_json(program)
    resolved, summary = found["resolved"], found["summary"]
    assert isinstance(resolved, dict)
    assert isinstance(summary, dict)
    assert [one["subject"] for one in found["findings"]] == ["main:StepStats.inf_count"]
    assert resolved["share"] == resolved["resolved"] / resolved["sites"]
    assert summary["by_rule"] == [{"rule": "TW502", "name": "field-never-written", "findings": 1}]
    assert (found["clean"], summary["files"], summary["lines"]) == (False, 1, 20)
