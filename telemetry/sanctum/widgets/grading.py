"""How a grade looks: one word and one style for each level, the same in every widget.

The level itself always comes from a record, by `shipped_registry()[ID].grade(value)`; nothing here knows a
threshold. The word alone carries the meaning, so the widgets can be read without colour.
"""

from __future__ import annotations

from collections.abc import Iterable

from ....registry import NOT_COLLECTED, UNCLASSIFIED, Level

HEALTHY_SEVERITY = 0
WARNING_SEVERITY = 10
CRITICAL_SEVERITY = 20

QUIET = "dim"
"""Style of what has no grade: not collected, or no thresholds."""
UNCLASSIFIED_STYLE = "bold magenta"

WAITING = "waiting for the first update"


def level_word(level: Level) -> str:
    """Return the word for a level: healthy in small letters, what needs attention in capitals."""
    if level == NOT_COLLECTED:
        return "not collected"
    if level.severity is not None and level.severity <= HEALTHY_SEVERITY:
        return level.name
    return level.name.upper()


def level_style(level: Level) -> str:
    """Return the rich style for a level: green, yellow, red; never green for a value in no level."""
    if level == NOT_COLLECTED:
        return QUIET
    if level == UNCLASSIFIED or level.severity is None:
        return UNCLASSIFIED_STYLE
    if level.severity <= HEALTHY_SEVERITY:
        return "green"
    if level.severity < CRITICAL_SEVERITY:
        return "bold yellow"
    return "bold red"


def count_style(level: Level) -> str:
    """Return the rich style for a count of non-finite gradients, where any at all is already red.

    Warning is red bold and critical is red bold reverse, as records TELE-300 and TELE-301 ask of a display.
    """
    if level.severity is None or level.severity <= HEALTHY_SEVERITY:
        return level_style(level)
    if level.severity < CRITICAL_SEVERITY:
        return "bold red"
    return "bold red reverse"


def worst_level(levels: Iterable[Level]) -> Level:
    """Return the worst of some levels, or `NOT_COLLECTED` when nothing was collected.

    A value in no level is worse than a warning, because nobody knows what it means, and less than a critical
    one, because that is certain. What was not collected says nothing about the rest.
    """
    return max(levels, key=_badness, default=NOT_COLLECTED)


def _badness(level: Level) -> tuple[float, bool]:
    if level == NOT_COLLECTED:
        return (-1.0, False)
    if level == UNCLASSIFIED or level.severity is None:
        # Just below critical, however the levels between are called.
        return (CRITICAL_SEVERITY - 0.5, True)
    return (float(level.severity), False)
