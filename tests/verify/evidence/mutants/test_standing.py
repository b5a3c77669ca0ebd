"""When what a mutant said holds no more: the test that noticed it fails, or what that test leans on has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ..app_project import run_tests
from .mutants_project import Done, mutate, said_of, write_mutants_project

LEANING = """\
from app.main import run
from checks import same

INF, NAN = float("inf"), float("nan")


def test_each_update_is_shown():
    same(run([[INF, NAN, NAN, NAN], [INF]], [[1.0]], [[INF] * 5]), ["Inf:2", "Inf:0", "Inf:5"])
"""

CHECKS = """\
READY = True


def same(shown, wanted):
    assert READY
    assert shown == wanted
"""


@pytest.fixture(scope="module")
def leaning(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A test that leaves its assertion to a helper."""
    root = write_mutants_project(tmp_path_factory.mktemp("leaning"), LEANING)
    (root / "tests/checks.py").write_text(CHECKS)
    return mutate(root)


def again(done: Done, folder: Path, checks: str) -> Path:
    """The same project with other checks."""
    root = folder / "again"
    shutil.copytree(done.root, root)
    (root / "tests/checks.py").write_text(checks)
    return root


def test_a_helper_that_checks_nothing_any_more_has_noticed_nothing(leaning: Done, tmp_path: Path) -> None:
    assert leaning.status == 0, leaning.output
    root = again(leaning, tmp_path, CHECKS.replace("shown == wanted", "shown"))
    assert said_of(root, leaning.left).reason == "stale: tests/checks.py has changed since the mutants ran"
    anew = mutate(root)
    assert "0 known before" in anew.output
    assert anew.status == 1


def test_a_test_that_fails_has_noticed_nothing(leaning: Done, tmp_path: Path) -> None:
    root = again(leaning, tmp_path, CHECKS)
    (root / "tests/conftest.py").write_text("import checks\n\nchecks.READY = False\n")
    run_tests(root, "--wiring", "-q")
    digests = leaning.left.files | {"tests/conftest.py": None}
    document = leaning.left.model_copy(
        update={"files": {file: digest for file, digest in digests.items() if file != "tests/conftest.py"}}
    )
    (root / "tests/conftest.py").unlink()
    assert said_of(root, document).reason == (
        "stale: tests/test_app.py::test_each_update_is_shown does not pass any more"
    )
