"""Places in a file as single numbers: an analysis holds two for each line, and asks for few of them.

A place is packed with two marks of what stands there. Equal places are equal numbers; they have no other order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

IN_HANDLER = 1  # computed inside an `except` block
GATED = 2  # cannot run
_MARKS = IN_HANDLER | GATED
_WIDE = 4  # too long for the narrow form
_NARROW_FORM = (34, 23, 2047, 13, 1023, 3, 1023)  # shift and mask of each part; the line has no end
_WIDE_FORM = (99, 67, (1 << 32) - 1, 35, (1 << 32) - 1, 3, (1 << 32) - 1)


class Span(NamedTuple):
    """A place in a file: lines from 1, columns from 1, the end column exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


def packed(span: Span, *, in_handler: bool = False, gated: bool = False) -> int:
    """Return a place and its marks as a number."""
    line, column, end_line, end_column = span
    return packed_parts(line, column, end_line, end_column) | in_handler * IN_HANDLER | gated * GATED


def packed_parts(line: int, column: int, end_line: int, end_column: int) -> int:
    """Return a place without marks as a number; it fits into 64 bits if no part of it is uncommonly large."""
    height = end_line - line
    if height < 2048 and column < 1024 and end_column < 1024:
        return line << 34 | height << 23 | column << 13 | end_column << 3
    return line << 99 | height << 67 | column << 35 | end_column << 3 | _WIDE


def unmarked(place: int) -> int:
    """Return a packed place without its marks."""
    return place & ~_MARKS


def unpacked(place: int) -> Span:
    """Return the place that a number stands for."""
    return _span(place & ~_MARKS)


@lru_cache(1 << 14)  # what asks for a place asks several times, and may keep the answer
def _span(place: int) -> Span:
    form = _WIDE_FORM if place & _WIDE else _NARROW_FORM
    line_at, height_at, tallest, column_at, widest, end_at, _ = form
    line = place >> line_at
    return Span(
        line,
        place >> column_at & widest,
        line + (place >> height_at & tallest),
        place >> end_at & widest,
    )


def joined(first: int, last: int) -> int:
    """Return the place from the start of one to the end of another, both packed."""
    start, end = unpacked(first), unpacked(last)
    return packed_parts(start.line, start.column, end.end_line, end.end_column)
