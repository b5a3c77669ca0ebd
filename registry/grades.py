"""Grades: what grading a value says, and which of several is the worst."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .conditions.grid import HEALTHY

STANDARD_SEVERITIES: Mapping[str, int] = {"healthy": HEALTHY, "warning": 10, "critical": 20}
"""The levels that need not declare a severity. Higher is worse; 0 alone is healthy."""


@dataclass(frozen=True, slots=True)
class Grade:
    """The result of grading a value: a declared Level, or one of UNCLASSIFIED and NOT_COLLECTED.

    `severity` is 0 for healthy, higher for worse, and None where no level applies.
    """

    name: str
    severity: int | None
    means: str

    @property
    def is_graded(self) -> bool:
        """Whether a declared level applies."""
        return self.severity is not None

    @property
    def is_healthy(self) -> bool:
        """Whether a declared level applies and it is a healthy one."""
        return self.severity is not None and self.severity <= HEALTHY


UNCLASSIFIED = Grade("unclassified", None, "the value is in no declared level, or is NaN")
"""The grade of a value in no level, and of a NaN that only a healthy level would take."""

NOT_COLLECTED = Grade("not collected", None, "no value was collected")
"""The grade of None and of an empty window."""


def worst_grade(grades: Iterable[Grade]) -> Grade:
    """Return the worst of some grades, or NOT_COLLECTED when nothing was collected.

    A value in no level is worse than a warning, because nobody knows what it means, and less than a critical one,
    because that is certain. What was not collected says nothing about the rest.
    """
    return max(grades, key=_rank, default=NOT_COLLECTED)


def _rank(grade: Grade) -> float:
    if grade == NOT_COLLECTED:
        return -1.0
    if grade.severity is None:
        # Just below critical, whatever levels a record declares between.
        return STANDARD_SEVERITIES["critical"] - 0.5
    return float(grade.severity)
