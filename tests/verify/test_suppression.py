"""`# telewire: ignore[CODE] reason` beside the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.audit import Audit, audit, find_targets
from telewire.verify.findings import Confidence

CODE = """\
from dataclasses import dataclass


@dataclass
class StepStats:
    {above}
    inf_count: int = 0{beside}


def show(stats: StepStats) -> None:
    print(stats.inf_count, '''
# telewire: ignore[TW502] this is text
''')


show(StepStats())
"""


@pytest.fixture
def audited(tmp_path: Path):
    def run(*, above: str = "# plain", beside: str = "", codes: tuple[str, ...] = ()) -> Audit:
        (tmp_path / "main.py").write_text(CODE.format(above=above, beside=beside), encoding="utf-8")
        (target,) = find_targets([tmp_path])
        return audit(target, min_confidence=Confidence.LOW, codes=codes)

    return run


def rules(result: Audit) -> list[tuple[str, int]]:
    return [(finding.rule, finding.line) for finding in result.findings]


def test_a_comment_beside_the_finding_accepts_it(audited) -> None:
    result = audited(beside="  # telewire: ignore[TW502] the worker fills it, in C")
    assert rules(result) == []
    assert [finding.rule for finding in result.accepted] == ["TW502"]


def test_a_comment_alone_on_its_line_speaks_of_the_next(audited) -> None:
    assert rules(audited(above="# telewire: ignore[TW502] filled in C")) == []


def test_a_comment_needs_a_reason_and_a_rule(audited) -> None:
    assert rules(audited(beside="  # telewire: ignore[TW502]")) == [("TW502", 7), ("TW404", 7)]
    assert rules(audited(beside="  # telewire: ignore it is fine")) == [("TW502", 7), ("TW404", 7)]


def test_a_comment_that_accepts_nothing_is_a_finding(audited) -> None:
    result = audited(beside="  # telewire: ignore[TW501, TW502] filled in C")
    assert rules(result) == [("TW404", 7)]
    assert result.findings[0].message == "this suppression accepts no TW501"


def test_a_comment_for_a_rule_that_was_not_applied_is_left_alone(audited) -> None:
    assert rules(audited(beside="  # telewire: ignore[TW204] see the record")) == [("TW502", 7)]
    assert rules(audited(beside="  # telewire: ignore[TW501] filled", codes=("TW502",))) == [("TW502", 7)]


def test_text_in_a_string_is_no_comment(audited) -> None:
    assert rules(audited()) == [("TW502", 7)]
