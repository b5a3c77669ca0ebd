"""`telewire diff`: revisions, the work tree, exit statuses, and a repository that stays as it is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from telewire.verify.diff.cli import diff

if TYPE_CHECKING:
    from .conftest import GitProject

CALLED = "def measure() -> None:\n    print(1)\n\n\ndef run() -> None:\n    measure()\n\n\nrun()\n"
UNCALLED = CALLED.replace("    measure()\n", "    pass\n")


def run(project: GitProject, *arguments: str) -> Result:
    return CliRunner().invoke(diff, [*arguments, "--project", str(project.root)])


@pytest.fixture
def project(repository: GitProject) -> GitProject:
    """Two commits: the second takes away the only call of a function."""
    repository.commit(app=CALLED)
    repository.git("tag", "before")
    repository.commit(app=UNCALLED)
    return repository


def test_a_loss_is_exit_status_one(project: GitProject) -> None:
    result = run(project, "before", "HEAD")
    assert (result.exit_code, "measure()  no longer called" in result.output) == (1, True)


def test_no_loss_is_exit_status_zero(project: GitProject) -> None:
    result = run(project, "HEAD", "HEAD")
    assert (result.exit_code, "nothing lost its wire" in result.output) == (0, True)


def test_without_a_second_revision_the_work_tree_is_compared(project: GitProject) -> None:
    project.write("app.py", CALLED)
    assert run(project, "before").exit_code == 0


def test_new_files_of_the_work_tree_count(project: GitProject) -> None:
    project.write("more.py", "from app import measure\n\nmeasure()\n")
    assert run(project, "before").exit_code == 0


def test_files_that_git_ignores_do_not_count(project: GitProject) -> None:
    project.write(".gitignore", "more.py\n")
    project.write("more.py", "from app import measure\n\nmeasure()\n")
    assert run(project, "before").exit_code == 1


def test_a_file_that_was_deleted_by_hand_is_gone(project: GitProject) -> None:
    project.write("keep.py", "x = 1\n")
    (project.root / "app.py").unlink()
    assert run(project, "before").exit_code == 0


def test_neither_work_tree_nor_index_is_touched(project: GitProject) -> None:
    project.write("app.py", CALLED)
    project.git("add", "app.py")
    project.write("app.py", "x = 1\n")
    index = (project.root / ".git" / "index").read_bytes()
    before = project.git("status", "--porcelain")
    run(project, "before", "HEAD")
    run(project, "before")
    assert (project.root / ".git" / "index").read_bytes() == index
    assert project.git("status", "--porcelain") == before


def test_json_says_what_was_and_what_follows(project: GitProject) -> None:
    result = run(project, "before", "HEAD", "--format", "json")
    [lost] = json.loads(result.output)["lost"]
    assert (lost["loss"], lost["subject"], lost["path"], lost["line"], lost["callers"]) == (
        "no-longer-called",
        "measure()",
        "app.py",
        1,
        ["app:run"],
    )


def test_a_report_is_written_to_a_file(project: GitProject, tmp_path: Path) -> None:
    run(project, "before", "HEAD", "-o", str(tmp_path / "diff.txt"))
    assert "measure()" in (tmp_path / "diff.txt").read_text(encoding="utf-8")


def test_a_project_in_a_folder_of_the_repository_is_compared_by_itself(repository: GitProject) -> None:
    repository.write("inner/pyproject.toml", "")
    repository.commit(inner__app=CALLED, outer=CALLED)
    repository.commit(inner__app=CALLED, outer=UNCALLED)
    result = CliRunner().invoke(diff, ["HEAD~1", "HEAD", "--project", str(repository.root / "inner")])
    assert (result.exit_code, "0 of 1 files changed" in result.output) == (0, True)


def test_the_settings_say_which_sources(repository: GitProject) -> None:
    repository.write("telewire.toml", 'sources = { app = "lib" }\n')
    repository.commit(lib__main=CALLED, other=CALLED)
    repository.commit(lib__main=CALLED, other=UNCALLED)
    assert run(repository, "HEAD~1", "HEAD").exit_code == 0


SCRIPT = "from lib import measure\n\n\ndef main() -> None:\n    measure()\n\n\nif __name__ == '__main__':\n    main()\n"


@pytest.mark.parametrize(
    ("beside", "status"),
    [("# nothing to install\n", 1), ("[project]\nname = 'lib'\nversion = '1'\n", 0)],
    ids=["an application", "a distribution"],
)
def test_a_script_beside_packages_is_part_of_an_application(
    repository: GitProject, beside: str, status: int
) -> None:
    repository.write("pyproject.toml", beside)
    repository.write("lib/__init__.py", "def measure() -> None:\n    print(1)\n")
    repository.commit(train=SCRIPT)
    repository.git("tag", "before")
    repository.commit(train=SCRIPT.replace("    measure()\n", "    pass\n"))
    assert run(repository, "before", "HEAD").exit_code == status
    assert run(repository, "before").exit_code == status


def test_a_file_that_cannot_be_parsed_is_named_and_the_rest_is_compared(repository: GitProject) -> None:
    repository.commit(app=CALLED, broken="def (:\n")
    repository.commit(app=UNCALLED, broken="def (:\n")
    result = run(repository, "HEAD~1", "HEAD")
    assert (result.exit_code, "broken.py:1:" in result.output) == (1, True)


def test_an_unknown_revision_is_one_line_and_exit_status_two(project: GitProject) -> None:
    result = run(project, "nonsense")
    assert (result.exit_code, "there is no revision 'nonsense'" in result.output) == (2, True)
    assert len(result.output.splitlines()) == 1


def test_a_revision_that_looks_like_an_option_is_none(project: GitProject) -> None:
    assert CliRunner().invoke(diff, ["--project", str(project.root), "--", "--all"]).exit_code == 2


def test_a_folder_without_a_repository_is_exit_status_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = CliRunner().invoke(diff, ["HEAD", "--project", str(tmp_path)])
    assert (result.exit_code, "is in no git work tree" in result.output) == (2, True)


def test_a_shallow_clone_says_how_to_get_the_rest(project: GitProject, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", "--no-tags", f"file://{project.root}", str(clone)],
        check=True,
        capture_output=True,
    )
    result = CliRunner().invoke(diff, ["HEAD~1", "--project", str(clone)])
    assert (result.exit_code, "the clone is shallow" in result.output) == (2, True)


def test_a_machine_without_git_is_told(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = run(project, "before")
    assert (result.exit_code, "git cannot be run" in result.output) == (2, True)


def test_a_revision_without_sources_is_exit_status_two(repository: GitProject) -> None:
    repository.write("README.md", "nothing here\n")
    repository.commit()
    result = run(repository, "HEAD", "HEAD")
    assert (result.exit_code, "holds no Python source" in result.output) == (2, True)
