"""TW309 threshold-test-failed."""

from __future__ import annotations

from collections.abc import Iterator

from ...registry import PROBLEM_KINDS
from ...registry.threshold_tests import CORRECT_EITHER, disagreements
from ..findings import Finding
from .base import Check, Rule
from .threshold_partition import problem_documentation


class ThresholdTestFailed(Rule):
    """Runs the threshold tests of each record. The registry, which runs them without any source too, has the words."""

    code = "TW309"
    name = "threshold-test-failed"

    @property
    def documentation(self) -> str:
        """Return the registry's words about the problem."""
        return problem_documentation(PROBLEM_KINDS[self.code])

    def check(self, check: Check) -> Iterator[Finding]:
        """Grade the values of each test; yield those that are not graded as expected."""
        for wire in check.wiring.wires:
            for number, test in enumerate(wire.record.threshold_tests):
                for wrong in disagreements(test, wire.record.thresholds):
                    yield self.finding(
                        record=wire.record,
                        stage="thresholds",
                        subject=wire.record.slug,
                        place=check.record_place(
                            wire.record, "threshold_tests", number, "levels", wrong.index
                        ),
                        message=wrong.message,
                        help=CORRECT_EITHER,
                        context={
                            "test": test.name or "",
                            "value": repr(wrong.value),
                            "expected": wrong.expected,
                            "found": wrong.found or "",
                        },
                    )
