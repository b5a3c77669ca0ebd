"""The rungs above the first: what is done with norms that are infinite, NaN, or too small to be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..norms import Arithmetic, first_norms, scaled_norm, scaled_norms, tiny_norms_matter, to_host
from .sources import GradientSources
from .transfer import Transfer


@dataclass(slots=True)
class Group:
    """Pieces of one device and dtype, which the first rung reduces together."""

    arithmetic: Arithmetic
    """How their norms are taken."""
    is_complex: bool
    """Whether the pieces are complex gradients, seen as pairs of real numbers."""
    pieces: list[Tensor] = field(default_factory=list)
    layers: list[int] = field(default_factory=list)
    """The layer that each piece belongs to."""
    longest: int = 0
    """Elements of the longest piece, real numbers if they are pairs."""

    def add(self, piece: Tensor, layer: int) -> None:
        """Take another piece of a layer in."""
        self.pieces.append(piece)
        self.layers.append(layer)
        self.longest = max(self.longest, piece.numel())


@dataclass(slots=True)
class LayerSums:
    """One layer's elements: the finite ones as (unit, sum of squares in units of its square), the others counted."""

    parts: list[tuple[float, float]] = field(default_factory=list)
    nan_count: int = 0
    inf_count: int = 0

    @property
    def finite_norm(self) -> float:
        """L2 norm of the finite elements."""
        return math.hypot(*(unit * math.sqrt(squares) for unit, squares in self.parts))


@dataclass(frozen=True, slots=True)
class Ladder:
    """What climbing the ladder found."""

    passes: int
    """How many rungs were climbed."""
    layer_norms: tuple[float, ...]
    """Each layer's norm, NaN or infinite by IEEE rules."""
    total: float
    """The norm of all layers, by the same rules."""
    layers: list[LayerSums] | None
    """The layers' sums, where the first rung was not enough; None where it was."""
    is_settled: bool
    """False where the gradients could not be read again, or were no longer what the first rung had read."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A piece that the first rung did not settle."""

    tensor: Tensor
    layer: int
    is_complex: bool


def climb(
    sources: GradientSources,
    groups: Sequence[Group],
    columns: Sequence[Sequence[float]],
    *,
    may_read: bool = True,
    confirms: bool = False,
) -> Ladder:
    """Settle what the first rung found, reading again as little as possible.

    Args:
        sources: the gradients.
        groups: their pieces.
        columns: the norm of each piece of each group.
        may_read: False where the gradients are known to have changed since.
        confirms: whether they may have changed without anybody's knowing. Then the pieces that were read again are
            read as the first rung did, once more: what differs is not settled.
    """
    layer_norms = _layer_norms(len(sources.tensors), groups, columns)
    total = combined_norm(layer_norms)
    if math.isfinite(total):
        least = min((min(column) for column in columns), default=math.inf)
        if all(least >= group.arithmetic.floor for group in groups) or not _tiny_matter(
            groups, columns, total
        ):
            return Ladder(1, layer_norms, total, None, is_settled=True)
    if not may_read:
        return Ladder(1, layer_norms, total, None, is_settled=False)
    layers, passes = _settle(len(sources.tensors), groups, columns)
    settled = tuple(_norm_of(layer) for layer in layers)
    has_lost_nan = any(
        math.isnan(first) and not math.isnan(last) for first, last in zip(layer_norms, settled, strict=True)
    )
    if has_lost_nan or (confirms and not _are_as_first_read(groups, columns)):
        return Ladder(passes, layer_norms, total, None, is_settled=False)
    return Ladder(passes, settled, combined_norm(settled), layers, is_settled=True)


def combined_norm(norms: Sequence[float]) -> float:
    """The norm over parts with the given norms: NaN where one is NaN, else infinite where one is."""
    total = math.hypot(*norms)
    # `math.hypot` follows C: an infinity hides a NaN.
    return math.nan if total == math.inf and any(map(math.isnan, norms)) else total


def _layer_norms(
    layer_count: int, groups: Sequence[Group], columns: Sequence[Sequence[float]]
) -> tuple[float, ...]:
    if len(groups) == 1 and groups[0].layers == list(range(layer_count)):
        return tuple(columns[0])  # One piece for each layer.
    pieces_of: list[list[float]] = [[] for _ in range(layer_count)]
    for group, column in zip(groups, columns, strict=True):
        for layer, norm in zip(group.layers, column, strict=True):
            pieces_of[layer].append(norm)
    return tuple(combined_norm(norms) for norms in pieces_of)


def _tiny_matter(groups: Sequence[Group], columns: Sequence[Sequence[float]], total: float) -> bool:
    """Whether the pieces below their floor could be seen in the total."""
    bound = math.hypot(
        *(
            group.arithmetic.floor * math.sqrt(sum(norm < group.arithmetic.floor for norm in column))
            for group, column in zip(groups, columns, strict=True)
        )
    )
    return tiny_norms_matter(bound, total)


def _is_open(norm: float, arithmetic: Arithmetic) -> bool:
    """Whether a norm of the first rung leaves open what the piece holds."""
    return not arithmetic.floor <= norm < math.inf


def _are_as_first_read(groups: Sequence[Group], columns: Sequence[Sequence[float]]) -> bool:
    """Whether the first rung would find the same again in each open piece: one transfer per device."""
    readings: list[Tensor] = []
    expected: list[tuple[list[float], float]] = []
    for group, column in zip(groups, columns, strict=True):
        places = [place for place, norm in enumerate(column) if _is_open(norm, group.arithmetic)]
        if places:
            readings.append(first_norms([group.pieces[place] for place in places], group.arithmetic))
            # Beside other pieces than before, a piece may be added up in another order.
            tolerance = 2 * group.arithmetic.error(group.longest)
            expected.append(([column[place] for place in places], tolerance))
    return all(
        (math.isnan(was) and math.isnan(now)) or math.isclose(was, now, rel_tol=tolerance)
        for (first, tolerance), again in zip(expected, Transfer(readings).read(), strict=True)
        for was, now in zip(first, again, strict=True)
    )


def _settle(
    layer_count: int, groups: Sequence[Group], columns: Sequence[Sequence[float]]
) -> tuple[list[LayerSums], int]:
    """Climb the second and the third rung for the pieces that need them."""
    layers = [LayerSums() for _ in range(layer_count)]
    doubtful: list[_Open] = []
    bad: list[_Open] = []
    passes = 1
    for group, column in zip(groups, columns, strict=True):
        for piece, layer, norm in zip(group.pieces, group.layers, column, strict=True):
            if math.isnan(norm):
                bad.append(_Open(piece, layer, group.is_complex))
            elif _is_open(norm, group.arithmetic):
                doubtful.append(_Open(piece, layer, group.is_complex))
            else:
                layers[layer].parts.append((norm, 1.0))
    if doubtful:
        passes += 1
        scaled = scaled_norms([one.tensor for one in doubtful])
        for one, (unit, share) in zip(doubtful, scaled, strict=True):
            if math.isfinite(unit):
                layers[one.layer].parts.append((unit, share * share))
            else:
                bad.append(one)
    if bad:
        passes += 1
        for one, counted in zip(bad, to_host([_count(one) for one in bad]), strict=True):
            nan_count, inf_count, unit, share = counted
            sums = layers[one.layer]
            sums.nan_count += int(nan_count)
            sums.inf_count += int(inf_count)
            sums.parts.append((unit, share * share))
    return layers, passes


def _count(piece: _Open) -> Tensor:
    """NaN count, Inf count, and the norm of the finite elements as `scaled_norm` gives it: one float64 row.

    A complex element is NaN when a part of it is, otherwise infinite when a part of it is.
    """
    # PyTorch has no such operations for float8.
    wide = piece.tensor.to(torch.float32) if piece.tensor.element_size() == 1 else piece.tensor
    if piece.is_complex:
        is_nan = torch.isnan(wide).any(-1)
        is_inf = torch.isinf(wide).any(-1) & ~is_nan
        wide = torch.where((is_nan | is_inf).unsqueeze(-1), 0.0, wide)
    else:
        is_nan = torch.isnan(wide)
        is_inf = torch.isinf(wide)
        wide = torch.nan_to_num(wide, nan=0.0, posinf=0.0, neginf=0.0)
    return torch.stack([is_nan.sum().to(torch.float64), is_inf.sum().to(torch.float64), *scaled_norm(wide)])


def _norm_of(layer: LayerSums) -> float:
    if layer.nan_count:
        return math.nan
    return math.inf if layer.inf_count else layer.finite_norm
