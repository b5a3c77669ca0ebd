"""The recent gradient norms of a run, and how much they vary."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

HISTORY_LENGTH = 10
"""Norms kept: as many as the dashboard's history of the norm."""

MINIMUM_POINTS = 3
"""Norms that it takes to speak of their variation."""


class NormHistory:
    """The last `HISTORY_LENGTH` gradient norms of a run, oldest first."""

    def __init__(self) -> None:
        self._norms: deque[float] = deque(maxlen=HISTORY_LENGTH)

    @property
    def norms(self) -> tuple[float, ...]:
        """The norms, oldest first."""
        return tuple(self._norms)

    def append(self, norm: float | None) -> tuple[float, ...]:
        """Add the norm of one more update, and return all, oldest first.

        A norm that was not collected (None) or is not finite is no point of the history: the latter is an anomaly
        of its own update, and would hide how the others vary for as long as it stayed.
        """
        if norm is not None and math.isfinite(norm):
            self._norms.append(norm)
        return tuple(self._norms)

    def coefficient_of_variation(self) -> float | None:
        """See `coefficient_of_variation`."""
        return coefficient_of_variation(self._norms)


def coefficient_of_variation(norms: Sequence[float]) -> float | None:
    """Population standard deviation of the norms over their mean: how unsteady they are, whatever their size.

    Returns:
        None for fewer than `MINIMUM_POINTS` norms. NaN when one is not finite: such a window has no spread, and
        must not look steady. 0.0 when all are zero. Otherwise from 0 to sqrt(n - 1), which one norm reaches
        beside which all others vanish.
    """
    if len(norms) < MINIMUM_POINTS:
        return None
    if not all(map(math.isfinite, norms)):
        return math.nan
    largest = max(map(abs, norms))
    if largest == 0.0:
        return 0.0
    # In units of the largest, so that neither the sum nor a square overflows or vanishes.
    shares = [norm / largest for norm in norms]
    mean = math.fsum(shares) / len(shares)
    variance = math.fsum((share - mean) ** 2 for share in shares) / len(shares)
    return math.sqrt(variance) / mean
