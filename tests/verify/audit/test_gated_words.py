"""In which words TW522 says what keeps telemetry from running."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.audit import audit, find_targets
from telewire.verify.findings import Confidence

PROGRAM = """\
ENABLED = False


def emit_loss(value, wanted):
    print(value)


def step(value, wanted):
    {}


emit_loss(1.0, True)
step(1.0, True)
"""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("if False and wanted:\n        emit_loss(value, wanted)", "behind False, which is always false"),
        ("if wanted and 0:\n        emit_loss(value, wanted)", "behind 0, which is always false"),
        ("if not True:\n        emit_loss(value, wanted)", "behind not True, which is always false"),
        ("if ENABLED:\n        emit_loss(value, wanted)", "behind ENABLED, which is always false"),
        (
            "if True:\n        print(value)\n    else:\n        emit_loss(value, wanted)",
            "in a branch that is never taken: True always holds",
        ),
        ("return wanted\n    emit_loss(value, wanted)", "where no run comes to, after the body is left"),
    ],
)
def test_a_call_that_cannot_run_is_told_with_what_settles_it(tmp_path: Path, body: str, words: str) -> None:
    (tmp_path / "main.py").write_text(PROGRAM.format(body))
    (target,) = find_targets([tmp_path])
    found = audit(target, min_confidence=Confidence.LOW).findings
    assert [one.message for one in found if one.rule == "TW522"] == [f"emit_loss() stands {words}"]
