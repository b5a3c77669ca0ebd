"""How a grade looks: one word and one style for each, the same in every widget.

The grade itself always comes from a record, by `shipped_registry()[ID].grade(value)`; nothing here knows a
threshold. The word alone carries the meaning, so the widgets can be read without colour.
"""

from __future__ import annotations

from collections.abc import Iterable

from ....registry import NOT_COLLECTED, STANDARD_SEVERITIES, Grade

CRITICAL_SEVERITY = STANDARD_SEVERITIES["critical"]

QUIET = "dim"
"""Style of what has no grade: not collected, or no thresholds."""
UNCLASSIFIED_STYLE = "bold magenta"

WAITING = "waiting for the first update"


def grade_word(grade: Grade) -> str:
    """Return the word for a grade: healthy in small letters, what needs attention in capitals."""
    return grade.name if grade.is_healthy or grade == NOT_COLLECTED else grade.name.upper()


def grade_style(grade: Grade) -> str:
    """Return the rich style for a grade: green, yellow or red; never green for a value in no level."""
    if grade == NOT_COLLECTED:
        return QUIET
    if grade.severity is None:
        return UNCLASSIFIED_STYLE
    if grade.is_healthy:
        return "green"
    if grade.severity < CRITICAL_SEVERITY:
        return "bold yellow"
    return "bold red"


def count_style(grade: Grade) -> str:
    """Return the rich style for a count of non-finite gradients, where any at all is already red.

    Warning is red bold and critical is red bold reverse, as records TELE-300 and TELE-301 ask of a display.
    """
    if grade.severity is None or grade.is_healthy:
        return grade_style(grade)
    if grade.severity < CRITICAL_SEVERITY:
        return "bold red"
    return "bold red reverse"


def worst_grade(grades: Iterable[Grade]) -> Grade:
    """Return the worst of some grades, or `NOT_COLLECTED` when nothing was collected.

    A value in no level is worse than a warning, because nobody knows what it means, and less than a critical
    one, because that is certain. What was not collected says nothing about the rest.
    """
    return max(grades, key=_badness, default=NOT_COLLECTED)


def _badness(grade: Grade) -> float:
    if grade == NOT_COLLECTED:
        return -1.0
    if grade.severity is None:
        # Just below critical, whatever levels a record declares between.
        return CRITICAL_SEVERITY - 0.5
    return float(grade.severity)
