"""The outcomes so far, one JSON line each: a run that was interrupted goes on from there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
from pathlib import Path

from .plant import Plant
from .trial import Outcome

ROOT = Path(__file__).resolve().parents[2]
_ANALYSIS = ("registry", "verify")
"""The folders of this repository whose sources decide what is found."""


def state() -> str:
    """Return which code finds the faults: the commit, where there is one, and a digest of its sources."""
    sources = hashlib.sha256()
    for folder in _ANALYSIS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            sources.update(path.read_bytes())
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "no commit"
    return f"{commit} ({sources.hexdigest()[:8]})"


def key(tree: str, fault: str, plant: Plant) -> str:
    """Return what tells a plant from all others: the program, the fault class and the edits."""
    edits = {
        path: [dataclasses.astuple(edit) for edit in found] for path, found in sorted(plant.edits.items())
    }
    text = json.dumps([tree, fault, plant.path, plant.line, plant.what, edits])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Results:
    """The file of outcomes. Without a path they are kept in memory only.

    Args:
        path: Where they are kept.
        now: The state of the code, as `state()` returns it.
        trust_older: An outcome of an older state counts as well, where the fault was found under a right code.
    """

    def __init__(self, path: Path | None, *, now: str, trust_older: bool = False) -> None:
        self._path = path
        self._now = now
        self._known: dict[str, tuple[str, Outcome]] = {}
        self._used: dict[str, None] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._read(line, trust_older=trust_older)

    def _read(self, line: str, *, trust_older: bool) -> None:
        try:
            content = json.loads(line)
            name, made, outcome = content["key"], content["state"], Outcome.of(content["outcome"])
        except (ValueError, KeyError, TypeError):
            return  # cut off while it was written
        digest = self._now.partition("(")[2]
        if made.partition("(")[2] == digest or (trust_older and outcome.right and not outcome.undecidable):
            self._known[name] = (made, outcome)

    def get(self, name: str) -> Outcome | None:
        """Return what became of a plant, None where it was not made yet."""
        found = self._known.get(name)
        if found is None:
            return None
        self._used[name] = None
        return found[1]

    def add(self, name: str, outcome: Outcome) -> None:
        """Keep an outcome, on disk at once."""
        self._known[name] = (self._now, outcome)
        self._used[name] = None
        if self._path is not None:
            line = {"key": name, "state": self._now, "outcome": dataclasses.asdict(outcome)}
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")

    def states(self) -> dict[str, int]:
        """Return how many of the outcomes that were asked for or added were made in which state of the code."""
        found: dict[str, int] = {}
        for name in self._used:
            made = self._known[name][0]
            found[made] = found.get(made, 0) + 1
        return found
