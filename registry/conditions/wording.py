"""Wording: regions and counter-examples of a proof, in the notation that authors write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from ..value_types import Kind
from .cells import Cell


def number(value: Fraction | int | float, kind: Kind) -> str:
    """A number as an author would write it."""
    if isinstance(value, Fraction):
        if value.denominator == 1 and kind is Kind.INT:
            return str(int(value))
        try:
            return repr(float(value))
        except OverflowError:
            return f"{'-' if value < 0 else ''}10**{len(str(abs(int(value)))) - 1}"
    return repr(value)


def assignment(name: str, cell: Cell) -> str:
    """A sample of a cell, `value = 0.05`."""
    return f"{name} = any other text" if cell.is_other else f"{name} = {cell.sample!r}"


def best_example(cells: Sequence[Cell]) -> Cell:
    """The cell whose sample says most: an interval before a point, a finite number before an infinity."""
    return min(cells, key=lambda cell: (not cell.is_finite_number, cell.is_point))


def runs(domain: Sequence[Cell], chosen: Sequence[Cell]) -> list[list[Cell]]:
    """The chosen cells, adjacent ones together; NaN, flags and strings stand alone."""
    wanted = {id(cell) for cell in chosen}
    result: list[list[Cell]] = []
    is_open = False
    for cell in domain:
        if id(cell) not in wanted:
            is_open = False
            continue
        joins = cell.kind.is_number and not cell.is_nan
        if is_open and joins:
            result[-1].append(cell)
        else:
            result.append([cell])
        is_open = joins
    return result


def region(name: str, run: Sequence[Cell]) -> str:
    """A run of adjacent cells as one comparison, `0 <= value < 0.1`."""
    first = run[0]
    if not first.kind.is_number:
        return f"any other text in {name}" if first.is_other else f"{name} == {first.sample!r}"
    if first.is_nan:
        return f"{name} is NaN"
    finite = [cell for cell in run if cell.is_finite_number]
    ends = [cell.sample for cell in run if not cell.is_finite_number]
    if not finite:
        return " or ".join(f"{name} == {end!r}" for end in ends)
    text = _bounds(name, finite)
    loose = [repr(end) for end in ends if not _is_natural_end(end, finite)]
    return " or ".join([f"{name} == {end}" for end in loose] + [text])


def _is_natural_end(end: int | float | bool | str, finite: Sequence[Cell]) -> bool:
    """Whether an infinity is merely the end of an unbounded run, which its comparison includes."""
    edge = finite[0].low if end == -math.inf else finite[-1].high
    return edge is None


def _bounds(name: str, finite: Sequence[Cell]) -> str:
    kind = finite[0].kind
    low, low_closed = finite[0].low, finite[0].is_point
    high, high_closed = finite[-1].high, finite[-1].is_point
    if kind is Kind.INT:  # the integers that are really there
        if low is not None and not low_closed:
            low, low_closed = Fraction(math.floor(low) + 1), True
        if high is not None and not high_closed:
            high, high_closed = Fraction(math.ceil(high) - 1), True
    if low is None and high is None:
        return f"every finite {name}"
    if low is None or high is None:
        bound, closed = (low, low_closed) if low is not None else (high, high_closed)
        sign = ">" if low is not None else "<"
        assert bound is not None
        return f"{name} {sign}{'=' if closed else ''} {number(bound, kind)}"
    if low == high:
        return f"{name} == {number(low, kind)}"
    left = "<=" if low_closed else "<"
    right = "<=" if high_closed else "<"
    return f"{number(low, kind)} {left} {name} {right} {number(high, kind)}"
