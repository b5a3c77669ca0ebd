"""A second run repeats the first one's answer for as long as nothing that it read has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telewire.verify.cache.folder import read_checked, write_checked
from telewire.verify.cache.replay import kept_answer

if TYPE_CHECKING:
    from .conftest import Project

MAIN = "from telewire.verify.cli import main; main()"


def verify(project: Project, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    before = time.time() - 60
    for path in project.root.rglob("*"):  # as if nobody had touched them for a minute
        if ".telewire_cache" not in path.parts:
            os.utime(path, (before, before))
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=project.root,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


def answers(project: Project) -> list[Path]:
    return sorted((project.root / ".telewire_cache" / "answers").glob("*.json"))


def forge(project: Project, out: str) -> None:
    """Give the kept answer another text, so that a test can tell whether it was repeated."""
    (path,) = answers(project)
    content = read_checked(str(path))
    assert content is not None
    write_checked(str(path), json.dumps(json.loads(content) | {"out": out}).encode())


@pytest.fixture
def kept(project: Project) -> Project:
    verify(project)
    forge(project, "kept")
    return project


def test_the_same_question_gets_the_kept_answer(kept: Project) -> None:
    assert verify(kept).stdout == b"kept"


def test_a_kept_answer_is_what_was_said_with_its_status(project: Project) -> None:
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    first, second = verify(project), verify(project)
    assert len(answers(project)) == 1
    assert (first.returncode, first.stdout, first.stderr) == (second.returncode, second.stdout, second.stderr)
    assert first.returncode == 1


def _source(project: Project) -> None:
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")


def _new_source(project: Project) -> None:
    project.write("app/later.py", "x = 1\n")


def _lost_source(project: Project) -> None:
    project.delete("app/emitters.py")


def _record(project: Project) -> None:
    path = project.root / "specs" / "TELE-301.yaml"
    path.write_text(path.read_text() + "\n# read again\n")


def _new_record(project: Project) -> None:
    text = (project.root / "specs" / "TELE-301.yaml").read_text()
    project.write("specs/TELE-302.yaml", text.replace("TELE-301", "TELE-302"))


def _nearer_configuration(project: Project) -> None:
    project.write("telewire.toml", 'sources = { app = "app" }\nregistry = "specs"\n')


@pytest.mark.parametrize(
    "change",
    [_source, _new_source, _lost_source, _record, _new_record, _nearer_configuration],
    ids=lambda change: change.__name__.strip("_"),
)
def test_whatever_was_read_and_has_changed_asks_for_a_new_answer(
    kept: Project, change: Callable[[Project], None]
) -> None:
    change(kept)
    assert verify(kept).stdout != b"kept"


def test_a_test_file_that_a_record_names_is_read_as_well(project: Project) -> None:
    named = {"kind": "unit", "subject": "app", "file": "tests/test_app.py", "name": "test_it"}
    project.record("TELE-301", tests=[named])
    verify(project)
    forge(project, "kept")
    assert verify(project).stdout == b"kept"
    project.write("tests/test_app.py", "def test_it(): ...\n")
    assert verify(project).stdout != b"kept"


@pytest.mark.parametrize("option", ["--hops", "--format=json", "--no-cache", "--no-colour"])
def test_another_command_line_is_another_question(kept: Project, option: str) -> None:
    assert verify(kept, option).stdout != b"kept"


def test_a_variable_that_changes_reports_is_part_of_the_question(kept: Project) -> None:
    assert verify(kept, COLUMNS="61").stdout != b"kept"


# -- answers that are not believed ----------------------------------------------------------------------------------

ENTRY = {"key": "k", "status": 0, "out": "kept", "errors": "", "files": {}, "folders": {}}


def entry(path: Path, **changes: object) -> Path:
    write_checked(str(path), json.dumps(ENTRY | changes).encode())
    return path


def test_an_intact_answer_to_the_same_question_is_believed(tmp_path: Path) -> None:
    assert kept_answer(str(entry(tmp_path / "a")), "k") == (0, b"kept", b"")


def test_an_answer_to_another_question_is_not_believed(tmp_path: Path) -> None:
    assert kept_answer(str(entry(tmp_path / "a")), "other") is None


@pytest.mark.parametrize("kept", [b"", b"x" * 40, b"\0" * 40])
def test_another_programs_file_is_not_believed(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / "a").write_bytes(kept)
    assert kept_answer(str(tmp_path / "a"), "k") is None


@pytest.mark.parametrize("length", [0, 16, 32, 40, -1])
def test_a_truncated_answer_is_not_believed(tmp_path: Path, length: int) -> None:
    path = entry(tmp_path / "a")
    path.write_bytes(path.read_bytes()[:length])
    assert kept_answer(str(path), "k") is None


def test_an_answer_with_one_byte_changed_is_not_believed(tmp_path: Path) -> None:
    path = entry(tmp_path / "a")
    path.write_bytes(path.read_bytes().replace(b"kept", b"keft"))
    assert kept_answer(str(path), "k") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"files": 7},
        {"folders": ["a"]},
        {"status": 2},
        {"status": "0"},
        {"out": 7},
        {"out": "\u2713"},
        {"errors": None},
        {"files": {"absent": "0"}},
        {"folders": {"absent": "0"}},
        {"files": {"a\0b": "0"}},
    ],
)
def test_an_answer_of_another_form_is_not_believed(tmp_path: Path, changes: dict[str, object]) -> None:
    assert kept_answer(str(entry(tmp_path / "a", **changes)), "k") is None


@pytest.mark.parametrize("content", [b"[]", b"7", b"{}", b"\xff", b"[" * 100_000])
def test_json_of_another_form_is_not_believed(tmp_path: Path, content: bytes) -> None:
    write_checked(str(tmp_path / "a"), content)
    assert kept_answer(str(tmp_path / "a"), "k") is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(entry(tmp_path / "b"))
    assert kept_answer(str(tmp_path / "a"), "k") is None


def test_a_folder_or_pipe_in_place_of_an_answer_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert [kept_answer(str(tmp_path / name), "k") for name in ("folder", "pipe")] == [None, None]


def test_a_pipe_in_place_of_an_input_is_a_change(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    files = {str(tmp_path / "pipe"): "0"}
    assert kept_answer(str(entry(tmp_path / "a", files=files)), "k") is None


def test_a_damaged_answer_is_replaced(kept: Project) -> None:
    (path,) = answers(kept)
    path.write_bytes(path.read_bytes()[:-7])
    result = verify(kept)
    assert (result.returncode, b"5 edges: 5 proved" in result.stdout, result.stderr) == (0, True, b"")
    assert read_checked(str(path)) is not None


# -- the folder -----------------------------------------------------------------------------------------------------


def test_the_cache_tells_version_control_and_backups_to_leave_it_out(kept: Project) -> None:
    folder = kept.root / ".telewire_cache"
    assert (folder / ".gitignore").read_text() == "*\n"
    assert (folder / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


def test_without_a_cache_nothing_is_written(project: Project) -> None:
    verify(project, "--no-cache")
    assert not (project.root / ".telewire_cache").exists()


def test_a_cache_folder_can_be_named(project: Project, tmp_path: Path) -> None:
    verify(project, "--cache-dir", str(tmp_path / "cache"))
    verify(project, TELEWIRE_CACHE_DIR=str(tmp_path / "other"))
    assert len(list(tmp_path.glob("*/answers/*.json"))) == 2
    assert not (project.root / ".telewire_cache").exists()


def test_where_nothing_can_be_written_nothing_is_kept(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = verify(project, TELEWIRE_CACHE_DIR=str(tmp_path / "file"))
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_report_that_goes_to_a_file_is_not_kept(project: Project, tmp_path: Path) -> None:
    verify(project, "-o", str(tmp_path / "report.txt"))
    assert not answers(project)


def test_what_could_not_be_verified_is_not_kept(project: Project) -> None:
    project.delete("specs/TELE-301.yaml")
    assert (verify(project).returncode, answers(project)) == (2, [])


def test_two_runs_at_once_are_safe(project: Project) -> None:
    command = [sys.executable, "-c", MAIN]
    runs = [
        subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert all(b"5 edges: 5 proved" in out and not errors for out, errors in said)
    assert all(read_checked(str(path)) is not None for path in answers(project))
