"""A short window of numbers as a sparkline and as a trend."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum
from itertools import combinations

from ..schema import GRAD_NORM_WINDOW

SPARKLINE_WIDTH = GRAD_NORM_WINDOW
"""Characters of a sparkline: one for each point of the window."""

BLOCKS = "▁▂▃▄▅▆▇█"
NAN_MARK = "×"
INF_MARK = "∞"
NO_POINT = "·"

MIN_TREND_POINTS = 3
MIN_TREND_TAU = 0.5


class Trend(Enum):
    """Which way a window of values goes: the arrow and the word for it."""

    RISING = ("↑", "rising")
    FALLING = ("↓", "falling")
    STEADY = ("→", "steady")
    UNKNOWN = ("-", "too few points")

    def __init__(self, arrow: str, word: str) -> None:
        self.arrow = arrow
        self.word = word


def detect_trend(history: Iterable[float]) -> Trend:
    """Tell the direction of a series by Kendall's rank correlation with time.

    Over all pairs of points, tau = (pairs that rise − pairs that fall) / pairs. The series is rising when
    tau ≥ 0.5, falling when tau ≤ −0.5, and steady otherwise. Ranks make the answer independent of the unit,
    and a single spike cannot turn it. In a window of ten points, fewer than 5 % of trendless series reach
    |tau| ≥ 0.5 by chance; shorter windows are weaker evidence.

    NaN points say nothing about direction and are left out; an infinite point is larger than any finite one.

    Args:
        history: values, oldest first.

    Returns:
        The trend; `Trend.UNKNOWN` when fewer than three points are left.

    Source: M. G. Kendall, "A New Measure of Rank Correlation", Biometrika 30 (1938).
    """
    points = [value for value in history if not math.isnan(value)]
    if len(points) < MIN_TREND_POINTS:
        return Trend.UNKNOWN
    # Compared, not subtracted: the difference of two infinite points would be NaN.
    signs = [(later > earlier) - (later < earlier) for earlier, later in combinations(points, 2)]
    tau = sum(signs) / len(signs)
    if tau >= MIN_TREND_TAU:
        return Trend.RISING
    if tau <= -MIN_TREND_TAU:
        return Trend.FALLING
    return Trend.STEADY


def sparkline(history: Iterable[float]) -> str:
    """Draw the newest ten values as ten characters, oldest first.

    The height of a bar is its value as a share of the largest finite value shown, so that a steady series
    looks steady instead of having its noise stretched to full height. `×` is NaN, `∞` is infinite, and a `·`
    on the left is a point that does not exist yet. Values below zero, which a norm cannot have, are drawn as
    the lowest bar.
    """
    window = list(history)[-SPARKLINE_WIDTH:]
    top = max((value for value in window if math.isfinite(value)), default=0.0)
    return "".join(_bar(value, top) for value in window).rjust(SPARKLINE_WIDTH, NO_POINT)


def _bar(value: float, top: float) -> str:
    if math.isnan(value):
        return NAN_MARK
    if math.isinf(value):
        return INF_MARK
    if value <= 0.0:
        return BLOCKS[0]
    return BLOCKS[round(value / top * (len(BLOCKS) - 1))]
