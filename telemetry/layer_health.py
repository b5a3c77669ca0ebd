"""Which layers are dead, which explode, and which is worst: as the record TELE-322 grades a layer's statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import record_ids as ids
from .measurements import LayerGradientStats

if TYPE_CHECKING:
    from ..registry import Grade

DEAD = "dead"
EXPLODING = "exploding"


def grade_layer(stats: LayerGradientStats) -> Grade:
    """The level of a layer by its record."""
    # Imported here: whoever only emits needs no registry.
    from ..registry import shipped_registry

    return shipped_registry()[ids.LAYER_HEALTH].grade(stats)


def is_dead(stats: LayerGradientStats) -> bool:
    """Whether nearly all of a layer's gradient is exactly zero."""
    return grade_layer(stats).name == DEAD


def is_exploding(stats: LayerGradientStats) -> bool:
    """Whether more than a few elements of a layer's gradient are very large."""
    return grade_layer(stats).name == EXPLODING


def worst_layer(layers: Sequence[LayerGradientStats]) -> LayerGradientStats | None:
    """The layer with the most NaN and infinite elements; where none has any, the one with the lowest health.

    Layers without elements have no health and are passed over; None when no other is left.
    """
    measured = [stats for stats in layers if stats.element_count > 0]
    return max(measured, key=_badness, default=None)


def _badness(stats: LayerGradientStats) -> tuple[int, float]:
    return (stats.nan_count + stats.inf_count, -stats.health)
