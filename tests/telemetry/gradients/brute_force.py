"""Norms computed from every element, one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from torch import Tensor


def numbers(tensors: Iterable[Tensor]) -> list[float]:
    """Every element, in float64."""
    return [value for tensor in tensors for value in tensor.double().flatten().tolist()]


def brute_norm(values: Sequence[float]) -> float:
    """By `math.hypot`, which scales; a NaN wins over an infinity, as in IEEE addition."""
    if any(map(math.isnan, values)):
        return math.nan
    return math.hypot(*values)
