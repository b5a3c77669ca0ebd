"""What the pieces of a layer add up to: counts, extremes, mean and spread, and how pieces merge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..measurements import LayerGradientStats

SMALL_MAGNITUDE = 1e-6
"""Elements below this magnitude make up ``small_fraction``."""

LARGE_MAGNITUDE = 10.0
"""Elements above this magnitude make up ``large_fraction``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What was measured of one piece. ``mean`` and ``deviation`` are in units of ``unit``."""

    count: int
    """Finite elements."""
    nan_count: int
    inf_count: int
    zero_count: int
    small_count: int
    large_count: int
    unit: float
    mean: float
    """Mean of the finite elements."""
    deviation: float
    """Sum of the squared deviations of the finite elements from their mean."""
    smallest: float
    largest: float


def describe_layer(layer_name: str, element_count: int, rows: Sequence[Moments]) -> LayerGradientStats:
    """Merge the pieces of one layer.

    Means and squared deviations merge by Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances" (1979), in units of the largest piece so that nothing overflows.
    """
    unit = max((row.unit for row in rows if row.count), default=1.0)
    count, mean, deviation = 0, 0.0, 0.0
    for row in rows:
        if row.count == 0:
            continue
        scale = row.unit / unit
        shift = row.mean * scale - mean
        merged = count + row.count
        mean += shift * (row.count / merged)
        deviation += row.deviation * scale * scale + shift * shift * (count * row.count / merged)
        count = merged
    if count == 0:
        mean, std, smallest, largest = math.nan, math.nan, math.nan, math.nan
        norm = 0.0
    else:
        # The sum of squares is what deviates from the mean plus the mean's own part; both are positive.
        norm = math.sqrt(deviation + count * mean * mean) * unit
        std = math.sqrt(deviation / count) * unit
        mean *= unit
        smallest = min(row.smallest for row in rows)
        largest = max(row.largest for row in rows)
    return LayerGradientStats(
        layer_name=layer_name,
        element_count=element_count,
        nan_count=sum(row.nan_count for row in rows),
        inf_count=sum(row.inf_count for row in rows),
        norm=norm,
        mean=mean,
        std=std,
        min=smallest,
        max=largest,
        zero_fraction=_share(sum(row.zero_count for row in rows), element_count),
        small_fraction=_share(sum(row.small_count for row in rows), element_count),
        large_fraction=_share(sum(row.large_count for row in rows), element_count),
    )


def _share(part: int, whole: int) -> float:
    """``part / whole``, and NaN where there is no whole."""
    return part / whole if whole else math.nan
