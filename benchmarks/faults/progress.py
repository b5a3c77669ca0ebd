"""Says on standard error how far a run is, and how long the rest takes at the pace so far."""

from __future__ import annotations

import sys
import time

EVERY = 15.0
"""Seconds between two lines."""


class Watch:
    """Counts the plants of one program. What is known from an earlier run comes first and counts for no pace."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._known: int | None = None
        self._done = 0
        self._started = self._said = time.monotonic()

    def advance(self, number: int) -> None:
        """Count plants whose outcome is known now; the first call names those of an earlier run."""
        self._done += number
        now = time.monotonic()
        if self._known is None:
            self._known, self._started = number, now
        elif now - self._said >= EVERY:
            self._said = now
            print(self.line(now), file=sys.stderr, flush=True)

    def line(self, now: float) -> str:
        """Return what to say at a time."""
        made = self._done - (self._known or 0)
        left = (self._count - self._done) * (now - self._started) / made if made else 0.0
        return f"  {self._name}: {self._done} of {self._count}, about {left / 60:.0f} min left"
