"""A store that stands in a comment only is named by the finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.audit import audit, find_targets
from telewire.verify.findings import Confidence, Finding

CODE = """\
class StepStats:
    dropped_count: int = 0


def step(stats: StepStats) -> None:
    {line}
    print(stats.dropped_count)


step(StepStats())
"""


def finding(folder: Path, line: str) -> Finding:
    (folder / "main.py").write_text(CODE.format(line=line), encoding="utf-8")
    (target,) = find_targets([folder])
    (found,) = audit(target, codes=["TW502"], min_confidence=Confidence.LOW).findings
    return found


@pytest.mark.parametrize(
    "line",
    ["# stats.dropped_count += 1", "#stats.dropped_count = 3", "# TODO: self.stats.dropped_count = found"],
)
def test_a_store_in_a_comment_is_named(tmp_path: Path, line: str) -> None:
    found = finding(tmp_path, line)
    assert "the only store is in a comment (main.py:6)" in found.message
    assert found.context["commented_out"] == "main.py:6"


@pytest.mark.parametrize(
    "line",
    [
        "# stats.dropped_count is shown below",
        "# if stats.dropped_count == 3: stop",
        "# stats.dropped_counts = 3",
        "print('# stats.dropped_count = 3')",
        "# dropped_count",
    ],
)
def test_what_only_mentions_the_field_is_no_store(tmp_path: Path, line: str) -> None:
    assert "commented_out" not in finding(tmp_path, line).context
