"""Gradient statistics per layer, and the norm over all gradients.

Both read ``parameter.grad`` as it stands: call them after the backward pass (after a gradient scaler's
``unscale_``) and, for the pre-clip values, before clipping. A gradient that lingers on a frozen parameter is
included, since the optimiser would apply it too. Tied weights are one parameter and count once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..measurements import LayerGradientStats
from ..norms import pieces
from ..untraced import untraced
from .careful import CAREFUL_COLUMNS, careful_moments, measure_carefully
from .collection import measure_norm
from .kernel import KernelChoice, measure_by_kernel, named_kernel
from .moments import Moments, describe_layer
from .named import GradientHolder
from .sources import find_dense_gradients
from .swift import (
    SWIFT_COLUMNS,
    Scratch,
    measure_rows_swiftly,
    measure_swiftly,
    swift_moments,
)
from .transfer import Transfer

__all__ = ["collect_per_layer_gradients", "compute_grad_norm_surrogate"]

# The buffer of a piece (2 MiB) lies in the cache of a CPU; in smaller pieces the calls would cost more. It is a little
# less than 256 K elements, so that their flags can be added up in 16 bits (`swift`). A GPU wants larger kernels.
_CPU_PIECE_ELEMENTS = 256 * 1024 - 16
_DEVICE_PIECE_ELEMENTS = 1024 * 1024

_BATCHED_SHARE = 4
"""Layers of at most this share of a piece are measured side by side with others of their size."""


@untraced
def collect_per_layer_gradients(
    gradients_of: GradientHolder, *, kernel: KernelChoice | None = None
) -> list[LayerGradientStats]:
    """Measure the gradient of each parameter that has one, in the order of ``named_parameters()``.

    Takes dense gradients of any floating dtype, shape and memory layout, empty ones included; a parameter
    without a gradient has no entry. Sums are taken in float64, so that counts are exact and no sum overflows, and
    in pieces, so that temporaries do not grow with the layer. The device is waited for once (once per device,
    where the model spans several), and once more where a layer holds elements that are not finite: only those
    layers are then measured again.

    Args:
        gradients_of: a model, or named parameters; `NamedParameters` where they are measured again and again.
        kernel: ``"compiled"`` for one pass of compiled code over each contiguous CPU gradient of at most 32 bits,
            built at the first call (or by `prepare_kernel` before); None for what the environment variable
            ``TELEWIRE_GRADIENT_KERNEL`` says, and where it says nothing ``"eager"``.

    Raises:
        UnsupportedGradientError: a gradient is sparse, complex, quantised or a distributed or wrapper tensor.
        KernelUnavailableError: the compiled kernel was asked for, and cannot be built here.
        ValueError: the environment variable names no kernel.
    """
    chosen = named_kernel() if kernel is None else kernel
    sources = find_dense_gradients(gradients_of)
    described = measure_by_kernel(sources) if chosen == "compiled" else {}
    places = range(len(sources.names))
    if len(described) < len(places):
        layers = list(zip(sources.names, sources.tensors, strict=True))
        with torch.no_grad():
            described.update(_measure_eagerly(layers, [place for place in places if place not in described]))
    return [described[place] for place in places]


def _measure_eagerly(
    layers: Sequence[tuple[str, Tensor]], chosen: Sequence[int]
) -> dict[int, LayerGradientStats]:
    """The statistics of some of the layers, by their place; a layer is a name and its gradient."""
    moments, unfinished = _read(_plan_swiftly(layers, chosen))
    if unfinished:
        careful, _ = _read(_plan_carefully(layers, unfinished))
        for layer in unfinished:
            moments[layer] = careful[layer]
    return {
        layer: describe_layer(layers[layer][0], layers[layer][1].numel(), moments.get(layer, ()))
        for layer in chosen
    }


@dataclass(frozen=True, slots=True)
class _Measured:
    """Rows on a device, each of a piece of a layer."""

    rows: Tensor
    """Float64, with `SWIFT_COLUMNS` or `CAREFUL_COLUMNS` numbers for each piece."""
    layers: list[int]
    """The layer of each row's piece."""
    sizes: list[int]
    """The number of elements of each row's piece."""
    is_swift: bool


def _plan_swiftly(layers: Sequence[tuple[str, Tensor]], chosen: Sequence[int]) -> list[_Measured]:
    """Measure some of the layers as if all were finite; float64 layers carefully, since their squares may overflow."""
    measured: list[_Measured] = []
    scratches: dict[torch.device, Scratch] = {}
    small: dict[tuple[torch.device, torch.dtype, int], list[int]] = {}
    for layer in chosen:
        gradient = layers[layer][1]
        count = gradient.numel()
        if gradient.dtype is torch.float64:
            measured.extend(_plan_carefully(layers, [layer]))
        elif 0 < count <= _piece_elements(gradient) // _BATCHED_SHARE:
            small.setdefault((gradient.device, gradient.dtype, count), []).append(layer)
        elif count:
            scratch = _scratch(scratches, gradient)
            for piece in _flat_pieces(gradient):
                row = measure_swiftly(piece, scratch)
                measured.append(_Measured(row, [layer], [piece.numel()], is_swift=True))
    for (_, _, count), members in small.items():
        first = layers[members[0]][1]
        scratch = _scratch(scratches, first)
        at_once = _piece_elements(first) // count
        for begin in range(0, len(members), at_once):
            batch = members[begin : begin + at_once]
            flat = [layers[layer][1].reshape(-1) for layer in batch]
            if len(batch) == 1:
                row = measure_swiftly(flat[0], scratch)
                measured.append(_Measured(row, batch, [count], is_swift=True))
            else:
                rows = measure_rows_swiftly(torch.stack(flat), scratch)
                measured.append(_Measured(rows, batch, [count] * len(batch), is_swift=True))
    return measured


def _plan_carefully(layers: Sequence[tuple[str, Tensor]], chosen: Sequence[int]) -> list[_Measured]:
    """Measure some of the layers, whatever they hold."""
    return [
        _Measured(measure_carefully(piece), [layer], [piece.numel()], is_swift=False)
        for layer in chosen
        for piece in pieces(layers[layer][1], _piece_elements(layers[layer][1]))
    ]


def _read(measured: Sequence[_Measured]) -> tuple[dict[int, list[Moments]], list[int]]:
    """The moments of each layer's pieces, and the layers that turned out not to be finite: one transfer per device."""
    moments: dict[int, list[Moments]] = {}
    unfinished: dict[int, None] = {}
    columns = Transfer([one.rows for one in measured]).read()
    for one, numbers in zip(measured, columns, strict=True):
        width = SWIFT_COLUMNS if one.is_swift else CAREFUL_COLUMNS
        for place, (layer, size) in enumerate(zip(one.layers, one.sizes, strict=True)):
            row = numbers[place * width : (place + 1) * width]
            found = swift_moments(size, row) if one.is_swift else careful_moments(size, row)
            if found is None:
                unfinished[layer] = None
            else:
                moments.setdefault(layer, []).append(found)
    return moments, list(unfinished)


def _flat_pieces(gradient: Tensor) -> Iterator[Tensor]:
    """One-dimensional pieces that cover a gradient: views where it is dense in memory, else copies of pieces."""
    limit = _piece_elements(gradient)
    if gradient.is_contiguous():
        yield from torch.split(gradient.view(-1), limit)
        return
    for piece in pieces(gradient, limit):
        order = sorted(range(piece.ndim), key=piece.stride, reverse=True)
        yield piece.permute(order).reshape(-1)


def _piece_elements(gradient: Tensor) -> int:
    return _CPU_PIECE_ELEMENTS if gradient.is_cpu else _DEVICE_PIECE_ELEMENTS


def _scratch(scratches: dict[torch.device, Scratch], gradient: Tensor) -> Scratch:
    scratch = scratches.get(gradient.device)
    if scratch is None:
        scratch = scratches[gradient.device] = Scratch(gradient.device, _piece_elements(gradient))
    return scratch


@untraced
def compute_grad_norm_surrogate(gradients_of: GradientHolder) -> float | None:
    """L2 norm over all gradients: sqrt(sum of squared elements), as a rule good to 1e-5.

    None when no parameter has a gradient: nothing was measured. Finite gradients give a finite norm (unless
    it exceeds float64's 1.8e308) and non-zero gradients a positive one, where PyTorch's float32 norm
    overflows from 1e18 and underflows below 1e-23. With a NaN among the gradients the result is NaN, with an
    infinity and no NaN it is infinite; so a finite result proves that there is neither. It is the norm that
    `collect_gradients` gives, of gradients that are dense and lie whole on this rank; there the bound on its error is
    stated.

    Raises:
        UnsupportedGradientError: a gradient is sparse, complex, quantised or a distributed or wrapper tensor.
    """
    sources = find_dense_gradients(gradients_of)
    return measure_norm(sources) if sources.tensors else None
