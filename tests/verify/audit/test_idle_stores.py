"""In which words TW502 says what keeps the only store of a field from counting."""

from __future__ import annotations

from pathlib import Path

from telewire.verify.audit import audit, find_targets

PROGRAM = """\
from dataclasses import dataclass


@dataclass
class StepStats:
    nan_count: int = 0
    inf_count: int = 0


def step(found: int) -> StepStats:
    made = StepStats()
    made.inf_count = found
    return StepStats(nan_count=found)


def show(stats: StepStats) -> None:
    print(stats.nan_count, stats.inf_count)


show(step(len(input())))
"""


def test_a_store_into_an_object_that_nothing_keeps_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(PROGRAM)
    (target,) = find_targets([tmp_path])
    (found,) = audit(target).findings
    assert found.message.endswith("; the only store is into an object that nothing keeps (main.py:12)")
    assert found.help == "hand that object on in step(), or store the value in the one that is read"
