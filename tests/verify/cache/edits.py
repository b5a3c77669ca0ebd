"""Changes of a project at random, as people make them: harmless ones, faults, renamed, moved and deleted files."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..conftest import Project


class Edits:
    """Changes a project at random, as people do."""

    def __init__(self, project: Project, seed: int) -> None:
        self.project = project
        self.random = random.Random(seed)
        self.whole = {path: path.read_bytes() for path in sorted((project.root / "app").glob("*.py"))}

    def make(self) -> None:
        """Make one change."""
        path = self.random.choice(sorted((self.project.root / "app").glob("*.py")))
        edit = self.random.choice(EDITS)
        edit(self, path)

    def insert(self, path: Path, *texts: str) -> None:
        """Insert one of some lines somewhere at the top level."""
        lines = path.read_text().splitlines(keepends=True)
        places = [
            place for place in range(len(lines) + 1) if place == len(lines) or lines[place][:1].isalpha()
        ]
        lines.insert(self.random.choice(places), self.random.choice(texts) + "\n")
        path.write_text("".join(lines))


def _harmless(edits: Edits, path: Path) -> None:
    edits.insert(path, "# a comment", "", "x = 1", "import os", '"a string"', "def added():\n    pass\n")


def _near_the_wire(edits: Edits, path: Path) -> None:
    edits.insert(
        path,
        "inf_grad_count = 1",
        "from . import schema",
        "from .schema import *",
        "from .emitters import emit",
        "# inf_grad_count",
        "x = getattr(y, z)",
        'import_module = ".schema"',
        "from .schema import State\n\n\ndef reset(state: State):\n    state.inf_grad_count = 0\n",
        "from .schema import State\n\n\ndef grade(state: State):\n    return state.inf_grad_count > 9\n",
        "x = 0  # telewire: ignore[TW204] because",
    )


def _broken(edits: Edits, path: Path) -> None:
    edits.insert(path, "def (", "\0", "    x")


def _word(edits: Edits, path: Path) -> None:
    words = sorted(set(re.findall(r"[a-z_]\w+", path.read_text())))
    if words:
        old, new = edits.random.choice(words), edits.random.choice([*words, "renamed"])
        path.write_text(re.sub(rf"\b{old}\b", new, path.read_text(), count=edits.random.choice([0, 1])))


def _fault(edits: Edits, path: Path) -> None:
    path.write_text(re.sub(r"=(payload|metrics)\S+,", "=0,", path.read_text(), count=1))


def _moved(edits: Edits, path: Path) -> None:
    path.rename(path.with_stem(edits.random.choice(["moved", "other", path.stem])))


def _deleted(edits: Edits, path: Path) -> None:
    path.unlink()


def _undone(edits: Edits, path: Path) -> None:
    for one in (edits.project.root / "app").glob("*.py"):
        one.unlink()
    for one, content in edits.whole.items():
        one.write_bytes(content)


EDITS: list[Callable[[Edits, Path], None]] = [
    *[_harmless] * 6,
    *[_near_the_wire] * 3,
    *[_word] * 4,
    *[_undone] * 4,
    _broken,
    _fault,
    _moved,
    _deleted,
]
