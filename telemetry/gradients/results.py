"""From settled norms to the values that leave the collection."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from ..measurements import BadLayer, GradientCollection, GradientSums, NormSource, NormState
from ..norms import Arithmetic, arithmetic_of
from .ladder import Group, Ladder, combined_norm
from .sources import COMPLEX_DTYPES, GradientSources


def measured_collection(
    sources: GradientSources, groups: Sequence[Group], ladder: Ladder, *, loss_scale: float | None
) -> GradientCollection:
    """The collection that a climbed ladder gives."""
    if not sources.names:
        return _nothing(loss_scale)
    if not ladder.is_settled:
        # A finite norm proves that every element is, also where it is too small to be believed.
        count = 0 if math.isfinite(ladder.total) else None
        return GradientCollection(
            layer_names=tuple(sources.names),
            layer_norms=ladder.layer_norms,
            element_count=_element_count(sources, range(len(sources.names))),
            nan_count=count,
            inf_count=count,
            norm=ladder.total,
            norm_state=NormState.NOT_FINITE if math.isnan(ladder.total) else NormState.UNSETTLED,
            norm_source=NormSource.MEASURED,
            norm_error=math.inf,
            passes=ladder.passes,
            bad_layers=(),
            loss_scale=loss_scale,
            replicated=None,
            sharded=None,
        )
    whole: Sequence[int] = range(len(sources.names))
    if sources.shards:
        whole = [layer for layer in whole if layer not in sources.shards]
    counted = [layer for layer, counts_here in sources.shards.items() if counts_here]
    replicated = _sums(sources, groups, ladder, whole)
    sharded = _sums(sources, groups, ladder, counted) if sources.shards else None
    everything = replicated
    if sharded is not None:
        everything = _sums(sources, groups, ladder, range(len(sources.names)))
    return GradientCollection(
        layer_names=tuple(sources.names),
        layer_norms=ladder.layer_norms,
        element_count=everything.element_count,
        nan_count=everything.nan_count,
        inf_count=everything.inf_count,
        norm=everything.norm,
        norm_state=everything.state,
        norm_source=NormSource.MEASURED,
        norm_error=max((_error(group) for group in groups), default=0.0),
        passes=ladder.passes,
        bad_layers=_bad_layers(sources, ladder),
        loss_scale=loss_scale,
        replicated=replicated,
        sharded=sharded,
    )


def clipping_collection(
    sources: GradientSources, norm: float, *, loss_scale: float | None
) -> GradientCollection:
    """The collection that a norm returned by clipping gives: a finite one proves that every element is."""
    if not sources.names:
        return _nothing(loss_scale)
    is_finite = math.isfinite(norm)
    is_believed = is_finite and norm >= _clipping_floor(sources)
    state = NormState.FINITE
    if not is_believed:
        # An infinite norm may come from an infinite element or from squares that overflowed, a tiny one from squares
        # that vanished.
        state = NormState.NOT_FINITE if math.isnan(norm) else NormState.UNSETTLED
    return GradientCollection(
        layer_names=tuple(sources.names),
        layer_norms=None,
        element_count=_element_count(sources, range(len(sources.names))),
        nan_count=0 if is_finite else None,
        inf_count=0 if is_finite else None,
        norm=norm,
        norm_state=state,
        norm_source=NormSource.CLIPPING,
        norm_error=_clipping_error(sources) if is_believed else math.inf,
        passes=0,
        bad_layers=(),
        loss_scale=loss_scale,
        replicated=None,
        sharded=None,
    )


def _nothing(loss_scale: float | None) -> GradientCollection:
    return GradientCollection(
        layer_names=(),
        layer_norms=(),
        element_count=0,
        nan_count=None,
        inf_count=None,
        norm=None,
        norm_state=NormState.NO_GRADIENTS,
        norm_source=NormSource.MEASURED,
        norm_error=0.0,
        passes=0,
        bad_layers=(),
        loss_scale=loss_scale,
        replicated=GradientSums.merged([]),
        sharded=None,
    )


def _clipping_floor(sources: GradientSources) -> float:
    """Norms below are not believed: in each layer squares may have vanished, or digits of its norm been lost.

    It is 0.0 where there is no element.
    """
    dtypes = {tensor.dtype for tensor in sources.tensors if tensor.numel()}
    arithmetics = [_arithmetic(dtype) for dtype in dtypes]
    of_one_layer = max((max(one.floor, one.underflow_limit) for one in arithmetics), default=0.0)
    return of_one_layer * math.sqrt(len(sources.tensors))


def _clipping_error(sources: GradientSources) -> float:
    """Bound on the relative error of a float32 norm: half that of the sum of squares.

    A vectorised sum keeps at least eight running sums, each of which loses at most half a unit in the last place
    per addition; elements that do not lie side by side may be added up in one. Norms of half precision are moreover
    rounded to it, those of the layers and then the whole.
    """
    longest = max(
        (tensor.numel() / (8 if tensor.is_contiguous() else 1) for tensor in sources.tensors), default=0.0
    )
    unit = 2.0**-24
    rounding = max((_rounding(tensor.element_size()) for tensor in sources.tensors), default=0.0)
    return (longest + len(sources.tensors) + 8) * unit / 2 + rounding


def _rounding(bytes_per_element: int) -> float:
    """Two roundings to the eight bits of bfloat16; float16 has more."""
    return 2.0**-7 if bytes_per_element <= 2 else 0.0


def _error(group: Group) -> float:
    return group.arithmetic.error(group.longest)


def _element_count(sources: GradientSources, layers: Sequence[int]) -> int:
    special = sources.element_counts
    if not special and len(layers) == len(sources.sizes):
        return sum(sources.sizes)
    return sum(special.get(layer, sources.sizes[layer]) for layer in layers)


def _sums(
    sources: GradientSources, groups: Sequence[Group], ladder: Ladder, layers: Sequence[int]
) -> GradientSums:
    """What some of the layers add up to."""
    if not layers:
        return GradientSums.merged([])
    overflow_limit, underflow_limit, layer_overflowed = _limits(sources, groups, ladder, layers)
    if ladder.layers is None:
        norm = ladder.total
        if len(layers) < len(sources.names):
            norm = combined_norm([ladder.layer_norms[layer] for layer in layers])
        parts = [(norm, 1.0)]
        nan_count = inf_count = 0
    else:
        known = [ladder.layers[layer] for layer in layers]
        parts = [part for layer in known for part in layer.parts]
        nan_count = sum(layer.nan_count for layer in known)
        inf_count = sum(layer.inf_count for layer in known)
    parts = [(unit, squares) for unit, squares in parts if unit > 0.0 and squares > 0.0]
    scale = max((unit for unit, _ in parts), default=1.0)
    return GradientSums(
        element_count=_element_count(sources, layers),
        nan_count=nan_count,
        inf_count=inf_count,
        scale=scale,
        squares=math.fsum((unit / scale) ** 2 * squares for unit, squares in parts),
        overflow_limit=overflow_limit,
        underflow_limit=underflow_limit,
        layer_overflowed=layer_overflowed,
    )


def _limits(
    sources: GradientSources, groups: Sequence[Group], ladder: Ladder, layers: Sequence[int]
) -> tuple[float, float, bool]:
    """The limits of the widest arithmetic among the layers, and whether a layer alone exceeds its own."""
    if len(groups) == 1:
        arithmetic = groups[0].arithmetic
        exceeds = ladder.total > arithmetic.overflow_limit and _exceeds(sources, ladder, layers)
        return arithmetic.overflow_limit, arithmetic.underflow_limit, exceeds
    widest = max(
        (_arithmetic(sources.tensors[layer].dtype) for layer in layers), key=lambda one: one.overflow_limit
    )
    return widest.overflow_limit, widest.underflow_limit, _exceeds(sources, ladder, layers)


def _exceeds(sources: GradientSources, ladder: Ladder, layers: Sequence[int]) -> bool:
    """Whether a layer without bad elements has a norm that its own arithmetic cannot hold."""
    return any(
        ladder.layer_norms[layer] > _arithmetic(sources.tensors[layer].dtype).overflow_limit
        and (ladder.layers is None or ladder.layers[layer].inf_count == 0)
        for layer in layers
    )


def _arithmetic(dtype: torch.dtype) -> Arithmetic:
    return arithmetic_of(dtype.to_real() if dtype in COMPLEX_DTYPES else dtype)


def _bad_layers(sources: GradientSources, ladder: Ladder) -> tuple[BadLayer, ...]:
    """The layers that are not finite, each with its finite neighbours."""
    if ladder.layers is None:
        return ()
    found: list[BadLayer] = []
    is_bad = [bool(layer.nan_count or layer.inf_count) for layer in ladder.layers]
    for index, layer in enumerate(ladder.layers):
        if not is_bad[index]:
            continue
        before = next((other for other in range(index - 1, -1, -1) if not is_bad[other]), None)
        after = next((other for other in range(index + 1, len(is_bad)) if not is_bad[other]), None)
        found.append(
            BadLayer(
                layer_name=sources.names[index],
                element_count=_element_count(sources, [index]),
                nan_count=layer.nan_count,
                inf_count=layer.inf_count,
                finite_norm=layer.finite_norm,
                finite_before=None if before is None else sources.names[before],
                finite_after=None if after is None else sources.names[after],
            )
        )
    return tuple(found)
