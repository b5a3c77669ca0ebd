"""What a rank says, made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from telewire.telemetry.ranks.statistics import RankStatistics


def says(**changes: Any) -> RankStatistics:
    """The statistics of a rank that has collected nothing in the first update, but for the changes."""
    return replace(RankStatistics.of(update=1), **changes)
