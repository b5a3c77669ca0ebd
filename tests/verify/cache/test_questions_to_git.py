"""What git said is asked again before an answer is repeated; nothing else is asked, and nowhere else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telewire.verify.cache.folder import write_checked
from telewire.verify.cache.replay import kept_answer
from telewire.verify.git import answer_digest

from ..diff.conftest import GitProject
from .conftest import answers, forge

if TYPE_CHECKING:
    from .conftest import Run

CALLED = "def measure() -> None:\n    print(1)\n\n\ndef run() -> None:\n    measure()\n\n\nrun()\n"
UNCALLED = CALLED.replace("    measure()\n", "    pass\n")


@pytest.fixture
def project(tmp_path: Path) -> GitProject:
    """Two commits: the second takes away the only call of a function."""
    made = GitProject(tmp_path / "repository")
    made.root.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    made.write(".gitignore", ".telewire_cache/\nignored.py\n")
    made.commit(app=CALLED)
    made.git("tag", "before")
    made.commit(app=UNCALLED)
    return made


QUESTIONS = {
    "two revisions": ("diff", "before", "HEAD"),
    "the work tree": ("diff", "before"),
    "an audit of a change": ("audit", "--changed-since", "before"),
    "a trace": ("trace", "measure()"),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_the_same_question_gets_the_kept_answer(
    project: GitProject, run: Run, question: tuple[str, ...]
) -> None:
    first = run(project.root, *question)
    forge(project.root)
    second = run(project.root, *question)
    assert (second.stdout, second.returncode) == (b"kept", first.returncode)


def _moved_branch(project: GitProject) -> None:
    project.commit(app=CALLED)


def _moved_tag(project: GitProject) -> None:
    project.git("tag", "--force", "before", "HEAD")


def _settings(project: GitProject) -> None:
    project.write("telewire.toml", 'sources = { app = "lib" }\n')


@pytest.mark.parametrize(
    "change", [_moved_branch, _moved_tag, _settings], ids=lambda change: change.__name__.strip("_")
)
def test_whatever_changes_two_revisions_asks_for_a_new_answer(project: GitProject, run: Run, change) -> None:
    run(project.root, *QUESTIONS["two revisions"])
    forge(project.root)
    change(project)
    assert run(project.root, *QUESTIONS["two revisions"]).stdout != b"kept"


@pytest.mark.parametrize("question", ["the work tree", "an audit of a change"])
@pytest.mark.parametrize("changed", ["app.py", "later.py"])
def test_a_changed_work_tree_asks_for_a_new_answer(
    project: GitProject, run: Run, question: str, changed: str
) -> None:
    run(project.root, *QUESTIONS[question])
    forge(project.root)
    project.write(changed, CALLED)
    assert run(project.root, *QUESTIONS[question]).stdout != b"kept"


def test_the_work_tree_is_no_part_of_two_revisions(project: GitProject, run: Run) -> None:
    run(project.root, *QUESTIONS["two revisions"])
    forge(project.root)
    project.write("app.py", CALLED)
    assert run(project.root, *QUESTIONS["two revisions"]).stdout == b"kept"


def test_what_could_not_be_compared_is_not_kept(project: GitProject, run: Run) -> None:
    assert (run(project.root, "diff", "no-such-tag").returncode, answers(project.root)) == (2, [])


# -- what a forged answer may ask -----------------------------------------------------------------------------------


def entry(path: Path, *asked: list[object]) -> str:
    whole = {"key": "k", "status": 0, "out": "kept", "errors": "", "files": {}, "folders": {}, "git": asked}
    write_checked(str(path), json.dumps(whole).encode())
    return str(path)


def test_git_is_asked_in_the_folders_of_the_command_only(project: GitProject, tmp_path: Path) -> None:
    here = str(project.root)
    asked = [here, "commit", "HEAD", answer_digest(here, "commit", "HEAD")]
    path = entry(tmp_path / "a", asked)
    assert kept_answer(path, "k", git_in=[here]) == (0, b"kept", b"")
    assert kept_answer(path, "k", git_in=[str(tmp_path / "other")]) is None
    assert kept_answer(path, "k") is None


@pytest.mark.parametrize(
    ("question", "argument"),
    [
        ("gc", ""),
        ("-c alias.x=!touch forged", ""),
        ("commit", "--output=forged"),
        ("difference", "--output=forged"),
        ("difference", "HEAD"),
        ("files", "--output=forged"),
    ],
)
def test_nothing_but_the_known_questions_is_asked(
    project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, argument: str
) -> None:
    started: list[list[str]] = []
    run_it = subprocess.run

    def note(command: list[str], **more: object) -> subprocess.CompletedProcess[bytes]:
        started.append(command)
        return run_it(command, **more)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "run", note)
    here = str(project.root)
    path = entry(tmp_path / "a", [here, question, argument, "0"])
    assert kept_answer(path, "k", git_in=[here]) is None
    assert all(command[1] in {"rev-parse", "ls-files", "-c"} for command in started)
    assert not any(argument in command for command in started if argument)
    assert not (project.root / "forged").exists()


@pytest.mark.parametrize("asked", [7, [], ["a"], {"a": 1}, [1, 2, 3, 4], None])
def test_questions_of_another_form_are_not_believed(tmp_path: Path, asked: object) -> None:
    assert kept_answer(entry(tmp_path / "a", asked), "k", git_in=[str(tmp_path)]) is None  # type: ignore[arg-type]
