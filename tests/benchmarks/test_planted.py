"""The programs with faults planted by hand: sound as they are, and each fault can be planted."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from telewire.benchmarks.planted.__main__ import Edit, Fault, found_in, plant, programs, read_faults
from telewire.verify.findings import Confidence

PROGRAMS = list(programs())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_nothing_is_told_of_a_program_as_it_is(program: Path) -> None:
    assert found_in(program, Confidence.MEDIUM) == set()


@pytest.mark.parametrize(
    ("program", "fault"), [(program, fault) for program in PROGRAMS for fault in read_faults(program)]
)
def test_each_fault_can_be_planted_and_leaves_python(program: Path, fault: Fault, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(program, tree)
    plant(fault, tree)
    for edit in fault.edits:
        ast.parse((tree / edit.file).read_text(encoding="utf-8"))


def test_a_text_that_does_not_occur_once_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("a = 1\na = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"occurs 2 times in module\.py"):
        plant(Fault("twice", "", (Edit("module.py", "a = 1", "a = 2"),)), tmp_path)
