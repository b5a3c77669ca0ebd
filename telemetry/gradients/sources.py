"""Which gradients a model has, and how their elements can be read.

A gradient that lingers on a frozen parameter is included, since the optimiser would apply it too. Tied weights are
one parameter and count once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor, nn

GradientHolder: TypeAlias = nn.Module | Iterable[tuple[str, Tensor]]
"""A model, or its parameters with their names as `nn.Module.named_parameters` yields them."""

FLOAT8_DTYPES = frozenset(
    {
        torch.float8_e4m3fn,
        torch.float8_e4m3fnuz,
        torch.float8_e5m2,
        torch.float8_e5m2fnuz,
        torch.float8_e8m0fnu,
    }
)
"""Dtypes that PyTorch stores but does not calculate with."""

PLAIN_DTYPES = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})
COMPLEX_DTYPES = frozenset({torch.complex32, torch.complex64, torch.complex128})

ANY_GRADIENT = "gradients are read from floating-point or complex tensors with their data on a device"
DENSE_GRADIENT = (
    "gradient statistics need a dense, real, floating-point gradient that lies whole on one device"
)


class UnsupportedGradientError(TypeError):
    """A gradient is of a kind whose elements cannot be read; the message names the layer and the kind."""

    def __init__(self, layer_name: str, kind: str, needed: str = DENSE_GRADIENT) -> None:
        self.layer_name: str = layer_name
        self.kind: str = kind
        super().__init__(f"the gradient of layer {layer_name!r} is {kind}; {needed}")


@dataclass(slots=True)
class GradientSources:
    """The gradients to read, as columns: one entry per parameter that has one."""

    names: list[str] = field(default_factory=list)
    """Parameter names, in the model's order."""
    tensors: list[Tensor] = field(default_factory=list)
    """What this rank holds of each gradient: strided, real or complex. Of a sparse gradient these are the values
    that it stores."""
    element_counts: dict[int, int] = field(default_factory=dict)
    """Elements of the gradients, by index, where ``tensors`` does not hold one value for each: sparse ones."""
    shards: dict[int, bool] = field(default_factory=dict)
    """The indices of shards of distributed gradients, and whether this rank is the one to count the shard."""


def _named_parameters(holder: GradientHolder) -> Iterator[tuple[str, Tensor]]:
    """The parameters, each once."""
    return holder.named_parameters() if isinstance(holder, nn.Module) else _each_once(holder)


def _each_once(named: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    seen: set[int] = set()
    for name, parameter in named:
        if id(parameter) not in seen:
            seen.add(id(parameter))
            yield name, parameter


def find_gradients(holder: GradientHolder) -> GradientSources:
    """The gradients of a model, of every kind that can be read.

    Sparse gradients are coalesced; of a `DTensor` the local shard is taken.

    Raises:
        UnsupportedGradientError: a gradient is quantised, nested, on the meta device, in another tensor subclass's
            hands, or a `DTensor` whose values exist only after a reduction (`Partial`).
    """
    sources = GradientSources()
    names, tensors = sources.names, sources.tensors
    for name, parameter in _named_parameters(holder):
        gradient = parameter.grad
        if gradient is None:
            continue
        # The common case must stay cheap: a model has hundreds of these.
        if (
            type(gradient) is not Tensor
            or gradient.dtype not in PLAIN_DTYPES
            or gradient.layout is not torch.strided
        ):
            index = len(tensors)
            local = gradient
            if type(local) is not Tensor and _is_wrapper(local):
                local, is_shard, counts_here = _local_shard(name, local)
                if is_shard:
                    sources.shards[index] = counts_here
            if local.layout is not torch.strided:
                sources.element_counts[index] = local.numel()
                local = _stored_values(name, local)
            _check_readable(name, local)
            # A conjugate view is lazy: its elements are not in memory as they are.
            gradient = local.resolve_conj()
        names.append(name)
        tensors.append(gradient)
    return sources


def find_dense_gradients(model: nn.Module) -> GradientSources:
    """The gradients of a model, of the kinds that have per-layer statistics: whole and as they lie in memory.

    Raises:
        UnsupportedGradientError: a gradient is sparse, complex, quantised or a distributed or wrapper tensor.
    """
    sources = GradientSources()
    names, tensors = sources.names, sources.tensors
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        if gradient is None:
            continue
        # As in `find_gradients`, the common case first.
        if (
            type(gradient) is not Tensor
            or gradient.dtype not in PLAIN_DTYPES
            or gradient.layout is not torch.strided
        ):
            _check_dense(name, gradient)
        names.append(name)
        tensors.append(gradient)
    return sources


def _is_wrapper(gradient: Tensor) -> bool:
    """Whether a tensor subclass answers operations itself (DTensor and its like) instead of holding plain
    data."""
    return type(gradient).__torch_dispatch__ is not Tensor.__torch_dispatch__


def _check_dense(name: str, gradient: Tensor) -> None:
    if gradient.layout is not torch.strided:
        raise UnsupportedGradientError(name, f"sparse ({gradient.layout})", DENSE_GRADIENT)
    if not gradient.dtype.is_floating_point:
        kind = "complex" if gradient.dtype.is_complex else "not floating-point"
        raise UnsupportedGradientError(name, f"{kind} ({gradient.dtype})", DENSE_GRADIENT)
    # A DTensor's reductions stay local to the rank and do not say so: one shard would pass for the whole.
    if type(gradient) is not Tensor and _is_wrapper(gradient):
        raise UnsupportedGradientError(
            name, f"a {type(gradient).__name__}, not a plain tensor", DENSE_GRADIENT
        )


def _check_readable(name: str, values: Tensor) -> None:
    dtype = values.dtype
    if values.is_quantized or not (
        dtype in PLAIN_DTYPES or dtype in FLOAT8_DTYPES or dtype in COMPLEX_DTYPES
    ):
        raise UnsupportedGradientError(name, f"of dtype {dtype}", ANY_GRADIENT)


def _stored_values(name: str, gradient: Tensor) -> Tensor:
    """The values that a sparse gradient stores, each element once; all others are zero."""
    if gradient.layout is torch.sparse_coo:
        return gradient.coalesce().values()
    if gradient.layout in (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc):
        return gradient.values()
    raise UnsupportedGradientError(name, f"of layout {gradient.layout}", ANY_GRADIENT)


def _local_shard(name: str, gradient: Tensor) -> tuple[Tensor, bool, bool]:
    """What this rank holds of a `DTensor`, whether other ranks hold other parts, and whether it counts here.

    Along a `Replicate` dimension of the mesh the ranks hold the same shard: the first of them counts it.
    """
    tensor_module = sys.modules.get("torch.distributed.tensor")
    if tensor_module is None or not isinstance(gradient, tensor_module.DTensor):
        raise UnsupportedGradientError(
            name, f"a {type(gradient).__name__}, not a plain tensor", f"{ANY_GRADIENT}, plain or DTensor"
        )
    is_shard = False
    counts_here = True
    coordinate = gradient.device_mesh.get_coordinate()
    for dimension, placement in enumerate(gradient.placements):
        if placement.is_replicate():
            counts_here = counts_here and coordinate is not None and coordinate[dimension] == 0
        elif placement.is_partial():
            raise UnsupportedGradientError(
                name,
                f"a DTensor with placement {placement}",
                "its values exist only after a reduction: redistribute it to Shard or Replicate first",
            )
        else:
            is_shard = True
    local = gradient.to_local()
    wait = getattr(local, "wait", None)  # An AsyncCollectiveTensor, whose collective may be under way.
    if wait is not None:
        local = wait()
    return local, is_shard, counts_here
