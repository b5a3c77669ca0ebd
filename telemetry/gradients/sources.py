"""Which gradients a model has, and how their elements can be read.

A gradient that lingers on a frozen parameter is included, since the optimiser would apply it too. Tied weights are
one parameter and count once.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from operator import attrgetter

import torch
from torch import Tensor

from .flat_shards import first_flat_shard
from .named import GradientHolder, named_parameters

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

# A model has hundreds of gradients: one attribute of all is fetched sooner than in a loop.
_DTYPE = attrgetter("dtype")
_LAYOUT = attrgetter("layout")
_IS_META = attrgetter("is_meta")

PLAIN_DTYPES = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})
COMPLEX_DTYPES = frozenset({torch.complex32, torch.complex64, torch.complex128})

ANY_GRADIENT = "gradients are read from floating-point or complex tensors with their data on a device"
DENSE_GRADIENT = (
    "gradient statistics need a dense, real, floating-point gradient that lies whole on one device"
)

FLAT_SHARD = (
    "this rank's part under FullyShardedDataParallel (FSDP1), which does not say what the other ranks hold"
)
WHOLE_OR_DTENSOR = (
    "shard the model with FSDP2 (torch.distributed.fsdp.fully_shard), whose gradients are DTensors"
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
    sizes: list[int] = field(default_factory=list)
    """The number of elements of each of ``tensors``."""
    dtypes: frozenset[torch.dtype] = frozenset()
    """The dtypes of ``tensors``."""
    element_counts: dict[int, int] = field(default_factory=dict)
    """Elements of the gradients, by index, where ``tensors`` does not hold one value for each: sparse ones."""
    shards: dict[int, bool] = field(default_factory=dict)
    """The indices of shards of distributed gradients, and whether this rank is the one to count the shard."""


def find_gradients(holder: GradientHolder) -> GradientSources:
    """The gradients of a model, of every kind that can be read.

    Sparse gradients are coalesced; of a `DTensor` the local shard is taken.

    Raises:
        UnsupportedGradientError: a gradient is quantised, nested, on the meta device, in another tensor subclass's
            hands, a `DTensor` whose values exist only after a reduction (`Partial`), or a rank's part under FSDP1.
    """
    sources = _present_gradients(holder)
    if not _are_plain(sources):
        sources.tensors = [_readable(sources, layer, one) for layer, one in enumerate(sources.tensors)]
        sources.dtypes = frozenset(map(_DTYPE, sources.tensors))
    sources.sizes = list(map(Tensor.numel, sources.tensors))
    return sources


def find_dense_gradients(holder: GradientHolder) -> GradientSources:
    """The gradients of a holder, of the kinds that have per-layer statistics: whole and as they lie in memory.

    Raises:
        UnsupportedGradientError: a gradient is sparse, complex, quantised, on the meta device, a distributed or
            wrapper tensor, or a rank's part under FSDP1.
    """
    sources = _present_gradients(holder)
    if not _are_plain(sources) or any(map(_IS_META, sources.tensors)):
        for name, gradient in zip(sources.names, sources.tensors, strict=True):
            _check_dense(name, gradient)
    sources.sizes = list(map(Tensor.numel, sources.tensors))
    return sources


def whole_scalar(value: Tensor) -> Tensor:
    """A scalar as a plain tensor, also where it is a `DTensor`.

    Where each rank holds a part of it that is a collective of the ranks of its mesh, as every operation on it is.
    """
    tensor_module = sys.modules.get("torch.distributed.tensor")
    if tensor_module is None or not isinstance(value, tensor_module.DTensor):
        return value
    is_whole = all(placement.is_replicate() for placement in value.placements)
    return _waited_for(value.to_local() if is_whole else value.full_tensor())


def _present_gradients(holder: GradientHolder) -> GradientSources:
    """The gradients as they are, of any kind."""
    named = named_parameters(holder)
    shard = first_flat_shard(named)
    if shard is not None:
        raise UnsupportedGradientError(shard, FLAT_SHARD, WHOLE_OR_DTENSOR)
    found = [(name, gradient) for name, parameter in named if (gradient := parameter.grad) is not None]
    gradients = [gradient for _, gradient in found]
    dtypes = frozenset(map(_DTYPE, gradients))
    return GradientSources([name for name, _ in found], gradients, dtypes=dtypes)


def _are_plain(sources: GradientSources) -> bool:
    """Whether all gradients are of the common kind, which can be read as it is."""
    return (
        sources.dtypes <= PLAIN_DTYPES
        and {Tensor}.issuperset(map(type, sources.tensors))
        and {torch.strided}.issuperset(map(_LAYOUT, sources.tensors))
    )


def _readable(sources: GradientSources, layer: int, gradient: Tensor) -> Tensor:
    """What this rank holds of a gradient of any kind; what is special about it is noted in ``sources``."""
    name, local = sources.names[layer], gradient
    if type(local) is not Tensor and _is_wrapper(local):
        local, is_shard, counts_here = _local_shard(name, local)
        if is_shard:
            sources.shards[layer] = counts_here
    if local.layout is not torch.strided:
        sources.element_counts[layer] = local.numel()
        local = _stored_values(name, local)
    _check_readable(name, local)
    # A conjugate view is lazy: its elements are not in memory as they are.
    return local.resolve_conj()


def _is_wrapper(gradient: Tensor) -> bool:
    """Whether a tensor subclass answers operations itself (DTensor and its like) instead of holding plain
    data."""
    return type(gradient).__torch_dispatch__ is not Tensor.__torch_dispatch__


def _check_dense(name: str, gradient: Tensor) -> None:
    if gradient.layout is not torch.strided:
        raise UnsupportedGradientError(name, f"sparse ({gradient.layout})", DENSE_GRADIENT)
    if gradient.dtype not in PLAIN_DTYPES and gradient.dtype not in FLOAT8_DTYPES:
        kind = f"complex ({gradient.dtype})" if gradient.dtype.is_complex else f"of dtype {gradient.dtype}"
        raise UnsupportedGradientError(name, kind, DENSE_GRADIENT)
    if gradient.is_meta:
        raise UnsupportedGradientError(name, "on the meta device, without data", DENSE_GRADIENT)
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
    return _waited_for(gradient.to_local()), is_shard, counts_here


def _waited_for(local: Tensor) -> Tensor:
    """The values of a tensor whose collective may be under way (`AsyncCollectiveTensor`)."""
    wait = getattr(local, "wait", None)
    return local if wait is None else wait()
