"""Statistics of pieces that hold only finite numbers, as almost all do: few passes, in float32 and in the cache.

Whether they did, the extremes tell: both are NaN where an element is, and one is infinite where an element is. What
else was measured of such a piece is then worth nothing, and it is measured again, carefully.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .moments import LARGE_MAGNITUDE, SMALL_MAGNITUDE, Moments

SWIFT_COLUMNS = 8

# The largest float32 below `SMALL_MAGNITUDE`, which is no float32 itself: rounded to one, it would leave it out.
_LARGEST_SMALL = float.fromhex("0x1.0c6f7ap-20")
assert _LARGEST_SMALL < SMALL_MAGNITUDE < _LARGEST_SMALL + 2.0**-43

_LANES = 4
"""Numbers of 16 bits that one of 64 holds."""


@dataclass(frozen=True, slots=True)
class _HalfViews:
    """The memory of a `Scratch` as it is used for a piece of half precision: what comes first is overwritten then."""

    wide: Tensor
    """Float64, for values."""
    magnitude: Tensor
    """Bits of magnitudes, as integers of 16 bits."""
    flags: Tensor
    """Ones and zeros, as integers of 16 bits."""
    flag_words: Tensor
    """The flags by fours, as integers of 64 bits."""


class Scratch:
    """Buffers that all pieces of one device share, so that no temporary is allocated for a piece.

    They are one stretch of memory, so that it stays in the cache beside the piece: what is written as magnitudes and
    flags overwrites the values.

    Args:
        device: of the pieces.
        elements: the longest piece has.
    """

    def __init__(self, device: torch.device, elements: int) -> None:
        self._memory = torch.empty(elements, dtype=torch.float64, device=device)
        self._views: dict[torch.Size, tuple[Tensor, Tensor, Tensor]] = {}
        self._half_views: dict[int, _HalfViews] = {}

    def views(self, shape: torch.Size) -> tuple[Tensor, Tensor, Tensor]:
        """The memory in a shape: float64 for values; then, instead, float32 for magnitudes and for flags."""
        found = self._views.get(shape)
        if found is None:
            count = math.prod(shape)
            wide = self._memory[:count]
            halves = wide.view(torch.float32)
            found = wide.view(shape), halves[:count].view(shape), halves[count:].view(shape)
            self._views[shape] = found
        return found

    def half_views(self, count: int) -> _HalfViews:
        """The memory for a piece of half precision."""
        found = self._half_views.get(count)
        if found is None:
            words = -(-count // _LANES)
            flags = self._memory[words : 2 * words]
            found = _HalfViews(
                wide=self._memory[:count],
                magnitude=self._memory[:words].view(torch.int16)[:count],
                flags=flags.view(torch.int16)[:count],
                flag_words=flags.view(torch.int64),
            )
            self._half_views[count] = found
        return found


def measure_swiftly(piece: Tensor, scratch: Scratch) -> Tensor:
    """Reduce a non-empty one-dimensional piece to a row of `SWIFT_COLUMNS` float64 numbers on its device.

    Sums are taken of the deviations from the first element, in float64: so a small spread around a large mean is
    kept (T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", 1983: shifting by
    an element bounds the loss by the number of elements). Flags are 1.0 and 0.0 in float32: their sums are exact
    up to 2**24, and much faster than those of boolean masks.
    """
    if piece.dtype in _HALF_THRESHOLDS and piece.is_cpu:
        return _measure_half(piece, scratch)
    wide, magnitude, flags = scratch.views(piece.shape)
    pivot = piece[0].to(torch.float64)
    wide.copy_(piece).sub_(pivot)
    total, squares = wide.sum(), torch.dot(wide, wide)
    values = _in_float32(piece, magnitude)
    smallest, largest = values.amin(), values.amax()
    torch.abs(values, out=magnitude)
    return torch.stack(
        [
            pivot,
            total,
            squares,
            smallest,
            largest,
            torch.eq(magnitude, 0.0, out=flags).sum(),
            torch.le(magnitude, _LARGEST_SMALL, out=flags).sum(),
            torch.gt(magnitude, LARGE_MAGNITUDE, out=flags).sum(),
        ]
    )


_HALF_THRESHOLDS = {torch.bfloat16: (0x3586, 0x4120), torch.float16: (0x0010, 0x4900)}
"""The bits of the largest number of a dtype below `SMALL_MAGNITUDE`, and of `LARGE_MAGNITUDE`, which both have."""

_MAGNITUDE_BITS = 0x7FFF
"""All bits of a number of half precision but that of the sign: as integers they are in the order of the magnitudes."""


def _measure_half(piece: Tensor, scratch: Scratch) -> Tensor:
    """`measure_swiftly` of half precision on a CPU: its bits are compared as integers, twice as many at once.

    Four flags are added as one integer of 64 bits: each has 16, in which those of 2**18 - 4 elements have room. Sums
    of bfloat16 need no pivot: with its 8 bits they are exact in float64 where the elements are alike, and elements that
    are not differ by more than is lost.
    """
    views = scratch.half_views(len(piece))
    wide = views.wide.copy_(piece)
    if piece.dtype is torch.bfloat16:
        pivot = torch.zeros((), dtype=torch.float64, device=piece.device)
    else:
        pivot = piece[0].to(torch.float64)
        wide.sub_(pivot)
    total, squares = wide.sum(), torch.dot(wide, wide)
    smallest, largest = torch.aminmax(piece)
    magnitude, flags, words = views.magnitude, views.flags, views.flag_words
    torch.bitwise_and(piece.view(torch.int16), _MAGNITUDE_BITS, out=magnitude)
    words[-1:].zero_()  # it may have room for more flags than are left for it
    largest_small, largest_usual = _HALF_THRESHOLDS[piece.dtype]
    torch.eq(magnitude, 0, out=flags)
    zero_count = words.sum()
    torch.le(magnitude, largest_small, out=flags)
    small_count = words.sum()
    torch.gt(magnitude, largest_usual, out=flags)
    counts = torch.stack([zero_count, small_count, words.sum()])
    by_lane = counts.view(torch.uint16).to(torch.float64).view(len(counts), _LANES)
    return torch.cat([torch.stack([pivot, total, squares, smallest, largest]), by_lane.sum(1)])


def measure_rows_swiftly(rows: Tensor, scratch: Scratch) -> Tensor:
    """`measure_swiftly` of each row of a matrix: many small layers of one size in as many calls as one."""
    wide, magnitude, flags = scratch.views(rows.shape)
    pivot = rows[:, 0].to(torch.float64)
    wide.copy_(rows).sub_(pivot.unsqueeze(1))
    total, squares = wide.sum(1), wide.square_().sum(1)
    values = _in_float32(rows, magnitude)
    smallest, largest = values.amin(1), values.amax(1)
    torch.abs(values, out=magnitude)
    return torch.stack(
        [
            pivot,
            total,
            squares,
            smallest,
            largest,
            torch.eq(magnitude, 0.0, out=flags).sum(1),
            torch.le(magnitude, _LARGEST_SMALL, out=flags).sum(1),
            torch.gt(magnitude, LARGE_MAGNITUDE, out=flags).sum(1),
        ],
        dim=1,
    )


def _in_float32(values: Tensor, buffer: Tensor) -> Tensor:
    """The values, in the buffer if they are of another dtype: comparing half precision with 1e-6 would round it."""
    return values if values.dtype is torch.float32 else buffer.copy_(values)


def swift_moments(element_count: int, numbers: list[float]) -> Moments | None:
    """What a row says, on the host; None where the piece holds an element that is not finite."""
    pivot, total, squares, smallest, largest, zero_count, small_count, large_count = numbers
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        return None
    return Moments(
        count=element_count,
        nan_count=0,
        inf_count=0,
        zero_count=int(zero_count),
        small_count=int(small_count),
        large_count=int(large_count),
        unit=1.0,
        mean=pivot + total / element_count,
        deviation=max(0.0, squares - total * total / element_count),
        smallest=smallest,
        largest=largest,
    )
