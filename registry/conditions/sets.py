"""Sets of values: which values make a comparison true. Exact, closed under and/or/not."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

_Combine = Callable[[bool, bool], bool]


@dataclass(frozen=True, slots=True)
class NumberSet:
    """A set of extended reals: finite numbers cut at rational points, and the three that are not finite.

    With n `cuts` (ascending), `truth` has 2n + 1 entries: the open interval below the first cut, that cut,
    the open interval above it, ..., the open interval above the last cut. `below` and `above` are the truth
    at -inf and +inf, `nan` the truth at NaN.
    """

    cuts: tuple[Fraction, ...]
    truth: tuple[bool, ...]
    below: bool
    above: bool
    nan: bool

    @classmethod
    def build(
        cls, cuts: tuple[Fraction, ...], truth: tuple[bool, ...], *, below: bool, above: bool, nan: bool
    ) -> NumberSet:
        """The set, with those cuts left out at which nothing changes."""
        kept: list[Fraction] = []
        result = [truth[0]]
        for index, cut in enumerate(cuts):
            at, after = truth[2 * index + 1], truth[2 * index + 2]
            if at == after == result[-1]:
                continue
            kept.append(cut)
            result += [at, after]
        return cls(tuple(kept), tuple(result), below, above, nan)

    def contains(self, value: Fraction | float) -> bool:
        """Whether a number (NaN and infinities included) is in the set."""
        if isinstance(value, float) and not math.isfinite(value):
            return self.nan if math.isnan(value) else self.above if value > 0 else self.below
        exact = Fraction(value)
        index = bisect_left(self.cuts, exact)
        on_cut = index < len(self.cuts) and self.cuts[index] == exact
        return self.truth[2 * index + 1] if on_cut else self.truth[2 * index]

    def truth_between(self, low: Fraction | None, high: Fraction | None) -> bool:
        """The truth on the open interval (low, high), which no cut may divide. None is unbounded."""
        if low is not None:
            index = bisect_left(self.cuts, low)
            if index < len(self.cuts) and self.cuts[index] == low:
                index += 1
            return self.truth[2 * index]
        return self.truth[0]

    def truth_with(self, cuts: Sequence[Fraction]) -> list[bool]:
        """The truth in every region that these cuts, the set's own among them, divide the finite numbers into."""
        truth: list[bool] = [self.truth[0]]
        for cut in cuts:
            truth += [self.contains(cut), self.truth_between(cut, None)]
        return truth

    def _combine(self, other: NumberSet, combine: _Combine) -> NumberSet:
        cuts = sorted({*self.cuts, *other.cuts})
        pairs = zip(self.truth_with(cuts), other.truth_with(cuts), strict=True)
        return NumberSet.build(
            tuple(cuts),
            tuple(combine(left, right) for left, right in pairs),
            below=combine(self.below, other.below),
            above=combine(self.above, other.above),
            nan=combine(self.nan, other.nan),
        )

    def __and__(self, other: NumberSet) -> NumberSet:
        return self._combine(other, lambda left, right: left and right)

    def __or__(self, other: NumberSet) -> NumberSet:
        return self._combine(other, lambda left, right: left or right)

    def __invert__(self) -> NumberSet:
        return NumberSet(
            self.cuts,
            tuple(not value for value in self.truth),
            not self.below,
            not self.above,
            not self.nan,
        )

    @property
    def is_upper_ray(self) -> bool:
        """Whether this is `> c` or `>= c` and nothing else."""
        return self.truth in ((False, False, True), (False, True, True)) and self._ray_ends == (False, True)

    @property
    def is_lower_ray(self) -> bool:
        """Whether this is `< c` or `<= c` and nothing else."""
        return self.truth in ((True, False, False), (True, True, False)) and self._ray_ends == (True, False)

    @property
    def _ray_ends(self) -> tuple[bool, bool] | None:
        return None if self.nan else (self.below, self.above)

    def is_subset(self, other: NumberSet) -> bool:
        """Whether every member of this set is a member of the other."""
        rest = self & ~other
        return not (any(rest.truth) or rest.below or rest.above or rest.nan)


@dataclass(frozen=True, slots=True)
class ChoiceSet:
    """A set of strings or flags: the members, or (`others`) everything except them."""

    members: frozenset[str | bool]
    others: bool = False

    def contains(self, value: str | bool) -> bool:
        """Whether the string or flag is in the set."""
        return (value in self.members) is not self.others

    @property
    def contains_unnamed(self) -> bool:
        """Whether a string that no condition names is in the set."""
        return self.others

    def __and__(self, other: ChoiceSet) -> ChoiceSet:
        return ~(~self | ~other)

    def __or__(self, other: ChoiceSet) -> ChoiceSet:
        if self.others and other.others:
            return ChoiceSet(self.members & other.members, True)
        if self.others:
            return ChoiceSet(self.members - other.members, True)
        if other.others:
            return ChoiceSet(other.members - self.members, True)
        return ChoiceSet(self.members | other.members)

    def __invert__(self) -> ChoiceSet:
        return ChoiceSet(self.members, not self.others)
