"""What is there and in no record is listed when it is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from telewire.verify.cli import verify as command

if TYPE_CHECKING:
    from .conftest import Project


def invoke(project: Project, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--project", str(project.root), "--no-cache", *arguments])


def test_a_field_with_values_and_no_record_is_listed(project: Project) -> None:
    shown = invoke(project, "--undeclared")
    assert shown.exit_code == 0
    assert "undeclared: 1 place that no record speaks of" in shown.output
    assert (
        "State.nan_grad_count is written at app/aggregator.py:6, and no record speaks of it" in shown.output
    )


def test_a_reader_that_is_no_consumer_is_listed(project: Project) -> None:
    project.record("TELE-300")
    project.write(
        "app/alarm.py",
        "from .schema import State\n\n\ndef alarm(state: State) -> str:\n    return str(state.inf_grad_count)\n",
    )
    project.replace(
        "app/__main__.py", "print(Status", "from .alarm import alarm\n\nalarm(state)\nprint(Status"
    )
    (found,) = json.loads(invoke(project, "--undeclared", "--format", "json").output)["undeclared"]
    assert found == {
        "record": "TELE-301",
        "carrier": "app.schema:State.inf_grad_count",
        "reader": "app.alarm:alarm",
        "path": "app/alarm.py",
        "line": 5,
    }


def test_a_field_that_only_has_its_default_is_not_there(project: Project) -> None:
    project.replace(
        "app/schema.py", "    nan_grad_count: int = 0\n", "    nan_grad_count: int = 0\n    loss: int = 0\n"
    )
    project.record("TELE-300")
    assert "undeclared: 0 places" in invoke(project, "--undeclared").output


def test_without_being_asked_for_it_is_not_known(project: Project) -> None:
    assert json.loads(invoke(project, "--format", "json").output)["undeclared"] is None
