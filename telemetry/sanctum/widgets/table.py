"""The rows of a panel: signal, value, details and grade, in columns that are the same in every panel."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from ....registry import Grade
from .grading import QUIET, WAITING, grade_word
from .numbers import NO_VALUE

SIGNAL_WIDTH = 15
VALUE_WIDTH = 9
DETAIL_WIDTH = 32
GUTTER = "  "


def graded(signal: str, value: str, detail: str, grade: Grade, style: str) -> Text:
    """A row with the word for its grade."""
    return row(signal, value, detail, grade_word(grade), style=style)


def ungraded(signal: str, value: str, detail: str) -> Text:
    """A row of what has no record: it says so, and is never coloured."""
    line = row(signal, value, detail, "")
    return line.append("not graded", style=QUIET)


def wide(signal: str, detail: str) -> Text:
    """A row of text alone, which runs on to the right edge."""
    indent = VALUE_WIDTH + 2 * len(GUTTER)
    return Text(f"{_fit(signal, SIGNAL_WIDTH)}{' ' * indent}{detail}", no_wrap=True, overflow="ellipsis")


def waiting(*signals: str) -> list[Text]:
    """The rows of signals that nothing is known of, before the first update."""
    details = (WAITING, *[""] * (len(signals) - 1))
    return [
        row(signal, NO_VALUE, detail, "waiting", style=QUIET)
        for signal, detail in zip(signals, details, strict=True)
    ]


def row(signal: str, value: str, detail: str, grade: str, style: str = "") -> Text:
    """A row of the four columns, the value right-aligned."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(_fit(signal, SIGNAL_WIDTH), style="bold" if style == "bold" else "")
    line.append(GUTTER)
    line.append(" " * (VALUE_WIDTH - cell_len(value)))
    line.append(value, style=style)
    line.append(GUTTER)
    line.append(_fit(detail, DETAIL_WIDTH), style=style if detail.strip() else "")
    line.append(GUTTER)
    return line.append(grade, style=style)


def _fit(text: str, width: int) -> str:
    """Pad to the width of a column, or cut with an ellipsis."""
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return text[: width - 1] + "…"
