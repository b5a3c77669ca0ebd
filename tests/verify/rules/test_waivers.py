"""Waivers accept a finding for a reason, until a day."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..conftest import Project

TODAY = datetime.date(2026, 6, 1)


def waiver(rule: str = "TW204", expires: str = "2026-06-02", **more: str) -> dict[str, str]:
    return {"rule": rule, "reason": "is repaired next week", "expires": expires, **more}


@pytest.fixture
def broken(project: Project) -> Project:
    """The project with a literal zero in its payload."""
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    return project


def test_a_waiver_accepts_its_finding(broken: Project) -> None:
    broken.record(waivers=[waiver()])
    found = broken.verify(today=TODAY)
    assert ([f.rule for f in found.findings], [f.rule for f in found.accepted]) == ([], ["TW204"])


def test_an_accepted_finding_does_not_fail_the_run(broken: Project) -> None:
    broken.record(waivers=[waiver()])
    assert broken.verify(today=TODAY).is_clean


def test_a_waiver_ends_on_its_day(broken: Project) -> None:
    broken.record(waivers=[waiver(expires="2026-06-01")])
    found = broken.verify(today=TODAY)
    assert [f.rule for f in found.findings] == ["TW204", "TW403"]
    assert "expired on 2026-06-01" in found.findings[1].message


def test_a_waiver_that_matches_nothing_is_a_finding(project: Project) -> None:
    project.record(waivers=[waiver()])
    [finding] = project.verify(today=TODAY).findings
    assert (finding.rule, finding.message) == ("TW403", "the waiver of TW204 matches no finding")


def test_a_waiver_of_another_rule_accepts_nothing(broken: Project) -> None:
    broken.record(waivers=[waiver("TW205")])
    assert [f.rule for f in broken.verify(today=TODAY).findings] == ["TW204", "TW403"]


@pytest.mark.parametrize("subject", ["emission", "Payload.inf_grad_count"])
def test_a_waiver_can_name_the_stage_or_the_subject(broken: Project, subject: str) -> None:
    broken.record(waivers=[waiver(subject=subject)])
    assert broken.verify(today=TODAY).findings == ()


def test_a_waiver_of_another_subject_accepts_nothing(broken: Project) -> None:
    broken.record(waivers=[waiver(subject="delivery")])
    assert "TW204" in [f.rule for f in broken.verify(today=TODAY).findings]


def test_a_waiver_of_one_record_does_not_cover_another(broken: Project) -> None:
    broken.record("TELE-300", waivers=[waiver()])
    broken.record("TELE-301")
    found = broken.verify(today=TODAY).findings
    assert [(f.rule, f.record) for f in found] == [("TW204", "TELE-301"), ("TW403", "TELE-300")]


def test_the_finding_stands_at_the_waiver_in_its_file(project: Project) -> None:
    project.record(waivers=[waiver()])
    [finding] = project.verify(today=TODAY).findings
    line = (project.root / finding.path).read_text().splitlines()[finding.line - 1]
    assert (finding.path, "expires" in line or "rule" in line) == ("specs/TELE-301.yaml", True)
