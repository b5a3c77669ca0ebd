"""How each test ended, and what passed the points in it, gathered phase by phase."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SeenData = list[object]
"""What passed one point, as data: passes, values, low, high, entries, whether not every value was looked at."""

NOT_RUN = "not run"
DESELECTED = "deselected"


@dataclass
class TestRun:
    """One test: the outcome of its last attempt, and what it saw in it: a JSON object of `SeenData` by point.

    That is read when all tests have run: making so many objects while they do would set off the garbage collector.
    """

    __test__ = False  # not a test class of pytest's

    outcome: str = NOT_RUN
    seconds: float = 0.0
    seen: str = "{}"


@dataclass
class Outcomes:
    """The tests of a run by their IDs.

    Attributes:
        tests: Every test that was collected.
        left_out: Tests that were found and then left out.
        is_collected: Whether collecting came to its end.
        crashed_workers: Workers that ended without a word.
        probes: What became of the values of probes, by test.
    """

    tests: dict[str, TestRun] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    is_collected: bool = False
    crashed_workers: int = 0
    probes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def collected(self, ids: Iterable[str]) -> None:
        """Note which tests there are, after any were left out."""
        for name in ids:
            self.tests.setdefault(name, TestRun())

    def deselected(self, ids: Iterable[str]) -> None:
        """Note tests that were left out."""
        known = set(self.left_out)
        self.left_out += [name for name in ids if name not in known and name not in self.tests]

    def phase(
        self,
        name: str,
        when: str,
        outcome: str,
        *,
        expected_to_fail: bool,
        seen: str | None,
        seconds: float = 0.0,
    ) -> None:
        """Note how a phase of a test ended, and how long it took.

        What a failed attempt saw is forgotten when the test is run again.
        """
        run = self.tests.setdefault(name, TestRun())
        if outcome == "rerun":
            self.tests[name] = TestRun()
            return
        if when == "setup" and run.outcome != NOT_RUN and outcome == "passed":
            run.seen, run.seconds = "{}", 0.0  # a new attempt, or the same test once more
            run.outcome = run.outcome if run.outcome in {"failed", "error"} else NOT_RUN
        run.seconds += seconds
        ended = _ended(when, outcome, expected_to_fail=expected_to_fail)
        if ended is not None and _WORSE.index(ended) > _WORSE.index(run.outcome):
            run.outcome = ended
        if seen is not None:
            run.seen = seen


_WORSE = (NOT_RUN, "passed", "xpassed", "xfailed", "skipped", "failed", "error")


def _ended(when: str, outcome: str, *, expected_to_fail: bool) -> str | None:
    """Return what a phase says of the whole test, None for one that merely passed."""
    if outcome == "failed":
        return "error" if when in {"setup", "teardown"} else "failed"
    if outcome == "skipped":
        return "xfailed" if expected_to_fail else "skipped"
    if when == "call":
        return "xpassed" if expected_to_fail else "passed"
    return None
