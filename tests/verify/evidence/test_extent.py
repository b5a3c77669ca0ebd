"""A run says nothing of the tests that it left out, and names tests from the project's folder wherever it began."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.verify.evidence.document import EvidenceModel
from telewire.verify.evidence.extent import TestIds
from telewire.verify.evidence.named_tests import Ending, NamedTests

from .app_project import PLUGIN, evidence_in, write_project
from .mutants.mutants_project import mutate

SHOWN = """\
from app.main import run

INF = float("inf")


def test_shown():
    for count in (0, 2, 5):
        assert run([[1.0, *[INF] * count]]) == f"Inf:{count}"


class TestMore:
    def test_healthy(self):
        assert run([[1.0]]) == "Inf:0"
"""
FAILING = "def test_failing():\n    assert False\n\n\ndef test_fine(): ...\n"
FILE = "tests/test_app.py"


def write(root: Path) -> Path:
    """A project whose tests lie in two files, without a setting that says where."""
    write_project(root)
    (root / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (root / FILE).write_text(SHOWN)
    (root / "tests/unit").mkdir()
    (root / "tests/unit/test_failing.py").write_text(FAILING)
    return root


def look(root: Path, *arguments: str, begin: Path | None = None) -> EvidenceModel:
    """Run the tests, from any folder; what failed before is known."""
    left_out = ("PYTEST_", "TELEWIRE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    command = [sys.executable, "-m", "pytest", *PLUGIN, "--wiring", *arguments]
    subprocess.run(command, cwd=begin or root, env=environment, capture_output=True, check=False)
    return evidence_in(root)


def shown(root: Path, evidence: EvidenceModel) -> Ending:
    return NamedTests(evidence, root).ending(FILE, "test_shown")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after a run of all its tests, so that those that failed are known."""
    root = write(tmp_path_factory.mktemp("ran"))
    evidence = look(root)
    assert (evidence.everything, evidence.whole_files) == (True, True)
    assert shown(root, evidence) is Ending.PASSED
    return root


def only_last(root: Path) -> None:
    (root / "conftest.py").write_text(
        "def pytest_collection_modifyitems(items):\n    del items[:-1]  # without a word\n"
    )


def broken(root: Path) -> None:
    (root / "tests/test_a.py").write_text("import nothing_of_this_name\n")


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        (["--lf"], None),
        (["--ignore=tests/test_app.py"], None),
        (["--ignore-glob=*/test_a*"], None),
        (["--deselect=tests/test_app.py"], None),
        (["--sw"], None),
        (["-k", "fine"], None),
        (["-o", "testpaths=tests/unit"], None),
        (["-o", "python_files=test_f*.py"], None),
        (["tests/unit"], None),
        (["tests/test_app.py::TestMore"], None),
        ([], only_last),
        (["-x"], broken),
        (["-x", "-n", "1"], broken),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_of_a_test_that_was_left_out_nothing_is_known(
    ran: Path, tmp_path: Path, arguments: list[str], change: Callable[[Path], object] | None
) -> None:
    root = tmp_path / "some"
    shutil.copytree(ran, root)
    if change is not None:
        change(root)
    if arguments == ["--sw"]:
        look(root, "--sw")
    assert shown(root, look(root, *arguments)) is Ending.UNKNOWN


def test_of_a_test_in_a_file_that_failed_before_nothing_is_known(ran: Path, tmp_path: Path) -> None:
    root = tmp_path / "failed"
    shutil.copytree(ran, root)
    (root / FILE).write_text(SHOWN + "\n\ndef test_worse():\n    assert False\n")
    look(root)
    assert shown(root, look(root, "--lf")) is Ending.UNKNOWN


def test_of_files_outside_the_folder_that_it_began_in_nothing_is_known(ran: Path, tmp_path: Path) -> None:
    root = tmp_path / "inside"
    shutil.copytree(ran, root)
    evidence = look(root, begin=root / "tests/unit")
    assert not evidence.everything
    assert shown(root, evidence) is Ending.UNKNOWN
    assert {test.id for test in evidence.tests} == {
        "tests/unit/test_failing.py::test_failing",
        "tests/unit/test_failing.py::test_fine",
    }


@pytest.mark.parametrize("name", ["pytest.ini", "conftest.py"])
def test_what_is_never_collected_is_found_out(tmp_path: Path, name: str) -> None:
    root = write(tmp_path / "never")
    never = {
        "pytest.ini": "[pytest]\npythonpath = .\npython_functions = test_h*\n",
        "conftest.py": "collect_ignore = ['tests/test_app.py']\n",
    }
    (root / name).write_text(never[name])
    assert shown(root, look(root)) is Ending.NOT_COLLECTED
    if name == "pytest.ini":
        assert shown(root, look(root, FILE)) is Ending.NOT_COLLECTED


# -- pytest's root elsewhere ----------------------------------------------------------------------------------------


def above(tmp_path: Path) -> Path:
    """A project in a folder of pytest's root."""
    root = write(tmp_path / "whole/sub")
    (root / "pytest.ini").unlink()
    (root.parent / "pytest.ini").write_text("[pytest]\npythonpath = sub\n")
    return root


@pytest.mark.parametrize("inside", [True, False])
def test_the_root_of_pytest_may_lie_above_the_project(tmp_path: Path, inside: bool) -> None:
    root = above(tmp_path)
    evidence = look(root, f"--wiring-project={root}", begin=root if inside else root.parent)
    assert evidence.everything
    assert set(evidence.files) == {FILE, "tests/unit/test_failing.py"}
    assert shown(root, evidence) is Ending.PASSED


def test_what_was_left_out_is_named_from_the_project_too(tmp_path: Path) -> None:
    root = above(tmp_path)
    evidence = look(root, f"--wiring-project={root}", "-k", "fine", begin=root.parent)
    assert f"{FILE}::test_shown" in evidence.deselected
    assert shown(root, evidence) is Ending.UNKNOWN


def test_workers_name_tests_from_the_project_too(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    root = above(tmp_path)
    evidence = look(root, f"--wiring-project={root}", "-n", "1", begin=root.parent)
    assert shown(root, evidence) is Ending.PASSED


def test_mutants_run_where_the_root_of_pytest_lies_above(tmp_path: Path) -> None:
    root = above(tmp_path)
    look(root, f"--wiring-project={root}", begin=root.parent)
    done = mutate(root, evidence=False)
    assert done.status == 0, done.output + done.errors
    assert f"{FILE}::test_shown" in done.left.tests
    assert FILE in done.left.files


def test_the_root_of_pytest_may_lie_in_the_project(tmp_path: Path) -> None:
    root = write(tmp_path / "app")
    (root / "pytest.ini").rename(root / "tests/pytest.ini")
    (root / "tests/pytest.ini").write_text("[pytest]\npythonpath = ..\n")
    evidence = look(root, f"--wiring-project={root}", begin=root / "tests")
    assert not evidence.everything
    assert shown(root, evidence) is Ending.PASSED
    done = mutate(root, evidence=False)
    assert done.status == 0, done.output + done.errors


def test_a_name_that_is_no_file_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("")
    (tmp_path / "sub").mkdir()
    ids = TestIds(tmp_path, tmp_path / "sub")
    assert ids.of_project("test_x.py::test_y[a::b]") == "../test_x.py::test_y[a::b]"
    assert [ids.of_project(one) for one in ("TELE-301::probe[7]", "::x", "sub")] == [
        "TELE-301::probe[7]",
        "::x",
        "sub",
    ]
