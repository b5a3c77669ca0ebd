"""How undecided an action head still is, and for how long it has been too sure of itself.

A policy whose entropy collapses has stopped to explore: what it has not found by then it will not find. Each head of
a policy can collapse alone, while the sum over all heads still looks well.
"""

from __future__ import annotations

import math

from ..registry import Record, shipped_registry
from . import record_ids as ids
from .measurements import HeadEntropy
from .streaks import StreakCounter

__all__ = ["HeadEntropy", "HeadEntropyTracker"]


class HeadEntropyTracker:
    """Follows one head from update to update.

    Args:
        choices: between how many actions the head decides, at least 2.
        record: by which streaks are counted; the shipped TELE-101 if None.

    Raises:
        ValueError: a head of fewer than 2 choices has no entropy to lose.
    """

    def __init__(self, *, choices: int, record: Record | None = None) -> None:
        if choices < 2:
            raise ValueError(f"a head decides between at least 2 choices, not {choices}")
        self._largest: float = math.log(choices)
        self._streak: StreakCounter = StreakCounter(
            shipped_registry()[ids.HEAD_ENTROPY] if record is None else record
        )

    def update(self, entropy: float) -> HeadEntropy:
        """Take the mean entropy of one update, in nats; what is not finite stays so and is never healthy."""
        return self._streak.count(HeadEntropy(entropy=entropy, normalised=entropy / self._largest, streak=0))
