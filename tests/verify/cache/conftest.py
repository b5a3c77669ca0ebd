"""Runs of the whole program in this process: its command line, its folder, its standard output."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from telewire.cli import main
from telewire.verify.cache.folder import read_checked, write_checked

Run = Callable[..., "Said"]


@dataclass(frozen=True)
class Said:
    """What a run said, and the status that it left with."""

    returncode: int
    stdout: bytes
    stderr: bytes


def age(root: Path) -> None:
    """Make files look as if nobody had touched them for a minute."""
    before = time.time() - 60
    for path in root.rglob("*"):
        if not {".telewire_cache", ".git"} & set(path.parts):
            os.utime(path, (before, before))


def answers(root: Path) -> list[Path]:
    """The answers that are kept in a project."""
    return sorted((root / ".telewire_cache" / "answers").glob("*.json"))


def forge(root: Path) -> None:
    """Give the kept answer the text "kept", so that a test can tell whether it was repeated."""
    (path,) = answers(root)
    content = read_checked(str(path))
    assert content is not None
    write_checked(str(path), json.dumps(json.loads(content) | {"out": "kept"}).encode())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `telewire` on a project whose files are older than the run."""

    def run_it(root: Path, *arguments: str, **environment: str) -> Said:
        age(root)
        out, errors = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            patch.chdir(root)
            patch.setattr(sys, "argv", ["telewire", *arguments])
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8", write_through=True))
            patch.setattr(sys, "stderr", io.TextIOWrapper(errors, encoding="utf-8", write_through=True))
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as left:
                main()
            status = left.value.code
            assert isinstance(status, int)
            return Said(status, out.getvalue(), errors.getvalue())

    return run_it
