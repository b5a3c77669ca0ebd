"""Statistics of a piece that may hold anything: NaN, infinities, float64 values whose squares overflow."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .moments import LARGE_MAGNITUDE, SMALL_MAGNITUDE, Moments

CAREFUL_COLUMNS = 10


def careful_moments(element_count: int, numbers: list[float]) -> Moments:
    """What a row of `measure_carefully` says, on the host."""
    finite_count, number_count, nonzero_count, small_count, large_count = (int(one) for one in numbers[:5])
    unit, mean, deviation, smallest, largest = numbers[5:]
    return Moments(
        count=finite_count,
        nan_count=element_count - number_count,
        inf_count=number_count - finite_count,
        zero_count=element_count - nonzero_count,
        small_count=small_count,
        large_count=large_count,
        unit=unit,
        mean=mean,
        deviation=deviation,
        smallest=smallest,
        largest=largest,
    )


def measure_carefully(piece: Tensor) -> Tensor:
    """Reduce a non-empty piece to one float64 row for `careful_moments`, on its own device.

    Comparisons write 1.0 and 0.0 into a float64 scratch tensor: on the CPU this takes a quarter of the time
    of boolean masks, and the sums are exact counts up to 2**53.
    """
    wide = piece.to(torch.float64)
    magnitude = wide.abs()
    scratch = torch.empty_like(wide)
    number_count = torch.eq(wide, wide, out=scratch).sum()
    nonzero_count = torch.ne(wide, 0.0, out=scratch).sum()
    small_count = torch.lt(magnitude, SMALL_MAGNITUDE, out=scratch).sum()
    large_count = torch.gt(magnitude, LARGE_MAGNITUDE, out=scratch).sum()
    smallest = torch.nan_to_num(wide, nan=math.inf, posinf=math.inf, neginf=math.inf).amin()
    largest = torch.nan_to_num(wide, nan=-math.inf, posinf=-math.inf, neginf=-math.inf).amax()
    kept = torch.nan_to_num(wide, nan=0.0, posinf=0.0, neginf=0.0)
    if piece.dtype is torch.float64:
        # Only here can a sum of squares overflow or vanish. The unit is the largest finite magnitude.
        reach = torch.maximum(smallest.abs(), largest.abs())
        unit = torch.where(reach > 0, reach, 1.0)
        kept = kept / unit
    else:
        unit = torch.ones_like(smallest)
    # Deviations are taken from the piece's own mean (two passes): mean of squares less square of mean would
    # lose a small spread around a large mean. Bad elements are 0 in `kept` and in `finite`, and so deviate by
    # 0. A piece without finite elements has the mean 0 / 0 = NaN.
    finite = torch.lt(magnitude, math.inf, out=scratch)
    finite_count = finite.sum()
    mean = kept.sum() / finite_count
    deviation = torch.addcmul(kept, finite, mean, value=-1).square().sum()
    return torch.stack(
        [
            finite_count,
            number_count,
            nonzero_count,
            small_count,
            large_count,
            unit,
            mean,
            deviation,
            smallest,
            largest,
        ]
    )
