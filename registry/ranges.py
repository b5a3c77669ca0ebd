"""Ranges: which numbers a metric can take, written as an interval such as `[0, inf)`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from .notation import Notation, NotationError

_INTERVAL = re.compile(r"\s*([\[(])\s*([^,\[\]()]*?)\s*,\s*([^,\[\]()]*?)\s*([\])])\s*")
_EXPECTED = 'an interval such as "[0, inf)", "(0, 1]" or "[0, total_params]"'


@dataclass(frozen=True, slots=True)
class ValueRange(Notation):
    """An interval of numbers. A bound of None is unbounded: infinity, or a symbol such as `total_params`.

    Symbols are kept for readers (`lower_symbol`, `upper_symbol`) and bound nothing, since no record knows
    their value.
    """

    text: str
    lower: Fraction | None = None
    upper: Fraction | None = None
    lower_closed: bool = True
    upper_closed: bool = True
    lower_symbol: str | None = None
    upper_symbol: str | None = None

    json_schema: ClassVar[Mapping[str, object]] = {
        "description": _EXPECTED,
        "pattern": r"^\s*[\[(][^,\[\]()]+,[^,\[\]()]+[\])]\s*$",
        "examples": ["[0, inf)", "[0.0, 1.0]", "[0, total_params]"],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an interval. Raises NotationError."""
        match = _INTERVAL.fullmatch(text)
        if match is None:
            raise NotationError(text, f"{text!r} is not an interval", expected=_EXPECTED)
        lower, lower_symbol = _bound(text, match, 2)
        upper, upper_symbol = _bound(text, match, 3)
        result = cls(
            text,
            lower,
            upper,
            lower_closed=match[1] == "[",
            upper_closed=match[4] == "]",
            lower_symbol=lower_symbol,
            upper_symbol=upper_symbol,
        )
        if lower is not None and upper is not None:
            closed = result.lower_closed and result.upper_closed
            if lower > upper or (lower == upper and not closed):
                raise NotationError(
                    text, f"{text!r} holds no number", expected="a lower bound below the upper bound"
                )
        return result

    def contains(self, value: Fraction) -> bool:
        """Whether a finite number lies in the range."""
        if self.lower is not None and (value < self.lower or (value == self.lower and not self.lower_closed)):
            return False
        return self.upper is None or value < self.upper or (value == self.upper and self.upper_closed)

    def __str__(self) -> str:
        return self.text


def _bound(text: str, match: re.Match[str], group: int) -> tuple[Fraction | None, str | None]:
    """Read one bound: its number (None: unbounded) and its symbol, if it is one."""
    written = match[group]
    is_lower = group == 2
    bare = written.lstrip("+-").lower()
    if bare in ("inf", "∞", "infinity", ".inf"):
        if written.startswith("-") is not is_lower:
            raise NotationError(
                text,
                f"{written!r} cannot be the {'lower' if is_lower else 'upper'} bound",
                expected="-inf below and inf above",
                offset=match.start(group),
            )
        return None, None
    try:
        return Fraction(int(written)), None
    except ValueError:
        pass  # not written as an integer: a float or a symbol follows
    try:
        number = float(written)
    except ValueError:
        if written.isidentifier():
            return None, written
        raise NotationError(
            text,
            f"{written!r} is neither a number nor a name",
            expected=_EXPECTED,
            offset=match.start(group),
        ) from None
    if not math.isfinite(number):
        raise NotationError(
            text,
            f"{written!r} is not a number that bounds anything",
            expected=_EXPECTED,
            offset=match.start(group),
        )
    return Fraction(number), None
