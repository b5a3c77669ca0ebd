"""A second run repeats the first one's answer for as long as nothing that it read has changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telewire.verify.cache.folder import read_checked

from .conftest import age, answers, forge

if TYPE_CHECKING:
    from ..conftest import Project
    from .conftest import Run, Said

MAIN = "from telewire.verify.cli import main; main()"

Verify = Callable[..., "Said"]


@pytest.fixture
def verify(run: Run) -> Verify:
    """Verify a project."""
    return lambda project, *arguments, **environment: run(project.root, "verify", *arguments, **environment)


@pytest.fixture
def kept(project: Project, verify: Verify) -> Project:
    """A verified project, with another text in the answer that is kept."""
    verify(project)
    forge(project.root)
    return project


def test_the_same_question_gets_the_kept_answer(kept: Project, verify: Verify) -> None:
    assert verify(kept).stdout == b"kept"


def test_a_kept_answer_is_what_was_said_with_its_status(project: Project, verify: Verify) -> None:
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    first, second = verify(project), verify(project)
    assert len(answers(project.root)) == 1
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
    kept: Project, change: Callable[[Project], None], verify: Verify
) -> None:
    change(kept)
    assert verify(kept).stdout != b"kept"


def test_a_test_file_that_a_record_names_is_read_as_well(project: Project, verify: Verify) -> None:
    named = {"kind": "unit", "subject": "app", "file": "tests/test_app.py", "name": "test_it"}
    project.record("TELE-301", tests=[named])
    verify(project)
    forge(project.root)
    assert verify(project).stdout == b"kept"
    project.write("tests/test_app.py", "def test_it(): ...\n")
    assert verify(project).stdout != b"kept"


@pytest.mark.parametrize("option", ["--hops", "--format=json", "--no-cache", "--no-colour"])
def test_another_command_line_is_another_question(kept: Project, option: str, verify: Verify) -> None:
    assert verify(kept, option).stdout != b"kept"


def test_a_variable_that_changes_reports_is_part_of_the_question(kept: Project, verify: Verify) -> None:
    assert verify(kept, COLUMNS="61").stdout != b"kept"


def test_a_damaged_answer_is_replaced(kept: Project, verify: Verify) -> None:
    (path,) = answers(kept.root)
    path.write_bytes(path.read_bytes()[:-7])
    result = verify(kept)
    assert (result.returncode, b"5 edges: 5 proved" in result.stdout, result.stderr) == (0, True, b"")
    assert read_checked(str(path)) is not None


# -- the folder -----------------------------------------------------------------------------------------------------


def test_the_cache_tells_version_control_and_backups_to_leave_it_out(kept: Project, verify: Verify) -> None:
    folder = kept.root / ".telewire_cache"
    assert (folder / ".gitignore").read_text() == "*\n"
    assert (folder / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")


def test_without_a_cache_nothing_is_written(project: Project, verify: Verify) -> None:
    verify(project, "--no-cache")
    assert not (project.root / ".telewire_cache").exists()


def test_a_cache_folder_can_be_named(project: Project, tmp_path: Path, verify: Verify) -> None:
    verify(project, "--cache-dir", str(tmp_path / "cache"))
    verify(project, TELEWIRE_CACHE_DIR=str(tmp_path / "other"))
    assert len(list(tmp_path.glob("*/answers/*.json"))) == 2
    assert not (project.root / ".telewire_cache").exists()


def test_where_nothing_can_be_written_nothing_is_kept(
    project: Project, tmp_path: Path, verify: Verify
) -> None:
    (tmp_path / "file").write_text("")
    result = verify(project, TELEWIRE_CACHE_DIR=str(tmp_path / "file"))
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_report_that_goes_to_a_file_is_not_kept(project: Project, tmp_path: Path, verify: Verify) -> None:
    verify(project, "-o", str(tmp_path / "report.txt"))
    assert not answers(project.root)


def test_what_could_not_be_verified_is_not_kept(project: Project, verify: Verify) -> None:
    project.delete("specs/TELE-301.yaml")
    assert (verify(project).returncode, answers(project.root)) == (2, [])


def test_another_process_gets_the_kept_answer(project: Project) -> None:
    age(project.root)
    command = [sys.executable, "-c", MAIN]
    first = subprocess.run(command, cwd=project.root, capture_output=True, check=False)
    forge(project.root)
    second = subprocess.run(command, cwd=project.root, capture_output=True, check=False)
    assert (first.returncode, second.returncode, second.stdout) == (0, 0, b"kept")


def test_two_runs_at_once_are_safe(project: Project) -> None:
    age(project.root)
    command = [sys.executable, "-c", MAIN]
    runs = [
        subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert all(b"5 edges: 5 proved" in out and not errors for out, errors in said)
    assert len(answers(project.root)) == 1
    assert all(read_checked(str(path)) is not None for path in answers(project.root))
