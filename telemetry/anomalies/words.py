"""How the checks write values and grades."""

from __future__ import annotations

import math

from ...registry import NOT_COLLECTED, Grade


def is_anomalous(grade: Grade) -> bool:
    """Whether a value was collected and is in no healthy level: a NaN never is in one."""
    return not grade.is_healthy and grade != NOT_COLLECTED


def is_nan(value: float | None) -> bool:
    """Whether a value was collected and is NaN."""
    return value is not None and math.isnan(value)


def number(value: float | None) -> str:
    """Three digits, or that there is nothing."""
    return "nothing" if value is None else f"{value:.3g}"


def judged(grade: Grade) -> str:
    """The level and what it says, in brackets."""
    return f"({grade.name}: {grade.means})"
