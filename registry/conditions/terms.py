"""Terms: the piecewise-linear expressions in one name that a comparison may compare, kept exact."""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from .sets import NumberSet

MAX_BREAKS = 64
"""More kinks than any sensible condition has; nested `abs` would double them without end."""

COMPARISONS: dict[str, Callable[[Fraction | float, Fraction | float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class TermError(ValueError):
    """A term cannot be kept exact, or does not depend on its name."""


@dataclass(frozen=True, slots=True)
class Term:
    """A continuous piecewise-linear function of the name `name`.

    `lines[i]` is (slope, intercept) between `breaks[i - 1]` and `breaks[i]`; `at_below` and `at_above` are
    what float arithmetic makes of it at -inf and +inf (it can be NaN there).
    """

    name: str
    breaks: tuple[Fraction, ...]
    lines: tuple[tuple[Fraction, Fraction], ...]
    at_below: float
    at_above: float

    @classmethod
    def variable(cls, name: str) -> Term:
        """The name itself."""
        return cls(name, (), ((Fraction(1), Fraction(0)),), -math.inf, math.inf)

    def value_at(self, point: Fraction) -> Fraction:
        """The exact value at a finite point."""
        slope, intercept = self.lines[bisect_left(self.breaks, point)]
        return slope * point + intercept

    def scaled(self, factor: Fraction) -> Term:
        """The term times a constant."""
        return Term(
            self.name,
            self.breaks,
            tuple((slope * factor, intercept * factor) for slope, intercept in self.lines),
            self.at_below * _as_float(factor),
            self.at_above * _as_float(factor),
        )

    def shifted(self, offset: Fraction) -> Term:
        """The term plus a constant."""
        return Term(
            self.name,
            self.breaks,
            tuple((slope, intercept + offset) for slope, intercept in self.lines),
            self.at_below,
            self.at_above,
        )

    def plus(self, other: Term) -> Term:
        """The sum of two terms in the same name."""
        breaks = tuple(sorted({*self.breaks, *other.breaks}))
        if len(breaks) > MAX_BREAKS:
            raise TermError("it has too many kinks")
        lines = []
        for point in _samples(breaks):
            slope, intercept = self.lines[bisect_left(self.breaks, point)]
            more, further = other.lines[bisect_left(other.breaks, point)]
            lines.append((slope + more, intercept + further))
        return Term(
            self.name, breaks, tuple(lines), self.at_below + other.at_below, self.at_above + other.at_above
        )

    def absolute(self) -> Term:
        """The term's absolute value."""
        breaks = tuple(sorted({*self.breaks, *_roots(self)}))
        if len(breaks) > MAX_BREAKS:
            raise TermError("it has too many kinks")
        lines = []
        for point in _samples(breaks):
            slope, intercept = self.lines[bisect_left(self.breaks, point)]
            sign = -1 if slope * point + intercept < 0 else 1
            lines.append((sign * slope, sign * intercept))
        return Term(self.name, breaks, tuple(lines), abs(self.at_below), abs(self.at_above))

    def compare(self, comparison: str, other: Term | Fraction | float) -> NumberSet:
        """Where `self comparison other` holds. A float `other` is an infinity; a number is a Fraction.

        Raises TermError where the difference of the two is constant, or has too many kinks.
        """
        holds = COMPARISONS[comparison]
        at_nan = holds(math.nan, 0.0)
        if isinstance(other, float):
            return NumberSet(
                (),
                (holds(0.0, other),),
                below=holds(self.at_below, other),
                above=holds(self.at_above, other),
                nan=at_nan,
            )
        difference = (
            self.shifted(-other) if isinstance(other, Fraction) else self.plus(other.scaled(Fraction(-1)))
        )
        if all(slope == 0 for slope, _ in difference.lines):
            raise TermError(f"this comparison does not depend on `{self.name}`")
        cuts = tuple(sorted({*difference.breaks, *_roots(difference)}))
        truth: list[bool] = []
        for index, point in enumerate(_samples(cuts)):
            truth.append(holds(difference.value_at(point), 0))
            if index < len(cuts):
                truth.append(holds(difference.value_at(cuts[index]), 0))
        if isinstance(other, Fraction):
            other_below = other_above = _as_float(other)
        else:
            other_below, other_above = other.at_below, other.at_above
        return NumberSet.build(
            cuts,
            tuple(truth),
            below=holds(self.at_below, other_below),
            above=holds(self.at_above, other_above),
            nan=at_nan,
        )


def _as_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _samples(cuts: tuple[Fraction, ...]) -> list[Fraction]:
    """One point inside each of the open intervals that the cuts leave."""
    if not cuts:
        return [Fraction(0)]
    inner = [(low + high) / 2 for low, high in pairwise(cuts)]
    return [cuts[0] - 1, *inner, cuts[-1] + 1]


def _roots(term: Term) -> list[Fraction]:
    """Where the term is zero and changes sign or leaves zero (a line that is zero throughout has none)."""
    bounds: list[Fraction | None] = [None, *term.breaks, None]
    roots = []
    for (slope, intercept), low, high in zip(term.lines, bounds, bounds[1:], strict=False):
        if slope == 0:
            continue
        root = -intercept / slope
        if (low is None or root >= low) and (high is None or root <= high):
            roots.append(root)
    return roots
