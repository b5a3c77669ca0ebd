"""A small program of which one field is read and never written."""

from __future__ import annotations

from pathlib import Path

import pytest

PROGRAM = """\
from dataclasses import dataclass


@dataclass
class StepStats:
    nan_count: int = 0
    inf_count: int = 0


def step(stats: StepStats, found: int) -> None:
    stats.nan_count = found


def show(stats: StepStats) -> None:
    print(stats.nan_count, stats.inf_count)


stats = StepStats()
step(stats, 3)
show(stats)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program's folder: `steps/main.py`, no configuration."""
    folder = tmp_path / "steps"
    folder.mkdir()
    (folder / "main.py").write_text(PROGRAM, encoding="utf-8")
    return folder


@pytest.fixture
def repaired(program: Path) -> Path:
    """The same program with the field written."""
    (program / "main.py").write_text(
        PROGRAM.replace("nan_count = found", "nan_count = found\n    stats.inf_count = found"),
        encoding="utf-8",
    )
    return program
