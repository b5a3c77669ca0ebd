"""L2 norms that neither overflow nor underflow where the result itself does not.

PyTorch's float32 norm adds squares: it is infinite from magnitudes of about 1e18, exactly 0 below about
1e-23, and loses percents on 1e8 elements. The functions here give the norm that float64 arithmetic would
give.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

PIECE_ELEMENTS = 256 * 1024
"""Longest piece that is reduced at once: float32 sums of this many squares are good to 2e-5, and a
float64 copy of one (2 MiB) is the largest temporary."""

# Below its floor a norm is not believed: squares of single elements may have vanished. A piece whose elements
# all vanish in float32 (magnitudes below 2**-63, where the square is subnormal and may be flushed to zero)
# has a norm of at most sqrt(PIECE_ELEMENTS) * 2**-63 = 6e-17. Above 1e-12 such losses are below 1e-8 of the
# norm. For float64 the same reckoning gives sqrt(PIECE_ELEMENTS) * 2**-511 = 8e-152.
_FLOAT32_FLOOR = 1e-12
_FLOAT64_FLOOR = 1e-146

# Pieces below their floor cannot be seen in the total when together they are under this share of it: they
# change it by less than half the square, far below float64's resolution.
_NEGLIGIBLE_SHARE = 1e-9


def pieces(tensor: Tensor, limit: int = PIECE_ELEMENTS) -> Iterator[Tensor]:
    """Yield views of at most ``limit`` elements that together cover ``tensor``, whatever its strides.

    The split runs along the dimension that lies outermost in memory, so that each view is as dense as the
    tensor: nothing is copied for channels-last, transposed or expanded tensors. An empty tensor yields
    nothing.
    """
    count = tensor.numel()
    if count == 0:
        return
    if count <= limit:
        yield tensor
        return
    sizes = tensor.shape
    strides = tensor.stride()
    outermost = max((d for d in range(tensor.ndim) if sizes[d] > 1), key=lambda d: (strides[d], sizes[d]))
    step = max(1, limit // (count // sizes[outermost]))
    for part in torch.split(tensor, step, outermost):
        yield from pieces(part, limit)


def scaled_norm(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """L2 norm of a real, non-empty tensor as two float64 scalars on its device, to be multiplied on the host.

    The first is the largest magnitude (or 1 when all elements are zero), the second the norm in units of it,
    which lies in [1, sqrt(n)] (or is 0). Their product is infinite only where the norm exceeds float64, or
    where an element is infinite and none NaN; it is NaN only where an element is NaN. Nothing is transferred
    to the host.
    """
    wide = tensor.to(torch.float64)
    largest = torch.linalg.vector_norm(wide, math.inf)
    scale = torch.where(largest > 0, largest, 1.0)
    # inf / inf is NaN: an infinite tensor has no finite norm in any unit, and 1 keeps the product infinite.
    share = torch.where(torch.isinf(largest), 1.0, torch.linalg.vector_norm(wide / scale))
    return torch.where(torch.isnan(largest), largest, scale), share


def total_norm(tensors: Sequence[Tensor]) -> float:
    """L2 norm over all elements of real strided tensors of any floating dtypes, layouts and devices.

    A ladder, because almost always its first rung is enough: (1) one fused `torch._foreach_norm` over pieces
    of at most 256 K elements, added in float64 on the host; (2) float64, scaled by the largest magnitude, for
    the pieces whose norm overflowed or is so small that squares may have vanished. Each rung costs one
    device-to-host transfer per device.

    The result is NaN when an element is NaN. It is infinite when an element is (and none NaN), or when the
    norm itself exceeds float64. The norm of no elements is 0.0.
    """
    with torch.no_grad():
        groups: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
        for tensor in tensors:
            group = groups.setdefault((tensor.device, tensor.dtype), [])
            # The common case, spelt out: half of the cost of many small tensors would be the generator.
            if 0 < tensor.numel() <= PIECE_ELEMENTS:
                group.append(tensor)
            else:
                group.extend(pieces(tensor))

        believed: list[float] = []
        overflowed: list[Tensor] = []
        tiny: list[Tensor] = []
        tiny_bound = 0.0
        for (_, dtype), group in groups.items():
            floor = _FLOAT64_FLOOR if dtype is torch.float64 else _FLOAT32_FLOOR
            for piece, norm in zip(group, _first_rung(group, dtype), strict=True):
                if norm >= floor and norm != math.inf:
                    believed.append(norm)
                elif math.isnan(norm):
                    return math.nan
                elif norm == math.inf:
                    overflowed.append(piece)
                else:
                    tiny.append(piece)
                    tiny_bound = math.hypot(tiny_bound, floor)

        total = math.hypot(*believed)
        doubtful = overflowed
        if tiny_bound > _NEGLIGIBLE_SHARE * total:
            doubtful = overflowed + tiny
        return math.hypot(total, *_second_rung(doubtful))


def _first_rung(group: list[Tensor], dtype: torch.dtype) -> list[float]:
    """Norms of pieces of one device and dtype, in one transfer; half precision is reduced in float32."""
    if not group:
        return []
    if dtype in (torch.float32, torch.float64):
        norms = torch._foreach_norm(group)
    else:
        norms = torch._foreach_norm(group, 2, dtype=torch.float32)
    values: list[float] = torch.stack(norms).tolist()
    return values


def _second_rung(doubtful: list[Tensor]) -> list[float]:
    """Norms of pieces in scaled float64, in one transfer per device."""
    by_device: dict[torch.device, list[Tensor]] = {}
    for piece in doubtful:
        by_device.setdefault(piece.device, []).extend(scaled_norm(piece))
    norms: list[float] = []
    for scalars in by_device.values():
        values: list[float] = torch.stack(scalars).tolist()
        norms.extend(scale * share for scale, share in zip(values[::2], values[1::2], strict=True))
    return norms
