"""Paths whose links may lead nowhere."""

from __future__ import annotations

from pathlib import Path


def resolved(path: Path) -> Path:
    """Return a path with its links followed; where they lead round in a circle, the path as it is."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()
