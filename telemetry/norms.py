"""L2 norms that neither overflow nor underflow where the result itself does not.

PyTorch's float32 norm adds squares: it is infinite from magnitudes of about 1e18, exactly 0 below about
1e-23, and loses percents on 1e8 elements. The functions here give the norm that float64 arithmetic would
give.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import torch
from torch import Tensor

PIECE_ELEMENTS = 256 * 1024
"""Longest piece that is reduced at once: it bounds what a float32 sum of squares can lose (see `Arithmetic.error`),
and a float64 copy of one (2 MiB) is the largest temporary."""

# Pieces below their floor cannot be seen in the total when together they are under this share of it: they
# change it by less than half the square, far below float64's resolution.
_NEGLIGIBLE_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How the norms of pieces of one dtype are first taken, and how far they can be believed."""

    reduced_in: torch.dtype | None
    """Dtype that the squares are added in; None for the gradients' own."""
    floor: float
    """Norms below are not believed, since squares of single elements may have vanished."""
    unit: float
    """Largest relative error of one addition of squares."""
    rounding: float
    """Largest relative error of bringing a piece's norm into the dtype that it is returned in."""
    overflow_limit: float
    """Largest norm that PyTorch's own norm of this dtype can be."""
    underflow_limit: float
    """Smallest norm that PyTorch's own norm of this dtype keeps to a few digits."""

    def error(self, longest: int) -> float:
        """Bound on the relative error of a norm that is believed, over pieces of at most ``longest`` elements.

        A strided piece may be added up in a single running sum, and the norm has half the relative error of its
        square. A dense piece has at least eight running sums, and where its elements vary the roundings cancel: of
        256 K elements that are all alike 2e-4 was measured, of normal ones 2e-6. Eight more stand for the roundings
        beside the sum.
        """
        return (longest + 8) * self.unit / 2 + self.rounding


# A piece whose elements all vanish in float32 (magnitudes below 2**-63, where the square is subnormal and may be
# flushed to zero) has a norm of at most sqrt(PIECE_ELEMENTS) * 2**-63 = 6e-17. Above 1e-12 such losses are below
# 1e-8 of the norm. For float64 the same reckoning gives sqrt(PIECE_ELEMENTS) * 2**-511 = 8e-152.
_FLOAT32_FLOOR = 1e-12
_FLOAT64_FLOOR = 1e-146
_FLOAT32_UNIT = 2.0**-24
_FLOAT64_UNIT = 2.0**-53

# A sum of squares overflows where its root exceeds the root of the largest number, and loses digits where its root
# is below that of the smallest normal one.
_FLOAT32_LIMIT = math.sqrt(torch.finfo(torch.float32).max)
_FLOAT32_LEAST = math.sqrt(torch.finfo(torch.float32).tiny)
_FLOAT64_LIMIT = math.sqrt(torch.finfo(torch.float64).max)
_FLOAT64_LEAST = math.sqrt(torch.finfo(torch.float64).tiny)

_FLOAT32 = Arithmetic(None, _FLOAT32_FLOOR, _FLOAT32_UNIT, 0.0, _FLOAT32_LIMIT, _FLOAT32_LEAST)
_FLOAT64 = Arithmetic(None, _FLOAT64_FLOOR, _FLOAT64_UNIT, 0.0, _FLOAT64_LIMIT, _FLOAT64_LEAST)
_BFLOAT16 = Arithmetic(torch.float32, _FLOAT32_FLOOR, _FLOAT32_UNIT, 0.0, _FLOAT32_LIMIT, _FLOAT32_LEAST)
# PyTorch adds float16 squares in float32 and returns float16: the norm itself must fit.
_FLOAT16 = Arithmetic(
    torch.float32,
    _FLOAT32_FLOOR,
    _FLOAT32_UNIT,
    0.0,
    torch.finfo(torch.float16).max,
    torch.finfo(torch.float16).tiny,
)
_OWN_BFLOAT16 = Arithmetic(None, _FLOAT32_FLOOR, _FLOAT32_UNIT, 2.0**-8, _FLOAT32_LIMIT, _FLOAT32_LEAST)
_OWN_FLOAT16 = Arithmetic(
    None,
    2.0**-13,
    _FLOAT32_UNIT,
    2.0**-11,
    torch.finfo(torch.float16).max,
    torch.finfo(torch.float16).tiny,
)


def arithmetic_of(dtype: torch.dtype, *, in_own_dtype: bool = False) -> Arithmetic:
    """How norms of a real floating dtype are taken: half precision in float32 unless ``in_own_dtype``."""
    if dtype is torch.float32:
        return _FLOAT32
    if dtype is torch.float64:
        return _FLOAT64
    if dtype is torch.float16:
        return _OWN_FLOAT16 if in_own_dtype else _FLOAT16
    if dtype is torch.bfloat16 and in_own_dtype:
        return _OWN_BFLOAT16
    return _BFLOAT16


_WIDENED_ELEMENTS = 2 * PIECE_ELEMENTS
"""Elements of the buffers of `_widened_norms` together: 2 MiB in float32, as a piece takes in float64."""
_MOST_BUFFERS = 32
"""So many of the shortest pieces that are worth it; of shorter ones the buffers would cost more than the sums."""

# Below this length the calls of `_widened_norms` cost more than its arithmetic saves.
_BUFFERED_ELEMENTS = 16 * 1024

# On the CPU each small tensor costs a call, whatever it holds. So those of one shape are copied side by side and
# reduced as the rows of a matrix: 500 of 2,000 elements in half the time, 500 of 64 in an eighth.
_ROW_ELEMENTS = 4096
"""The longest piece that is copied: longer ones are reduced as quickly where they lie."""
_FEWEST_ROWS = 8
_MATRIX_ELEMENTS = 64 * 1024

_SHAPE = attrgetter("shape")


def first_norms(
    group: Sequence[Tensor], arithmetic: Arithmetic, sizes: Sequence[int] | None = None
) -> Tensor:
    """Norms of non-empty pieces of one device and dtype, on their device: one tensor, in their order.

    Whoever knows how many elements each of them has may say so.
    """
    wider = arithmetic.reduced_in
    matrices: list[list[int]] = []
    # What is not of one size is not of one shape.
    alike = len(group) if sizes is None else len(sizes) - len(set(sizes)) + 1
    if alike >= _FEWEST_ROWS and group[0].is_cpu and group[0].element_size() > 1:
        matrices = list(_matrices(group))
    if not matrices:
        return torch.stack(_single_norms(group, wider))
    order = [place for places in matrices for place in places]
    parts = _norms_of_rows([[group[place] for place in places] for places in matrices], wider)
    if len(order) < len(group):
        in_rows = set(order)
        left = [place for place in range(len(group)) if place not in in_rows]
        parts.append(torch.stack(_single_norms([group[place] for place in left], wider)))
        order += left
    norms = torch.cat(parts)
    if order == list(range(len(order))):
        return norms
    return torch.empty_like(norms).scatter_(0, torch.tensor(order, device="cpu"), norms)


def _matrices(group: Sequence[Tensor]) -> Iterator[list[int]]:
    """The places of small pieces that are alike, as many at once as make a matrix."""
    alike: dict[torch.Size, list[int]] = {}
    shapes: list[torch.Size] = list(map(_SHAPE, group))
    different = len(set(shapes))
    if len(shapes) - different + 1 < _FEWEST_ROWS:
        return
    if different == 1:
        alike[shapes[0]] = list(range(len(shapes)))
    else:
        for place, shape in enumerate(shapes):
            alike.setdefault(shape, []).append(place)
    for shape, places in alike.items():
        size = shape.numel()
        if len(places) >= _FEWEST_ROWS and size <= _ROW_ELEMENTS:
            at_once = _MATRIX_ELEMENTS // size
            yield from (places[begin : begin + at_once] for begin in range(0, len(places), at_once))


def _norms_of_rows(matrices: Sequence[list[Tensor]], wider: torch.dtype | None) -> list[Tensor]:
    """The norms of tensors of one shape in each matrix, through one buffer: new memory for each would cost as much."""
    buffer = torch.empty(_MATRIX_ELEMENTS, dtype=matrices[0][0].dtype, device="cpu")
    norms: list[Tensor] = []
    for tensors in matrices:
        flat = buffer[: len(tensors) * tensors[0].numel()]
        torch.stack(tensors, out=flat.view(len(tensors), *tensors[0].shape))
        rows = flat.view(len(tensors), -1)
        norms.append(torch.linalg.vector_norm(rows, dim=1, dtype=wider))
    return norms


def _single_norms(group: Sequence[Tensor], wider: torch.dtype | None) -> tuple[Tensor, ...] | list[Tensor]:
    """The norm of each, in a wider dtype than its own where one is given."""
    if wider is not None:
        longest = max(piece.numel() for piece in group)
        if group[0].element_size() == 1 or (group[0].is_cpu and longest > _BUFFERED_ELEMENTS):
            return _widened_norms(group, wider)
    # The fused norm has no public name. A release without it costs time, not the telemetry.
    fused = getattr(torch, "_foreach_norm", None)
    if fused is None:
        return [torch.linalg.vector_norm(piece, dtype=wider) for piece in group]
    norms: tuple[Tensor, ...] = fused(group, 2, dtype=wider)
    return norms


def _widened_norms(group: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """Norms in a wider dtype, through the same few buffers for all pieces, one after the other.

    On the CPU `torch._foreach_norm` with a dtype takes a quarter longer; with float8, which PyTorch stores but does
    not calculate with, it fails. What is read from memory and written to what the cache still holds of the piece before
    takes half as long again as where the buffers together are larger than the cache next to the processor.
    """
    longest = max(piece.numel() for piece in group)
    count = max(1, min(len(group), _MOST_BUFFERS, _WIDENED_ELEMENTS // longest))
    buffers = [torch.empty(longest, dtype=dtype, device=group[0].device) for _ in range(count)]
    views: dict[tuple[int, torch.Size], tuple[Tensor, Tensor]] = {}
    norms: list[Tensor] = []
    for place, piece in enumerate(group):
        key = place % count, piece.shape
        found = views.get(key)
        if found is None:
            flat = buffers[place % count][: piece.numel()]
            found = views[key] = flat, flat.view(piece.shape)
        flat, shaped = found
        shaped.copy_(piece)
        norms.append(torch.dot(flat, flat))
    return list(torch.stack(norms).sqrt_().unbind())


def tiny_norms_matter(tiny_bound: float, total: float) -> bool:
    """Whether pieces that are together at most ``tiny_bound`` could be seen in a total norm."""
    return tiny_bound > _NEGLIGIBLE_SHARE * total


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


def scaled_norms(tensors: Sequence[Tensor]) -> list[tuple[float, float]]:
    """`scaled_norm` of each, on the host: one transfer per device."""
    rows = to_host([torch.stack(scaled_norm(tensor)) for tensor in tensors])
    return [(scale, share) for scale, share in rows]


def to_host(rows: Sequence[Tensor]) -> list[list[float]]:
    """Rows of equal length and dtype from any devices, in their order: one transfer per device."""
    places: dict[torch.device, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.device, []).append(place)
    fetched: dict[int, list[float]] = {}
    for on_device in places.values():
        values: list[list[float]] = torch.stack([rows[place] for place in on_device]).tolist()
        fetched.update(zip(on_device, values, strict=True))
    return [fetched[place] for place in range(len(rows))]
