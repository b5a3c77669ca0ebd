"""How a grade looks: one word and one style for each, the same in every widget.

The grade itself always comes from a record, by `shipped_registry()[ID].grade(value)`; nothing here knows a
threshold. The word alone carries the meaning, so the widgets can be read without colour.
"""

from __future__ import annotations

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
