"""`verify-wiring --run`: tests, probes and mutants for real, and what they come to."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from telewire.registry.config import load_configuration
from telewire.verify import whole_run
from telewire.verify.whole_run import CannotRun

from .app_project import write_project

SEEING = """\
import pytest

from app.main import run


@pytest.mark.parametrize("count", [0, 2, 7])
def test_infinities_are_shown(count):
    assert run([[1.0, *[float("inf")] * count]]) == f"Inf:{count}"
"""
UNSEEING = """\
from app.main import run


def test_that_it_runs():
    for count in (0, 2, 7):
        assert run([[1.0, *[float("inf")] * count]]).startswith("Inf")
"""
DRIVES = """\
from app.main import run


def inf_gradients(value):
    return run([[float("inf")] * value])
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The program with a probe, and with tests that look at what is shown."""
    made = write_project(tmp_path / "app", probe={"drive": "tests.drives:inf_gradients", "values": [2, 7]})
    (made / "tests/test_app.py").write_text(SEEING)
    (made / "tests/drives.py").write_text(DRIVES)
    return made


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from telewire.verify.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "--project", str(root), "--run", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_record_whose_tests_notice_everything_is_verified(root: Path) -> None:
    done = run(root)
    assert done.stdout.splitlines()[0].split()[-1] == "verified", done.stdout + done.stderr
    assert done.returncode == 0
    assert "TELE-301::probe" not in done.stdout  # what pytest and the mutants show is no part of the report
    assert "6 passed" in done.stderr


def test_a_mutant_that_no_test_notices_fails_the_run(root: Path) -> None:
    (root / "tests/test_app.py").write_text(UNSEEING)
    record = root / "specs/TELE-301.yaml"
    keys = yaml.safe_load(record.read_text())
    del keys["probe"]
    record.write_text(yaml.safe_dump(keys))
    done = run(root)
    assert done.returncode == 1
    assert "TW408" in done.stdout
    assert (
        "TELE-301 is tested, verified is required: not verified: probe: the record has no probe"
        in done.stderr
    )


def test_a_failing_test_fails_the_run_whatever_it_is_about(root: Path) -> None:
    (root / "tests/test_other.py").write_text("def test_other():\n    assert 1 == 2\n")
    done = run(root, "--require", "wired")
    assert done.returncode == 1
    assert "some tests failed, whatever they are about" in done.stderr


def test_the_setting_says_which_tests(root: Path) -> None:
    (root / "tests/test_other.py").write_text("def test_other():\n    assert 1 == 2\n")
    with (root / "telewire.toml").open("a") as stream:
        stream.write('pytest = ["tests/test_app.py"]\n')
    assert run(root, "--require", "tested").returncode == 0


def test_a_run_without_any_test_is_no_pass(root: Path) -> None:
    with (root / "telewire.toml").open("a") as stream:
        stream.write('pytest = ["-k", "nothing_is_named_so"]\n')
    done = run(root)
    assert done.returncode == 2
    assert "nothing was verified: pytest found no test" in done.stderr


def test_without_pytest_nothing_is_said_of_the_tests(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CannotRun, match="pytest is not installed"):
        whole_run.run(load_configuration(root), records=(), jobs=None)


def test_another_configuration_is_refused(root: Path) -> None:
    done = run(root, "--config", str(root / "telewire.toml"))
    assert done.returncode == 2
    assert "--run is for the project's own configuration" in done.stderr
