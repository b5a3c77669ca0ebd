"""Gradient statistics per layer, and the norm over all gradients.

Both read ``parameter.grad`` as it stands: call them after the backward pass (after a gradient scaler's
``unscale_``) and, for the pre-clip values, before clipping. A gradient that lingers on a frozen parameter is
included, since the optimiser would apply it too. Tied weights are one parameter and count once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..measurements import LayerGradientStats
from ..norms import pieces, to_host, total_norm
from ..untraced import untraced
from .sources import DENSE_GRADIENT, UnsupportedGradientError, is_wrapper, named_gradients

__all__ = [
    "LARGE_MAGNITUDE",
    "SMALL_MAGNITUDE",
    "LayerGradientStats",
    "UnsupportedGradientError",
    "collect_per_layer_gradients",
    "compute_grad_norm_surrogate",
]

SMALL_MAGNITUDE = 1e-6
"""Elements below this magnitude make up ``small_fraction``."""

LARGE_MAGNITUDE = 10.0
"""Elements above this magnitude make up ``large_fraction``."""


# Temporaries of `_measure_piece` are float64 copies of a piece. On the CPU 512 KiB each stays in the cache; with
# 2 MiB the allocator returns them to the system every time, which was four times slower. A GPU wants fewer,
# larger kernels.
_CPU_PIECE_ELEMENTS = 64 * 1024
_DEVICE_PIECE_ELEMENTS = 4 * 1024 * 1024


@untraced
def collect_per_layer_gradients(model: nn.Module) -> list[LayerGradientStats]:
    """Measure the gradient of each parameter that has one, in the order of ``model.named_parameters()``.

    Takes dense gradients of any floating dtype, shape and memory layout, empty ones included; a parameter
    without a gradient has no entry. Everything is reduced in float64, so that counts are exact and no sum
    overflows, and in pieces, so that temporaries do not grow with the layer. The device is waited for once:
    one device-to-host transfer for all layers (one per device, where the model spans several).

    Raises:
        UnsupportedGradientError: a gradient is sparse, complex, quantised or a distributed or wrapper tensor.
    """
    with torch.no_grad():
        layers: list[tuple[str, int, list[Tensor]]] = []
        for name, gradient in _gradients(model):
            limit = _CPU_PIECE_ELEMENTS if gradient.is_cpu else _DEVICE_PIECE_ELEMENTS
            measured = [_measure_piece(piece) for piece in pieces(gradient, limit)]
            layers.append((name, gradient.numel(), measured))
        rows = iter(to_host([row for _, _, measured in layers for row in measured]))
    return [
        _describe_layer(name, element_count, [_as_row(next(rows)) for _ in measured])
        for name, element_count, measured in layers
    ]


@untraced
def compute_grad_norm_surrogate(model: nn.Module) -> float | None:
    """L2 norm over all gradients of ``model``: sqrt(sum of squared elements), good to 2e-5.

    None when no parameter has a gradient: nothing was measured. Finite gradients give a finite norm (unless
    it exceeds float64's 1.8e308) and non-zero gradients a positive one, where PyTorch's float32 norm
    overflows from 1e18 and underflows below 1e-23. With a NaN among the gradients the result is NaN, with an
    infinity and no NaN it is infinite; so a finite result proves that there is neither. See
    `telewire.telemetry.norms.total_norm`.

    Raises:
        UnsupportedGradientError: a gradient is sparse, complex, quantised or a distributed or wrapper tensor.
    """
    gradients = [gradient for _, gradient in _gradients(model)]
    if not gradients:
        return None
    return total_norm(gradients)


def _gradients(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The gradients that the model has, by name, each of a kind that has per-layer statistics."""
    for name, gradient in named_gradients(model):
        if gradient.layout is not torch.strided:
            raise UnsupportedGradientError(name, f"sparse ({gradient.layout})", DENSE_GRADIENT)
        if not gradient.dtype.is_floating_point:
            kind = "complex" if gradient.dtype.is_complex else "not floating-point"
            raise UnsupportedGradientError(name, f"{kind} ({gradient.dtype})", DENSE_GRADIENT)
        # A DTensor's reductions stay local to the rank and do not say so: one shard would pass for the whole.
        if type(gradient) is not Tensor and is_wrapper(gradient):
            raise UnsupportedGradientError(
                name, f"a {type(gradient).__name__}, not a plain tensor", DENSE_GRADIENT
            )
        yield name, gradient


@dataclass(frozen=True, slots=True)
class _PieceRow:
    """What `_measure_piece` measured of one piece, on the host. ``mean`` and ``deviation`` are in units of
    ``unit``."""

    finite_count: int
    number_count: int
    nonzero_count: int
    small_count: int
    large_count: int
    unit: float
    mean: float
    deviation: float
    smallest: float
    largest: float


def _measure_piece(piece: Tensor) -> Tensor:
    """Reduce a non-empty piece to one float64 row in the order of `_PieceRow`, on its own device.

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


def _as_row(numbers: list[float]) -> _PieceRow:
    return _PieceRow(
        finite_count=int(numbers[0]),
        number_count=int(numbers[1]),
        nonzero_count=int(numbers[2]),
        small_count=int(numbers[3]),
        large_count=int(numbers[4]),
        unit=numbers[5],
        mean=numbers[6],
        deviation=numbers[7],
        smallest=numbers[8],
        largest=numbers[9],
    )


def _describe_layer(layer_name: str, element_count: int, rows: list[_PieceRow]) -> LayerGradientStats:
    """Merge the pieces of one layer.

    Means and squared deviations merge by Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
    for computing sample variances" (1979), in units of the largest piece so that nothing overflows.
    """
    number_count = sum(row.number_count for row in rows)
    nan_count = element_count - number_count
    inf_count = number_count - sum(row.finite_count for row in rows)
    unit = max((row.unit for row in rows if row.finite_count), default=1.0)
    count, mean, deviation = 0, 0.0, 0.0
    for row in rows:
        if row.finite_count == 0:
            continue
        scale = row.unit / unit
        shift = row.mean * scale - mean
        merged = count + row.finite_count
        mean += shift * (row.finite_count / merged)
        deviation += row.deviation * scale * scale + shift * shift * (count * row.finite_count / merged)
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
        nan_count=nan_count,
        inf_count=inf_count,
        norm=norm,
        mean=mean,
        std=std,
        min=smallest,
        max=largest,
        zero_fraction=_share(element_count - sum(row.nonzero_count for row in rows), element_count),
        small_fraction=_share(sum(row.small_count for row in rows), element_count),
        large_fraction=_share(sum(row.large_count for row in rows), element_count),
    )


def _share(part: int, whole: int) -> float:
    """``part / whole``, and NaN where there is no whole."""
    return part / whole if whole else math.nan
