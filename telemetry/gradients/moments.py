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


@dataclass(slots=True, kw_only=True)
class Moments:
    """What was measured of one piece, or of several. ``mean`` and ``deviation`` are in units of ``unit``."""

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
    """The statistics of one layer, of the moments of its pieces."""
    # As a rule a model has many layers of one piece each.
    row = rows[0] if len(rows) == 1 else _merged(rows)
    if row.count == 0:
        norm, mean, std, smallest, largest = 0.0, math.nan, math.nan, math.nan, math.nan
    else:
        # The sum of squares is what deviates from the mean plus the mean's own part; both are positive.
        norm = math.sqrt(row.deviation + row.count * row.mean * row.mean) * row.unit
        mean, std = row.mean * row.unit, math.sqrt(row.deviation / row.count) * row.unit
        smallest, largest = row.smallest, row.largest
    return LayerGradientStats(
        layer_name,
        element_count,
        row.nan_count,
        row.inf_count,
        norm,
        mean,
        std,
        smallest,
        largest,
        zero_fraction=_share(row.zero_count, element_count),
        small_fraction=_share(row.small_count, element_count),
        large_fraction=_share(row.large_count, element_count),
    )


def _merged(rows: Sequence[Moments]) -> Moments:
    """The moments of several pieces together.

    Means and squared deviations merge by Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances" (1979), in units of the largest piece so that nothing overflows.
    """
    finite = [row for row in rows if row.count]
    unit = max((row.unit for row in finite), default=1.0)
    count, mean, deviation = 0, 0.0, 0.0
    for row in finite:
        scale = row.unit / unit
        shift = row.mean * scale - mean
        merged = count + row.count
        mean += shift * (row.count / merged)
        deviation += row.deviation * scale * scale + shift * shift * (count * row.count / merged)
        count = merged
    return Moments(
        count=count,
        nan_count=sum(row.nan_count for row in rows),
        inf_count=sum(row.inf_count for row in rows),
        zero_count=sum(row.zero_count for row in rows),
        small_count=sum(row.small_count for row in rows),
        large_count=sum(row.large_count for row in rows),
        unit=unit,
        mean=mean,
        deviation=deviation,
        smallest=min((row.smallest for row in finite), default=math.nan),
        largest=max((row.largest for row in finite), default=math.nan),
    )


def _share(part: int, whole: int) -> float:
    """``part / whole``, and NaN where there is no whole."""
    return part / whole if whole else math.nan
