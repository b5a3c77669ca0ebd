"""A sound project under git, to which each test adds something that cannot be analysed, and the commands on it.

Each command has something to say of the rest: every edge is proved, one field is never written, one function has lost
its last call.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from telewire.verify.audit.cli import audit
from telewire.verify.cli import verify
from telewire.verify.diff.cli import diff
from telewire.verify.scaffold.cli import scaffold
from telewire.verify.trace.cli import trace

if TYPE_CHECKING:
    from ..conftest import Project

STEPS = """\
from dataclasses import dataclass


@dataclass
class StepStats:
    skipped_count: int = 0


def report(stats: StepStats) -> None:
    print(stats.skipped_count)


def print_progress() -> None:
    print("on it")


{call}
report(StepStats())
"""


@dataclass(frozen=True)
class Command:
    """A command line, the status that it leaves with, and what it says of the sound part of the project."""

    command: click.Command
    arguments: tuple[str, ...]
    project: str | None
    status: int
    says: str


COMMANDS = {
    "verify": Command(verify, (), "--project", 0, "5 edges: 5 proved"),
    "audit": Command(audit, (), None, 1, "TW502 field-never-written"),
    "trace": Command(trace, ("State.inf_grad_count",), "--project", 0, "LayerStats.inf_count"),
    "scaffold": Command(scaffold, ("State.nan_grad_count",), "--project", 0, "emitter:"),
    "diff": Command(diff, ("HEAD",), "--project", 1, "print_progress()  no longer called"),
}


@dataclass(frozen=True)
class Answer:
    """What a command said; white space is one space each, so that it can be searched."""

    status: int
    text: str


@dataclass(frozen=True)
class Asked:
    """One command on the project."""

    project: Project
    command: Command

    def run(self) -> Answer:
        """Run it in this process. Whatever it raises beside its exit is raised here."""
        place = str(self.project.root)
        named = [place] if self.command.project is None else [self.command.project, place]
        arguments = [*self.command.arguments, *named]
        result = CliRunner().invoke(self.command.command, arguments, catch_exceptions=False)
        return Answer(result.exit_code, " ".join(result.output.split()))

    def answers_for_the_rest(self, answer: Answer) -> bool:
        """Whether it says of the sound part what it would say alone."""
        says = " ".join(self.command.says.split())
        return answer.status == self.command.status and says in answer.text


def git(folder: Path, *arguments: str) -> None:
    """Run git, whatever is configured for the user."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    subprocess.run(
        ["git", *who, *arguments], cwd=folder, env={**outside, **settings}, check=True, capture_output=True
    )


@pytest.fixture
def tracked(project: Project) -> Project:
    """The project in a repository; one function has lost its call since the last commit."""
    project.write("app/steps.py", STEPS.format(call="print_progress()"))
    git(project.root, "init", "--quiet")
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--message", "a state")
    project.write("app/steps.py", STEPS.format(call="pass"))
    return project


@pytest.fixture(params=COMMANDS)
def asked(request: pytest.FixtureRequest, tracked: Project) -> Asked:
    """Each command in turn."""
    return Asked(tracked, COMMANDS[request.param])


@pytest.fixture
def ask(tracked: Project) -> Callable[[str], Answer]:
    """Run one of the commands by its name."""
    return lambda name: Asked(tracked, COMMANDS[name]).run()
