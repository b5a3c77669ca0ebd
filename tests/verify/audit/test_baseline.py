"""`--baseline`: a project adopts the audit with what is there today, and only new findings fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from telewire.cli import telewire


def run(*arguments: object) -> Result:
    return CliRunner().invoke(telewire, ["audit", *map(str, arguments)])


@pytest.fixture
def baseline(program: Path, tmp_path: Path) -> Path:
    path = tmp_path / "baseline.json"
    result = run(program, "--write-baseline", path)
    assert (result.exit_code, "1 finding written" in result.stdout) == (0, True)
    return path


def test_known_findings_do_not_fail(program: Path, baseline: Path) -> None:
    result = run(program, "--baseline", baseline)
    assert (result.exit_code, "no findings · 1 in the baseline" in result.stdout) == (0, True)


def test_a_known_finding_is_recognised_on_another_line(program: Path, baseline: Path) -> None:
    main = program / "main.py"
    main.write_text("# a new first line\n" + main.read_text(encoding="utf-8"), encoding="utf-8")
    assert run(program, "--baseline", baseline).exit_code == 0


def test_a_new_finding_fails_and_is_the_only_one_shown(program: Path, baseline: Path) -> None:
    main = program / "main.py"
    text = main.read_text(encoding="utf-8").replace("stats.nan_count = found", "del found")
    main.write_text(text, encoding="utf-8")
    result = run(program, "--baseline", baseline)
    assert result.exit_code == 1
    assert "StepStats.nan_count" in result.stdout
    assert "StepStats.inf_count is" not in result.stdout


def test_repaired_findings_are_told(repaired: Path, program: Path, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    known = '{"rule": "TW502", "subject": "main:StepStats.inf_count", "path": "main.py", "count": 1}'
    path.write_text(f'{{"format": 1, "findings": [{known}]}}', encoding="utf-8")
    result = run(repaired, "--baseline", path)
    assert (result.exit_code, "1 finding of the baseline no longer there" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no baseline"),
        ("[]", "is no baseline"),
        ('{"format": 2, "findings": []}', "format"),
        ('{"format": 1, "findings": [{"rule": "TW502"}]}', "findings.0.subject"),
    ],
)
def test_what_is_no_baseline_is_status_2(program: Path, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    result = run(program, "--baseline", path)
    assert (result.exit_code, said in result.stderr, "--write-baseline" in result.stderr) == (2, True, True)


def test_a_baseline_that_is_not_there_is_status_2(program: Path, tmp_path: Path) -> None:
    result = run(program, "--baseline", tmp_path / "none.json")
    assert (result.exit_code, "--write-baseline" in result.stderr) == (2, True)


def test_reading_and_writing_at_once_is_status_2(program: Path, baseline: Path) -> None:
    assert run(program, "--baseline", baseline, "--write-baseline", baseline).exit_code == 2
