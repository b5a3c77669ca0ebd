"""The cheap collection: NaN count, Inf count, exact norm and the norm of every layer, by a ladder.

1. One fused `torch._foreach_norm` in float32 over pieces of at most 256 K elements, added up in float64 on the host.
   A finite total proves that no element is NaN or infinite, and nothing else is read.
2. Scaled float64 for pieces whose norm is infinite, or so small that squares may have vanished.
3. Counts for the pieces that are still not finite; the layers they belong to are thereby named.

The first rung is started without waiting for the device; each rung that runs waits once per device.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Literal

import torch
from torch import Tensor

from ..measurements import FiniteReading, GradientCollection, MeasuredGradients
from ..norms import PIECE_ELEMENTS, arithmetic_of, first_norms, pieces
from ..untraced import untraced
from .common import UnsettledReading, read_common
from .ladder import Group, climb
from .named import GradientHolder, NamedParameters, named_parameters
from .results import clipping_collection, measured_collection
from .sources import (
    ANY_GRADIENT,
    COMPLEX_DTYPES,
    GradientSources,
    UnsupportedGradientError,
    find_gradients,
    whole_scalar,
)
from .transfer import Transfer

__all__ = [
    "PendingGradients",
    "collect_gradients",
    "measure_norm",
    "read_gradients",
    "start_gradient_collection",
]

Precision = Literal["float32", "own"]

_IS_CPU = attrgetter("is_cpu")


@untraced
def collect_gradients(
    gradients_of: GradientHolder,
    *,
    loss_scale: float | None = None,
    clip_norm: float | Tensor | None = None,
    precision: Precision = "float32",
) -> GradientCollection:
    """Read all gradients once: are they finite, and how large?

    Call it after the backward pass (after a gradient scaler's ``unscale_``) and before clipping. Takes gradients of
    any floating or complex dtype, layout and device, sparse ones and `DTensor` shards included; a parameter
    without a gradient has no part in it. Temporaries do not grow with the gradients. A healthy collection waits
    for the device once (once per device, where the model spans several).

    Args:
        gradients_of: a model, or named parameters.
        loss_scale: the scaler's factor, to be kept beside the gradients that it led to.
        clip_norm: what `torch.nn.utils.clip_grad_norm_` returned for these gradients. Then they are not read: the
            norm is taken over, marked as clipping's, with the error bound of its float32 arithmetic. Where it is
            not finite the counts stay None, since clipping has already changed the gradients; where it is so small
            that squares may have vanished it has no bound, and its state is `NormState.UNSETTLED`. A `DTensor` (of
            FSDP2) of which each rank holds a part is added up by a collective: then every rank collects.
        precision: ``"float32"`` reduces half precision in float32; ``"own"`` in the gradients' own dtype, which is
            faster and rounds each layer's norm to it. A finite norm proves as much either way.

    Raises:
        UnsupportedGradientError: a gradient cannot be read; the message names the layer.
    """
    parameters = named_parameters(gradients_of)
    if clip_norm is None:
        # Which precision was asked for makes no difference to float32.
        reading = read_common(parameters)
        if isinstance(reading, FiniteReading):
            return reading.collection(loss_scale=loss_scale)
        if reading is not None:
            return _settled(reading, loss_scale)
    pending = PendingGradients(
        find_gradients(parameters),
        loss_scale=loss_scale,
        clip_norm=clip_norm,
        precision=precision,
        watch_changes=False,
    )
    return pending.read()


@untraced
def read_gradients(parameters: NamedParameters) -> MeasuredGradients:
    """As `collect_gradients`, for a caller who may never need the collection of a healthy step.

    Raises:
        UnsupportedGradientError: a gradient cannot be read; the message names the layer.
    """
    reading = read_common(parameters)
    if isinstance(reading, FiniteReading):
        return reading
    return collect_gradients(parameters) if reading is None else _settled(reading, None)


def _settled(reading: UnsettledReading, loss_scale: float | None) -> GradientCollection:
    """What the rungs above the first make of a reading."""
    sources, groups = reading.sources, [reading.group]
    with torch.no_grad():
        ladder = climb(sources, groups, [reading.norms])
    return measured_collection(sources, groups, ladder, loss_scale=loss_scale)


@untraced
def start_gradient_collection(
    gradients_of: GradientHolder,
    *,
    loss_scale: float | None = None,
    clip_norm: float | Tensor | None = None,
    precision: Precision = "float32",
) -> PendingGradients:
    """Start what `collect_gradients` does, without waiting for the device; `PendingGradients.read` waits.

    The gradients may be changed in between: a norm that the first reading settled holds all the same. Where a
    gradient has been changed (clipping does) after a first reading that was infinite, or too small to be believed,
    the state is `NormState.UNSETTLED`; after a NaN it is `NormState.NOT_FINITE`. Only a finite reading still proves
    both counts to be 0, otherwise they stay None: read before clipping to have them. Arguments and errors as
    `collect_gradients`.

    PyTorch does not know of every change: a collective (``all_reduce``, ``broadcast``), ``.data`` and ``.numpy()``
    leave no trace on a tensor. So what the first reading left open is read as at first once more, after it has been
    settled, and a reading that differs counts as a change. A change without trace that leaves a NaN a NaN, or what
    overflowed or vanished as infinite or as zero as it was, is not seen: then the collection describes the gradients
    as they are when it is read.
    """
    return PendingGradients(
        find_gradients(gradients_of),
        loss_scale=loss_scale,
        clip_norm=clip_norm,
        precision=precision,
        watch_changes=True,
    )


class PendingGradients:
    """A collection under way; made by `start_gradient_collection`."""

    def __init__(
        self,
        sources: GradientSources,
        *,
        loss_scale: float | None,
        clip_norm: float | Tensor | None,
        precision: Precision,
        watch_changes: bool,
    ) -> None:
        self._sources = sources
        self._loss_scale = loss_scale
        self._clip_norm = clip_norm
        self._collection: GradientCollection | None = None
        self._groups: list[Group] = []
        with torch.no_grad():
            if clip_norm is None:
                self._groups = _groups_of(sources, in_own_dtype=precision == "own")
                self._transfer = _first_rung(self._groups)
            else:
                self._transfer = Transfer(
                    [whole_scalar(clip_norm.detach())] if isinstance(clip_norm, Tensor) else []
                )
        self._versions: int | None = _versions(sources) if watch_changes else None

    @untraced
    def read(self) -> GradientCollection:
        """Wait for the device and return the collection; later calls return the same one."""
        if self._collection is None:
            self._collection = self._settle()
            # What was kept for settling is no longer needed: the gradients may be freed.
            self._groups = []
            self._sources = GradientSources()
        return self._collection

    def _settle(self) -> GradientCollection:
        columns = self._transfer.read()
        if self._clip_norm is not None:
            norm = columns[0][0] if columns else float(self._clip_norm)
            return clipping_collection(self._sources, norm, loss_scale=self._loss_scale)
        is_watched = self._versions is not None
        is_changed = is_watched and self._versions != _versions(self._sources)
        with torch.no_grad():
            ladder = climb(self._sources, self._groups, columns, may_read=not is_changed, confirms=is_watched)
        return measured_collection(self._sources, self._groups, ladder, loss_scale=self._loss_scale)


def measure_norm(sources: GradientSources) -> float:
    """The norm of a collection alone: NaN where an element is, else infinite where one is; 0.0 over no element."""
    with torch.no_grad():
        groups = _groups_of(sources, in_own_dtype=False)
        return climb(sources, groups, _first_rung(groups).read()).total


def start_norms(gradients_of: GradientHolder) -> Transfer:
    """The norm of each piece of the gradients, on its way; the gradients themselves are not kept.

    All are finite where every element is and no sum of squares overflows.
    """
    with torch.no_grad():
        return _first_rung(_groups_of(find_gradients(gradients_of), in_own_dtype=False))


def _first_rung(groups: Sequence[Group]) -> Transfer:
    """The norm of each piece of each group, on its way."""
    return Transfer([first_norms(group.pieces, group.arithmetic) for group in groups])


def _versions(sources: GradientSources) -> int:
    """A number that grows with every change of a gradient in place, of which PyTorch keeps count."""
    try:
        return sum(tensor._version for tensor in sources.tensors)
    except RuntimeError:  # Of tensors made in inference mode it keeps none.
        return sum(0 if tensor.is_inference() else tensor._version for tensor in sources.tensors)


def _groups_of(sources: GradientSources, *, in_own_dtype: bool) -> list[Group]:
    """The gradients cut into pieces, by device and dtype; empty ones have none."""
    groups: list[Group] = []
    for dtype, layers in _by_kind(sources):
        is_complex = dtype in COMPLEX_DTYPES
        arithmetic = arithmetic_of(dtype.to_real() if is_complex else dtype, in_own_dtype=in_own_dtype)
        tensors = [sources.tensors[layer] for layer in layers]
        sizes = [sources.sizes[layer] for layer in layers]
        if not is_complex and min(sizes) > 0 and max(sizes) <= PIECE_ELEMENTS:
            groups.append(Group(arithmetic, is_complex, tensors, list(layers), max(sizes)))
            continue
        group = Group(arithmetic, is_complex)
        for layer, tensor, size in zip(layers, tensors, sizes, strict=True):
            # Spelt out: half of the cost of many small tensors would be the generator.
            if 0 < size <= PIECE_ELEMENTS and not is_complex:
                group.add(tensor, layer)
                continue
            for piece in pieces(tensor):
                group.add(torch.view_as_real(piece) if is_complex else piece, layer)
        if group.pieces:
            groups.append(group)
    return groups


def _by_kind(sources: GradientSources) -> Iterable[tuple[torch.dtype, Sequence[int]]]:
    """The layers of each device and dtype."""
    tensors = sources.tensors
    if len(sources.dtypes) == 1 and all(map(_IS_CPU, tensors)):
        return [(next(iter(sources.dtypes)), range(len(tensors)))]
    kinds: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for layer, tensor in enumerate(tensors):
        if tensor.is_meta:
            kind = "on the meta device, without data"
            raise UnsupportedGradientError(sources.names[layer], kind, ANY_GRADIENT)
        kinds.setdefault((tensor.device, tensor.dtype), []).append(layer)
    return [(dtype, layers) for (_, dtype), layers in kinds.items()]
