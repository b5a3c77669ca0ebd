"""Of a very large program tables are kept for some functions only: what is found does not depend on how many."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.audit import audit, find_targets
from telewire.verify.flow import whereabouts

PROGRAM = """\
class LossMeter:
    def __init__(self):
        self.total = 0.0

    def update(self, value):
        self.total += value

    def reset(self):
        self.total = 0.0

    def mean(self):
        return self.total


def collect(metrics, policy_loss, value_loss):
    metrics.update(policy_loss=value_loss, value_loss=policy_loss)
    losses = []
    losses.append(policy_loss)
    return metrics


first, second = LossMeter(), LossMeter()
first.update(float(input()))
print(first.mean(), second.mean(), collect({}, 1.0, 2.0))
"""


@pytest.mark.parametrize("kept", [1, 2])
def test_what_is_found_does_not_depend_on_what_is_kept(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.py").write_text(PROGRAM)
    (target,) = find_targets([tmp_path])
    whole = audit(target, jobs=1).findings
    monkeypatch.setattr(whereabouts, "MOST_KEPT", kept)
    assert {one.rule for one in whole} >= {"TW513", "TW520", "TW523"}
    assert audit(target, jobs=1).findings == whole
