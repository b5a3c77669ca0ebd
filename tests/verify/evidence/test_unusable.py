"""Files of evidence that cannot be read, or written: one line says which, what is wrong with it, and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
import pytest
from click.testing import CliRunner, Result

from telewire.verify.cli import verify
from telewire.verify.evidence.rows import is_summary
from telewire.verify.evidence.summaries import summary_of
from telewire.verify.mutate import mutate_command

from .app_project import Run, run_tests, write_project

EVIDENCE = ".telewire/evidence.json"
NO_VALUES: tuple[object, ...] = (
    [],
    ["many", "list"],
    ["many", "list", 1, "", [["int"]]],
    ["many", "list", 1, "", 3],
    ["fields", "A", "", [["name"]]],
    ["float", "seven"],
    ["array", "cpu", "float32", 4, None],
    ["none", 1],
    ["nothing"],
    [["int", 1]],
    [7],
)


@pytest.fixture
def left(whole: tuple[Path, Run], tmp_path: Path) -> Path:
    """A project with evidence that may be spoilt."""
    root = tmp_path / "left"
    shutil.copytree(whole[0], root)
    return root


def verified(root: Path) -> Result:
    return CliRunner().invoke(verify, ["--project", str(root), "--no-cache"])


def mutated(root: Path) -> Result:
    return CliRunner().invoke(mutate_command, ["--project", str(root), "--no-cache"])


COMMANDS = pytest.mark.parametrize("command", [verified, mutated])


def spoil(root: Path, *path: str | int, by: object) -> None:
    """Put something else at a place of the file."""
    data = whole_file = json.loads((root / EVIDENCE).read_text())
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = by
    (root / EVIDENCE).write_text(json.dumps(whole_file))


@COMMANDS
@pytest.mark.parametrize("row", NO_VALUES, ids=json.dumps)
def test_what_is_no_value_is_named(command: Callable[[Path], Result], left: Path, row: object) -> None:
    spoil(left, "values", 1, by=row)
    shown = command(left)
    assert shown.exit_code == 2
    assert isinstance(shown.exception, SystemExit)
    last = shown.stderr.splitlines()[-1]
    assert "evidence.json: is" in last
    assert "values.1" in last
    assert "run the tests with --wiring again" in last


@pytest.mark.parametrize(
    ("path", "by", "said"),
    [
        (("points", 0, "function"), 99, "points.0.function is 99, expected less than"),
        (("tests", 0, "seen", 0, "point"), 99, "tests.0.seen.0.point is 99, expected less than"),
        (("tests", 0, "seen", 0, "values"), [-1], "tests.0.seen.0.values has -1, expected 0 to"),
    ],
)
def test_a_position_of_what_is_not_there_is_named(
    left: Path, path: tuple[str | int, ...], by: object, said: str
) -> None:
    spoil(left, *path, by=by)
    assert said in verified(left).stderr


@COMMANDS
def test_a_folder_in_the_place_of_the_file_is_named(command: Callable[[Path], Result], left: Path) -> None:
    (left / EVIDENCE).unlink()
    (left / EVIDENCE).mkdir()
    shown = command(left)
    assert shown.exit_code == 2
    assert "evidence.json: is a folder, expected a file; move it away" in shown.stderr


@COMMANDS
def test_a_file_in_the_place_of_the_folder_is_named(command: Callable[[Path], Result], left: Path) -> None:
    shutil.rmtree(left / ".telewire")
    (left / ".telewire").write_text("")
    shown = command(left)
    assert shown.exit_code == 2
    assert "evidence.json: cannot be read: Not a directory" in shown.stderr


@COMMANDS
@pytest.mark.parametrize("name", [".", "", "/", "app"])
def test_a_setting_that_names_a_folder_is_refused(
    command: Callable[[Path], Result], left: Path, name: str
) -> None:
    with (left / "telewire.toml").open("a") as stream:
        stream.write(f'evidence = "{name}"\n')
    shown = command(left)
    assert shown.exit_code == 2
    assert f"evidence = {name!r} is a folder, expected a file" in shown.stderr


def test_what_cannot_be_used_is_shown_beside_what_is_proved(left: Path) -> None:
    (left / EVIDENCE).write_text("{}")
    shown = verified(left)
    assert shown.exit_code == 2
    assert "5 edges: 5 proved" in shown.stdout


@pytest.mark.parametrize("more", [(), ("--no-summary",)])
def test_results_stay_visible_where_no_evidence_can_be_written(tmp_path: Path, more: tuple[str, ...]) -> None:
    root = write_project(tmp_path / "full")
    (root / ".telewire").write_text("")
    run = run_tests(root, "--wiring", "-k", "healthy", *more)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "1 passed" in run.stdout
    said = run.stdout + run.stderr
    assert "Traceback" not in said
    (line,) = [one for one in said.splitlines() if "no evidence is left" in one]
    assert f"evidence.json: cannot be written: {root / '.telewire'} is no folder; move away" in line


def test_failures_stay_visible_where_no_evidence_can_be_written(tmp_path: Path) -> None:
    root = write_project(tmp_path / "full")
    (root / EVIDENCE).mkdir(parents=True)
    run = run_tests(root, "--wiring")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "3 failed" in run.stdout or "2 failed" in run.stdout
    assert "FAILED tests/test_app.py::test_that_fails" in run.stdout
    assert "evidence.json: cannot be written: Is a directory" in run.stdout
    assert list((root / ".telewire").glob(".evidence.json*")) == []


def test_what_mutants_said_is_shown_where_it_cannot_be_written(left: Path) -> None:
    (left / ".telewire/mutants.json").mkdir()
    shown = mutated(left)
    assert shown.exit_code == 2
    assert "killed" in shown.stdout
    assert "mutants.json: cannot be written: Is a directory" in shown.stderr


@dataclass
class Kept:
    """What has fields."""

    count: int
    inner: object


PLAIN = (None, True, 7, 1 << 80, 0.5, float("nan"), float("-inf"), "a", "b" * 100, "\udce9", b"xy", object())
HOLDING = ([1, [2, [3, [4]]]], {"a": (1.0, None)}, {1, 2}, Kept(1, Kept(2, [])), numpy.zeros((2, 3)))


@pytest.mark.parametrize("value", [*PLAIN, *HOLDING])
def test_what_is_kept_of_a_value_is_taken_for_it(value: object) -> None:
    assert is_summary(json.loads(json.dumps(summary_of(value))))


def test_nesting_without_end_is_no_value() -> None:
    row: list[object] = ["int", 1]
    for _ in range(100):
        row = ["many", "list", 1, "", [row]]
    assert not is_summary(row)
