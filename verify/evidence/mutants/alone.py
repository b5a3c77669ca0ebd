"""A test that noticed a mutant after other tests has to notice it alone as well.

What the tests before it left may be why it failed: in another order than theirs it would then fail without any mutant,
and its failure says nothing of the mutant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .mutant import State


@dataclass
class Alone:
    """What has to be run alone, and what has failed after others only, by the number of the mutant."""

    _asked: dict[int, int] = field(default_factory=dict)
    _after_others: dict[int, list[int]] = field(default_factory=dict)

    def choose(self, number: int, tests: Sequence[int]) -> list[int]:
        """Return those of its tests that a mutant is to be run with next."""
        left = [test for test in tests if test not in self._after_others.get(number, ())]
        asked = self._asked.get(number)
        if asked in left:
            return [asked]
        self._asked.pop(number, None)
        return left

    def is_settled(self, number: int, result: Mapping[str, Any]) -> bool:
        """Whether a result holds, or the mutant is to be run once more."""
        asked = self._asked.pop(number, None)
        is_killed = result["state"] == State.KILLED.value
        has_failed = result.get("failed") is not None  # though nothing was changed: that is looked into
        if asked is not None and not is_killed and not has_failed:
            self._after_others.setdefault(number, []).append(asked)
            return False
        if is_killed and not {result["killed_by"]}.issuperset(result["ran"]):
            self._asked[number] = result["killed_by"]
            return False
        return True

    def untold(self, number: int, names: Sequence[str]) -> str | None:
        """Say which test may have noticed a mutant that no other did; None where there is none."""
        for test in self._after_others.get(number, ()):
            return f"{names[test]} fails with it only after other tests"
        return None

    def judged(self, number: int, result: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
        """Return a result, or that it cannot be said, where a test may have noticed the mutant."""
        untold = self.untold(number, names)
        if untold is None or result["state"] == State.KILLED.value:
            return result
        return result | {"state": State.COULD_NOT_RUN.value, "reason": untold}
