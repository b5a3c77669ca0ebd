"""How much telemetry is collected, and its temporary escalation after an anomaly."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class TelemetryLevel(IntEnum):
    """Each level includes those below it."""

    OFF = 0
    """Collect and emit nothing."""
    MINIMAL = 1
    """Losses, returns, policy and value statistics, gradient norm and the NaN and Inf counts."""
    NORMAL = 2
    """MINIMAL, the hidden state's health and the anomaly checks."""
    DEBUG = 3
    """NORMAL and the statistics of every layer."""


CATEGORY_LEVELS: Mapping[str, TelemetryLevel] = MappingProxyType(
    {
        "losses": TelemetryLevel.MINIMAL,
        "gradients": TelemetryLevel.MINIMAL,
        "anomalies": TelemetryLevel.NORMAL,
        "hidden_state": TelemetryLevel.NORMAL,
        "layers": TelemetryLevel.DEBUG,
    }
)
"""The categories of what can be collected, each with the level from which it is."""


class UnknownCategoryWarning(UserWarning):
    """Something was to be collected under a category that nobody declared; it is not collected."""


class TelemetryConfig:
    """The chosen level, and DEBUG for a number of updates after `escalate`.

    Belongs to the training thread: it is not locked.

    Args:
        level: how much is collected.
        categories: the categories that `collects` knows, each with the level from which it is collected.
    """

    def __init__(
        self,
        level: TelemetryLevel = TelemetryLevel.NORMAL,
        *,
        categories: Mapping[str, TelemetryLevel] = CATEGORY_LEVELS,
    ) -> None:
        self._level: TelemetryLevel = level
        self._categories: Mapping[str, TelemetryLevel] = MappingProxyType(dict(categories))
        self._escalated_updates: int = 0
        self._effective_level: TelemetryLevel = level

    @property
    def level(self) -> TelemetryLevel:
        """The level that the operator chose."""
        return self._level

    @property
    def effective_level(self) -> TelemetryLevel:
        """The level in force: DEBUG while escalated, otherwise the chosen one. OFF is never escalated."""
        return self._effective_level

    @property
    def is_escalated(self) -> bool:
        """Whether an escalation is in force."""
        return self._escalated_updates > 0

    @property
    def escalated_updates(self) -> int:
        """How many more updates the escalation lasts; 0 when there is none."""
        return self._escalated_updates

    def includes(self, level: TelemetryLevel) -> bool:
        """Whether what belongs to ``level`` is to be collected now."""
        return self._effective_level >= level

    def collects(self, category: str) -> bool:
        """Whether what belongs to a category is to be collected now.

        A category that nobody declared is warned of (`UnknownCategoryWarning`) and not collected: a misspelt name
        must not look like a quiet metric.
        """
        level = self._categories.get(category)
        if level is None:
            near = difflib.get_close_matches(category, self._categories, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self._categories)}"
            warnings.warn(
                f"telemetry of the unknown category {category!r} is not collected; {hint}",
                UnknownCategoryWarning,
                stacklevel=2,
            )
            return False
        return self._effective_level >= level

    def escalate(self, updates: int) -> None:
        """Raise the level to DEBUG for the next ``updates`` calls of `tick`.

        A second escalation extends the first and never shortens it. At level OFF nothing is escalated: the
        operator asked for no telemetry.

        Raises:
            ValueError: ``updates`` is below 1.
        """
        if updates < 1:
            raise ValueError(f"an escalation lasts at least 1 update, not {updates}")
        if self._level is not TelemetryLevel.OFF:
            self._escalated_updates = max(self._escalated_updates, updates)
            self._effective_level = TelemetryLevel.DEBUG

    def tick(self) -> None:
        """Count one update: to be called once at the end of each."""
        if self._escalated_updates > 0:
            self._escalated_updates -= 1
            if self._escalated_updates == 0:
                self._effective_level = self._level
