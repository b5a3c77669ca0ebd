"""Numbers as the widgets write them."""

from __future__ import annotations

import math
from decimal import Decimal

NO_VALUE = "—"


def decimal(value: float | None) -> str:
    """Write a measured value with three decimals, or in powers of ten where those would hide it.

    `None`, which is *not collected*, is a dash; NaN and infinities are named.
    """
    if value is None:
        return NO_VALUE
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    # 0.0004 would read 0.000, and a norm of 1e12 has more digits than a column.
    if value != 0.0 and not 0.0005 <= abs(value) < 1e6:
        return f"{value:.2e}"
    return f"{value:.3f}"


def count(value: int | None) -> str:
    """Write a count with thousands separated; `None`, which is *not collected*, is a dash."""
    return NO_VALUE if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """Write a share as a percentage with one decimal, or in powers of ten where it is out of all proportion.

    `None`, which is *not collected*, is a dash; NaN and infinities are named.
    """
    if value is None or not math.isfinite(value):
        return decimal(value)
    # A share of -1e14, of a value function gone wrong, has more digits than a column. A decimal does not overflow.
    return f"{value:.1%}" if abs(value) < 999 else f"{Decimal(value).scaleb(2):.1e}%"
