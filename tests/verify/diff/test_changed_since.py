"""`--changed-since`: only what a change touches, and how many findings were left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner, Result

from telewire.verify.audit.cli import audit
from telewire.verify.cli import verify

if TYPE_CHECKING:
    from ..conftest import Project
    from .conftest import GitProject

DEAD = """\
from dataclasses import dataclass


@dataclass
class FirstPayload:
    first_loss: float = 0.0


@dataclass
class SecondPayload:
    second_loss: float = 0.0


def show(first: FirstPayload, second: SecondPayload) -> None:
    print(first.first_loss, second.second_loss)


def run() -> None:
    show(FirstPayload(), SecondPayload())


run()
"""


@pytest.fixture
def broken(project: Project, repository: GitProject) -> GitProject:
    """A committed project with two records: the wire of one is broken."""
    project.record("TELE-300")
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    (repository.root / ".git").rename(project.root / ".git")
    repository.root = project.root
    repository.commit()
    return repository


def verified(project: GitProject, *arguments: str) -> Result:
    return CliRunner().invoke(verify, ["--project", str(project.root), "--changed-since", "HEAD", *arguments])


def subjects(result: Result) -> list[str]:
    return [one["subject"] for one in json.loads(result.output)["findings"]]


def test_a_finding_that_was_there_before_is_left_out(broken: GitProject) -> None:
    result = verified(broken)
    said = " ".join(result.output.split())
    assert (result.exit_code, "1 outside of the change left out" in said) == (0, True)


def test_a_finding_in_a_changed_line_is_reported(broken: GitProject) -> None:
    path = broken.root / "app" / "emitters.py"
    path.write_text(path.read_text().replace("inf_grad_count=0", "inf_grad_count=00"))
    assert verified(broken).exit_code == 1


def test_a_finding_is_reported_when_its_wire_crosses_a_changed_file(broken: GitProject) -> None:
    path = broken.root / "app" / "widgets.py"
    path.write_text(f"# changed\n{path.read_text()}")
    assert verified(broken).exit_code == 1


def test_a_finding_is_reported_when_its_record_changed(broken: GitProject) -> None:
    path = broken.root / "specs" / "TELE-301.yaml"
    record = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**record, "notes": "changed"}))
    assert verified(broken).exit_code == 1


def test_a_change_elsewhere_touches_nothing(broken: GitProject) -> None:
    broken.write("app/other.py", "x = 1\n")
    assert verified(broken).exit_code == 0


def test_the_json_report_counts_what_was_left_out(broken: GitProject) -> None:
    data = json.loads(verified(broken, "--format", "json").output)
    assert (data["summary"]["outside_change"], data["findings"], data["clean"]) == (1, [], True)


def test_without_the_option_nothing_is_left_out(broken: GitProject) -> None:
    result = CliRunner().invoke(verify, ["--project", str(broken.root), "--format", "json"])
    assert json.loads(result.output)["summary"]["outside_change"] is None


def test_an_unknown_revision_is_exit_status_two(broken: GitProject) -> None:
    result = CliRunner().invoke(verify, ["--project", str(broken.root), "--changed-since", "nonsense"])
    assert (result.exit_code, "there is no revision" in result.output) == (2, True)


def test_a_project_outside_of_git_is_exit_status_two(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    result = CliRunner().invoke(verify, ["--project", str(project.root), "--changed-since", "HEAD"])
    assert (result.exit_code, "no git work tree" in result.output) == (2, True)


def audited(root: Path) -> Result:
    return CliRunner().invoke(audit, [str(root), "--changed-since", "HEAD", "--format", "json"])


def test_an_audit_reports_only_what_the_change_touches(repository: GitProject) -> None:
    repository.commit(app=DEAD)
    repository.write(
        "app.py", DEAD.replace("second_loss: float = 0.0", "second_loss: float = 0.0  # changed")
    )
    data = json.loads(audited(repository.root).output)
    named = {one["subject"].rpartition(".")[2] for one in data["findings"]}
    assert (named, data["summary"]["outside_change"]) == ({"second_loss"}, 1)


def test_an_audit_counts_what_the_change_does_not_touch(repository: GitProject) -> None:
    repository.commit(app=DEAD)
    repository.write("other.py", "x = 1\n")
    data = json.loads(audited(repository.root).output)
    assert (data["findings"], data["summary"]["outside_change"] > 0) == ([], True)


def test_an_audit_reports_what_a_line_that_was_taken_away_named(repository: GitProject) -> None:
    store = "def fill(first: FirstPayload, x: float) -> None:\n    first.first_loss = x * 2\n"
    repository.commit(app=DEAD, fill=f"from app import FirstPayload\n\n\n{store}")
    repository.write("fill.py", "x = 1\n")
    named = {
        one["subject"].rpartition(".")[2] for one in json.loads(audited(repository.root).output)["findings"]
    }
    assert "first_loss" in named
