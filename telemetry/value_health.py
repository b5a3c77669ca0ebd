"""Whether the value function has collapsed: judged by how far training has come, and for how long it lasts.

The share of variance explained is 1 - Var(returns - values) / Var(returns), as in OpenAI Baselines and
Stable-Baselines3. A critic that has just begun explains nothing, which is as it should be; one that explains nothing
in the middle of a training has collapsed. Nothing here has a default: a phase that nobody gave would be a wrong one.
"""

from __future__ import annotations

from ..registry import Record, shipped_registry
from . import record_ids as ids
from .measurements import PolicyStats, ValueHealth
from .streaks import StreakCounter

__all__ = ["PhaseError", "ValueHealth", "ValueHealthTracker"]


class PhaseError(ValueError):
    """The phase is no share of a training: it lies outside 0 to 1."""


class ValueHealthTracker:
    """Follows the value function from update to update.

    Args:
        record: by which streaks are counted; the shipped TELE-201 if None.
    """

    def __init__(self, record: Record | None = None) -> None:
        self._streak: StreakCounter = StreakCounter(
            shipped_registry()[ids.VALUE_HEALTH] if record is None else record
        )

    def update(self, stats: PolicyStats, *, phase: float) -> ValueHealth:
        """Take one update's fit of the values.

        Args:
            stats: what the update measured.
            phase: share of the training that is done, from 0 to 1.

        Raises:
            PhaseError: ``phase`` lies outside 0 to 1, or is NaN.
        """
        if not 0 <= phase <= 1:
            raise PhaseError(f"the phase is a share of the training from 0 to 1, not {phase}")
        return self._streak.count(
            ValueHealth(
                phase=phase,
                explained_variance=stats.explained_variance,
                value_mean=stats.value_mean,
                value_std=stats.value_std,
                streak=0,
            )
        )
