"""The rules of an audit find the same in one process and in two, whatever becomes of the second."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from telewire.cli import telewire
from telewire.verify.audit import audit, find_targets
from telewire.verify.audit.applying import processes_for
from telewire.verify.audit.rules import AUDIT_RULES, AuditCheck
from telewire.verify.findings import Finding
from telewire.verify.findings.finding import HopLine

from .conftest import PROGRAM

DROPPED = """

def kl_metrics(policy, reference):
    return {"kl": (policy - reference).mean(), "kl_max": (policy - reference).max()}


def train(batch):
    kl_metrics(batch.policy, batch.reference)
    print(batch.loss)


train(stats)
"""
HERE = os.getpid()


@pytest.fixture
def faulty(program: Path) -> Path:
    """The program with a fault of each kind: of a field, and in a body."""
    (program / "main.py").write_text(PROGRAM + DROPPED, encoding="utf-8")
    return program


def found(folder: Path, jobs: int) -> tuple[Finding, ...]:
    (target,) = find_targets([folder])
    return audit(target, jobs=jobs).findings


def no_process_is_left() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def test_two_processes_find_what_one_finds(faulty: Path) -> None:
    assert [one.rule for one in found(faulty, 1)] == ["TW502", "TW519"]
    assert found(faulty, 2) == found(faulty, 1)
    assert no_process_is_left()


def test_a_finding_comes_back_with_its_hops(faulty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (missing,) = (one for one in found(faulty, 1) if one.rule == "TW502")
    here = replace(missing, hops=(HopLine("a", "b", "copy", "main:f", "main.py", 3, 5),) * 2, record="A-1")

    def check(audit: AuditCheck) -> Iterator[Finding]:
        yield here

    monkeypatch.setattr(AUDIT_RULES["TW519"], "check", check)
    assert here.context
    assert here in found(faulty, 2)


@pytest.mark.parametrize("rule", ["TW502", "TW519"])
def test_an_error_of_a_rule_is_an_error_of_the_audit(
    faulty: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    def check(audit: AuditCheck) -> Iterator[Finding]:
        raise ZeroDivisionError(rule)

    monkeypatch.setattr(AUDIT_RULES[rule], "check", check)
    with pytest.raises(ZeroDivisionError, match=rule):
        found(faulty, 2)
    assert no_process_is_left()


def test_the_rules_of_a_process_that_is_killed_are_applied_all_the_same(
    faulty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = AUDIT_RULES["TW519"].check

    def check(audit: AuditCheck) -> Iterator[Finding]:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from real(audit)

    monkeypatch.setattr(AUDIT_RULES["TW519"], "check", check)
    assert [one.rule for one in found(faulty, 2)] == ["TW502", "TW519"]


def test_an_interrupt_ends_both(faulty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(audit: AuditCheck) -> Iterator[Finding]:
        raise KeyboardInterrupt

    def endless(audit: AuditCheck) -> Iterator[Finding]:
        signal.pause()
        yield from ()

    monkeypatch.setattr(AUDIT_RULES["TW502"], "check", interrupted)
    monkeypatch.setattr(AUDIT_RULES["TW519"], "check", endless)
    with pytest.raises(KeyboardInterrupt):
        found(faulty, 2)
    assert no_process_is_left()


@pytest.mark.parametrize(
    ("lines", "jobs", "processes"), [(100, None, 1), (50_000, None, 3), (1_000_000, None, 1), (100, 2, 2)]
)
def test_a_second_process_must_be_worth_its_time_and_memory(
    lines: int, jobs: int | None, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telewire.verify.audit.applying.cores", lambda: 3)
    assert processes_for(lines, jobs) == processes


def test_a_program_of_a_few_lines_is_read_by_two_when_asked_for(faulty: Path) -> None:
    (faulty / "other.py").write_text("x = 1\n", encoding="utf-8")
    assert found(faulty, 2) == found(faulty, 1)
    assert no_process_is_left()


def test_jobs_are_an_option_of_the_command(faulty: Path) -> None:
    said = [CliRunner().invoke(telewire, ["audit", str(faulty), "--jobs", jobs]) for jobs in ("1", "2")]
    assert [one.exit_code for one in said] == [1, 1]
    assert said[0].stdout.partition(" · ")[0] == said[1].stdout.partition(" · ")[0]
    assert CliRunner().invoke(telewire, ["audit", str(faulty), "--jobs", "0"]).exit_code == 2
