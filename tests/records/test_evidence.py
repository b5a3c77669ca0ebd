"""A page with evidence: its status and its tests are those of real runs; without, those of the source alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from telewire.records.cli import records

from ..verify.evidence.app_project import write_project

TESTS = """\
import pytest

from app.main import run


@pytest.mark.parametrize("count", [0, 2, 7])
def test_infinities_are_shown(count):
    assert run([[1.0, *[float("inf")] * count]]) == f"Inf:{count}"


@pytest.mark.skip(reason="not now")
def test_that_is_skipped(): ...
"""
DRIVES = """\
from app.main import run


def inf_gradients(value):
    return run([[float("inf")] * value])
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program whose tests, probes and mutants have run."""
    tests = [
        {"kind": "unit", "file": "tests/test_app.py", "name": name}
        for name in ("test_infinities_are_shown", "test_that_is_skipped")
    ]
    probe = {"drive": "tests.drives:inf_gradients", "values": [2, 7]}
    made = write_project(tmp_path_factory.mktemp("evidence") / "app", probe=probe, tests=tests)
    (made / "tests/test_app.py").write_text(TESTS)
    (made / "tests/drives.py").write_text(DRIVES)
    code = "from telewire.verify.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", code, "--project", str(made), "--run"], capture_output=True, check=False
    )
    return made


def page(root: Path, folder: Path, *arguments: str) -> str:
    done = CliRunner().invoke(records, ["render", "--project", str(root), "-o", str(folder), *arguments])
    assert done.exit_code == 0, done.output
    return (folder / "TELE-301.md").read_text()


def test_with_evidence_a_page_says_how_far_the_record_is(root: Path, tmp_path: Path) -> None:
    lines = page(root, tmp_path, "--evidence").splitlines()
    assert "`[x] Tested` `[x] Verified`" in lines[3]
    assert "the evidence of its tests, probes and mutants, not ticked by hand." in lines[5]
    assert "No further because" not in lines[5]


def test_with_evidence_a_page_says_how_each_test_ended(root: Path, tmp_path: Path) -> None:
    text = page(root, tmp_path, "--evidence")
    (passed,) = [line for line in text.splitlines() if "`test_infinities_are_shown`" in line]
    (skipped,) = [line for line in text.splitlines() if "`test_that_is_skipped`" in line]
    assert passed.endswith("| `[x]` passed |")
    assert skipped.endswith("| `[ ]` skipped |")


def test_without_evidence_a_page_is_the_same_in_every_checkout(root: Path, tmp_path: Path) -> None:
    text = page(root, tmp_path)
    assert "`[x] Wired` `[ ] Tested` `[ ] Verified`" in text
    assert "`[ ]` exists, no result" in text
    assert "passed" not in text


def test_a_page_with_evidence_is_checked_with_it(root: Path, tmp_path: Path) -> None:
    page(root, tmp_path, "--evidence")
    arguments = ["render", "--check", "--project", str(root), "-o", str(tmp_path)]
    assert CliRunner().invoke(records, [*arguments, "--evidence"]).exit_code == 0
    assert CliRunner().invoke(records, arguments).exit_code == 1
