"""Cells: a domain cut into points and open intervals on which every condition is constant."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from ..ranges import ValueRange
from ..value_types import Kind
from .sets import ChoiceSet, NumberSet
from .subject import Domain

_LARGEST = Fraction(sys.float_info.max)


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of one name's domain.

    `sample` is a value of it, as a program would hold it; `low` and `high` bound a finite cell (equal: a
    point; None: unbounded), and are None for a cell that is not finite or holds no number. `is_other` marks
    the strings that no condition names.
    """

    kind: Kind
    sample: int | float | bool | str
    low: Fraction | None = None
    high: Fraction | None = None
    is_other: bool = False

    @property
    def is_finite_number(self) -> bool:
        """Whether the cell holds finite numbers."""
        return (
            self.kind.is_number and math.isfinite(self.sample) if not isinstance(self.sample, str) else False
        )

    @property
    def is_nan(self) -> bool:
        """Whether the cell is NaN."""
        return isinstance(self.sample, float) and math.isnan(self.sample)

    @property
    def is_point(self) -> bool:
        """Whether the cell is one finite number."""
        return self.low is not None and self.low == self.high

    def is_in(self, members: NumberSet | ChoiceSet) -> bool:
        """Whether the cell lies in the set (it never lies partly in it)."""
        if isinstance(members, ChoiceSet):
            if self.is_other:
                return members.contains_unnamed
            assert isinstance(self.sample, (str, bool))
            return members.contains(self.sample)
        assert not isinstance(self.sample, str)
        if not self.is_finite_number:
            return members.contains(float(self.sample))
        if self.is_point:
            assert self.low is not None
            return members.contains(self.low)
        return members.contains(Fraction(self.sample))


def cells_of(domain: Domain, sets: Iterable[NumberSet | ChoiceSet]) -> list[Cell]:
    """The cells of a domain that the sets cut, in ascending order: -inf, finite cells, +inf, NaN.

    Cells without any value of the kind are left out: no integer lies between 0 and 1, and no float64 between
    two neighbouring ones.
    """
    if domain.kind is Kind.BOOL:
        return [Cell(Kind.BOOL, False), Cell(Kind.BOOL, True)]
    if domain.kind is Kind.STR:
        return _string_cells(sets)
    cuts = sorted({cut for members in sets if isinstance(members, NumberSet) for cut in members.cuts})
    finite = _finite_cells(domain.kind, domain.range, cuts)
    if domain.kind is Kind.INT:
        return finite
    return [
        Cell(Kind.FLOAT, -math.inf),
        *finite,
        Cell(Kind.FLOAT, math.inf),
        Cell(Kind.FLOAT, math.nan),
    ]


def _string_cells(sets: Iterable[NumberSet | ChoiceSet]) -> list[Cell]:
    named = sorted(
        {str(name) for members in sets if isinstance(members, ChoiceSet) for name in members.members}
    )
    other = "other"
    while other in named:
        other += "_"
    return [*(Cell(Kind.STR, name) for name in named), Cell(Kind.STR, other, is_other=True)]


def _finite_cells(kind: Kind, within: ValueRange | None, cuts: list[Fraction]) -> list[Cell]:
    low, high = (within.lower, within.upper) if within is not None else (None, None)
    points = sorted({*cuts, *(bound for bound in (low, high) if bound is not None)})
    points = [point for point in points if (low is None or point >= low) and (high is None or point <= high)]
    cells: list[Cell] = []
    before: Fraction | None = low
    if low is None:
        cells += _interval(kind, None, points[0] if points else None)
    for index, point in enumerate(points):
        if index:
            cells += _interval(kind, before, point)
        if within is None or within.contains(point):
            cells += _point(kind, point)
        before = point
    if high is None and points:
        cells += _interval(kind, before, None)
    return cells


def _point(kind: Kind, point: Fraction) -> list[Cell]:
    if kind is Kind.INT:
        return [Cell(kind, int(point), point, point)] if point.denominator == 1 else []
    if abs(point) > _LARGEST or Fraction(float(point)) != point:
        return []
    return [Cell(kind, float(point), point, point)]


def _interval(kind: Kind, low: Fraction | None, high: Fraction | None) -> list[Cell]:
    sample = _integer_inside(low, high) if kind is Kind.INT else _float_inside(low, high)
    return [] if sample is None else [Cell(kind, sample, low, high)]


def _integer_inside(low: Fraction | None, high: Fraction | None) -> int | None:
    if low is not None:
        candidate = math.floor(low) + 1
        return candidate if high is None or candidate < high else None
    return math.ceil(high) - 1 if high is not None else 0


def _float_inside(low: Fraction | None, high: Fraction | None) -> float | None:
    """A plain float64 strictly inside, or None where there is none."""

    def inside(number: float) -> bool:
        if not math.isfinite(number):
            return False
        exact = Fraction(number)
        return (low is None or exact > low) and (high is None or exact < high)

    candidates: list[Fraction | int]
    if low is not None and high is not None:
        middle = (low + high) / 2
        candidates = [Fraction(repr(round(float(middle), 3))) if abs(middle) < _LARGEST else 0, middle]
    elif low is not None:
        candidates = [low + 1, low * 2, low / 2, _LARGEST]
    elif high is not None:
        candidates = [high - 1, high * 2, high / 2, -_LARGEST]
    else:
        candidates = [0]
    for candidate in map(Fraction, candidates):
        if abs(candidate) <= _LARGEST and inside(float(candidate)):
            return float(candidate)
    if low is not None and abs(low) <= _LARGEST:
        nearest = float(low)
        neighbour = nearest if Fraction(nearest) > low else math.nextafter(nearest, math.inf)
        if inside(neighbour):
            return neighbour
    if high is not None and abs(high) <= _LARGEST:
        nearest = float(high)
        neighbour = nearest if Fraction(nearest) < high else math.nextafter(nearest, -math.inf)
        if inside(neighbour):
            return neighbour
    return None
