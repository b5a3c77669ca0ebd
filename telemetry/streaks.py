"""How many updates in a row something has been wrong, counted by the record that will judge it."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, TypeVar

from ..registry import Record

LASTING = 2**31
"""A streak longer than any that a record asks for."""


class Streaked(Protocol):
    """A frozen dataclass with a field ``streak``."""

    @property
    def streak(self) -> int:
        """How many successive updates, this one included, were such that the record objects if they go on."""
        ...


S = TypeVar("S", bound=Streaked)


class StreakCounter:
    """Gives each value its streak: the number of successive ones at which the record would object in the long run.

    A record says with ``streak`` how long something may last: ``healthy: "entropy >= 0.1 or streak < 3"``. What
    counts towards the streak follows from it: whatever it would not call healthy if it lasted for ever. So the
    bound stands in the record alone. A value that was not collected ends a streak.

    Args:
        record: a record of a structured value with a field ``streak``.
        length: how long the streak already is.
    """

    def __init__(self, record: Record, *, length: int = 0) -> None:
        self._record: Record = record
        self._length: int = length

    @property
    def length(self) -> int:
        """How long the streak is now."""
        return self._length

    def count(self, value: S) -> S:
        """Return the value with its streak, whatever streak it was built with."""
        grade = self._record.grade(_with_streak(value, LASTING))
        is_objected_to = not grade.is_healthy and grade.name != "not collected"
        self._length = self._length + 1 if is_objected_to else 0
        return _with_streak(value, self._length)


def _with_streak(value: S, streak: int) -> S:
    return replace(value, streak=streak)  # type: ignore[type-var]
