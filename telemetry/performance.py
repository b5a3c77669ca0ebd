"""Has training got worse than it once was? Looked at when an epoch ends, once there are epochs to compare with."""

from __future__ import annotations

import math

from .measurements import PerformanceTrend

__all__ = ["EPOCH_UPDATES", "WARMUP_EPOCHS", "PerformanceTracker", "PerformanceTrend"]

EPOCH_UPDATES = 10
"""Updates of an epoch."""

WARMUP_EPOCHS = 3
"""Epochs that have to end before one of them is a standard to compare with."""


class PerformanceTracker:
    """Compares the mean return at the end of each epoch with the best end of an earlier one.

    A return that is not finite is never a best one; its drop is NaN, which no record calls healthy.

    Args:
        epoch_updates: after how many updates an epoch ends, at least 1.
        warmup_epochs: how many epochs `PerformanceTrend.is_warming_up` stays true, at least 1.

    Raises:
        ValueError: an argument is below 1.
    """

    def __init__(self, *, epoch_updates: int = EPOCH_UPDATES, warmup_epochs: int = WARMUP_EPOCHS) -> None:
        for name, value in (("epoch_updates", epoch_updates), ("warmup_epochs", warmup_epochs)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self._epoch_updates: int = epoch_updates
        self._warmup_epochs: int = warmup_epochs
        self._updates: int = 0
        self._best: float | None = None

    def update(self, mean_return: float | None) -> PerformanceTrend | None:
        """Count one update; the trend where it ends an epoch, else None.

        Args:
            mean_return: mean return of recent episodes; None where none has finished.
        """
        self._updates += 1
        epoch, rest = divmod(self._updates, self._epoch_updates)
        if rest:
            return None
        best = self._best
        trend = PerformanceTrend(
            epoch=epoch,
            mean_return=mean_return,
            best_return=best,
            drop=None if mean_return is None else relative_drop(mean_return, best),
            is_warming_up=epoch <= self._warmup_epochs,
        )
        if mean_return is not None and math.isfinite(mean_return):
            self._best = mean_return if best is None else max(best, mean_return)
        return trend


def relative_drop(value: float, best: float | None) -> float | None:
    """How much of ``best`` has been lost, as a share of its size; None without a best one, NaN for what is not finite.

    Returns may be negative: from -100 to -150 half of the size is lost too. Any loss from 0 is infinite.
    """
    if not math.isfinite(value):
        return math.nan
    if best is None:
        return None
    lost = best - value
    if lost == 0:
        return 0.0
    return lost / abs(best) if best else math.copysign(math.inf, lost)
