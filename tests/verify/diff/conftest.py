"""Real git repositories in temporary folders."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from telewire.verify.diff import LostWire, WiringDiff, diff_revisions

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": "someone@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}


@dataclass
class GitProject:
    """A repository; every state of it is given as files."""

    root: Path

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        return subprocess.run(
            ["git", *arguments], cwd=self.root, env=ENVIRONMENT, check=True, capture_output=True, text=True
        ).stdout

    def write(self, path: str, text: str) -> None:
        """Write one file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def commit(self, **files: str) -> str:
        """Write modules (None deletes one), commit everything, return the commit."""
        for name, text in files.items():
            self.write(f"{name.replace('__', '/')}.py", text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a state")
        return self.git("rev-parse", "HEAD").strip()

    def diff(self, base: str, head: str | None = None) -> WiringDiff:
        """Compare two states."""
        return diff_revisions(self.root, base, head)

    def lost_between(self, old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str]]:
        """Commit two states, files of the first that the second lacks deleted, and return what lost its wire."""
        base = self.commit(**old)
        for name in old.keys() - new.keys():
            (self.root / f"{name.replace('__', '/')}.py").unlink()
        self.commit(**new)
        return [(one.loss.value, one.subject) for one in self.diff(base, "HEAD").lost]

    def loss_between(self, old: str, new: str) -> LostWire:
        """Commit two states of one module and return the only loss."""
        base = self.commit(app=old)
        self.commit(app=new)
        [lost] = self.diff(base, "HEAD").lost
        return lost


@pytest.fixture
def repository(tmp_path: Path) -> GitProject:
    """An empty repository."""
    project = GitProject(tmp_path / "repository")
    project.root.mkdir()
    project.git("init", "--quiet", "--initial-branch=main")
    return project
