"""The sample of findings that the audit's benchmark draws, and the verdicts on them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from telewire.benchmarks.audit.packages import PACKAGES, Package
from telewire.benchmarks.audit.sample import sample
from telewire.benchmarks.audit.verdicts import Judged, Verdict, judged, read_verdicts, share
from telewire.verify.audit.rules import AUDIT_RULES
from telewire.verify.findings import Confidence, Finding, FindingSeverity


def _finding(rule: str, subject: str) -> Finding:
    return Finding(
        rule=rule,
        name="name",
        severity=FindingSeverity.WARNING,
        confidence=Confidence.HIGH,
        record=None,
        stage=None,
        subject=subject,
        path="main.py",
        line=1,
        column=1,
        end_line=1,
        end_column=2,
        message="message",
        help="help",
    )


def _found(folder: str, rule: str, count: int) -> list[Judged]:
    package = Package(f"{folder}==1", folder)
    return judged(package, [_finding(rule, f"{folder}:{rule}:{number}") for number in range(count)], {})


def test_one_rule_in_one_package_cannot_fill_the_sample() -> None:
    found = [*_found("large", "TW505", 100), *_found("large", "TW520", 1), *_found("small", "TW505", 2)]
    drawn = sample(found, 6, seed=0)
    assert [row.package.folder for row in drawn].count("small") == 2
    assert [row.finding.rule for row in drawn].count("TW520") == 1


def test_the_same_seed_draws_the_same_sample() -> None:
    found = [*_found("one", "TW505", 9), *_found("two", "TW503", 9)]
    assert sample(found, 5, seed=3) == sample(list(reversed(found)), 5, seed=3)


def test_a_small_population_is_drawn_as_a_whole() -> None:
    assert len(sample(_found("one", "TW505", 3), 50, seed=0)) == 3


def test_what_nobody_has_judged_counts_for_nothing() -> None:
    package = Package("one==1", "one")
    verdicts = {
        "one TW505 a": Verdict(verdict="true", why="nothing writes it"),
        "one TW505 b": Verdict(verdict="false", why="a table writes it"),
    }
    rows = judged(package, [_finding("TW505", name) for name in "abc"], verdicts)
    assert share(rows) == "1 of 2 true (50%), 1 not judged"


def test_a_verdict_is_true_or_false() -> None:
    with pytest.raises(ValidationError):
        Verdict.model_validate({"verdict": "perhaps", "why": "it may be"})


def test_every_verdict_names_a_package_and_a_rule() -> None:
    folders = {package.folder for package in PACKAGES}
    keys = [key.split(" ", 2) for key in read_verdicts()]
    assert [key for key in keys if key[0] not in folders or key[1] not in AUDIT_RULES] == []


def test_every_verdict_has_a_reason() -> None:
    assert [key for key, said in read_verdicts().items() if len(said.why) < 20] == []
