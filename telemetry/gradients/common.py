"""The common case of the cheap collection, in few calls: small float32 gradients of a healthy model on the CPU.

There the arithmetic takes microseconds, and the calls around it would take most of a collection's time. What is read
is what the first rung of the ladder reads (`collection`); where that settles nothing, the rungs above do (`ladder`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import attrgetter
from typing import cast

import torch
from torch import Tensor

from ..measurements import FiniteReading
from ..norms import PIECE_ELEMENTS, arithmetic_of, first_norms
from .flat_shards import first_flat_shard
from .ladder import Group
from .named import NamedParameters
from .sources import GradientSources

_kind = attrgetter("dtype", "layout", "is_cpu", "requires_grad")
_COMMON_KIND = {(torch.float32, torch.strided, True, False)}
_PLAIN = {Tensor}
_ARITHMETIC = arithmetic_of(torch.float32)


@dataclass(frozen=True, slots=True)
class UnsettledReading:
    """What the first rung has read of gradients that are all of the common kind, and what it leaves open."""

    names: tuple[str, ...]
    """The parameters' names: each has a gradient."""
    gradients: list[Tensor]
    """The gradients."""
    sizes: list[int]
    """Their numbers of elements: each is one piece."""
    norms: list[float]
    """Their norms, as the first rung found them."""

    @property
    def sources(self) -> GradientSources:
        """The gradients, for the rungs above the first."""
        return GradientSources(list(self.names), self.gradients, self.sizes, frozenset({torch.float32}))

    @property
    def group(self) -> Group:
        """The gradients as pieces, for the rungs above the first."""
        layers = list(range(len(self.gradients)))
        return Group(_ARITHMETIC, False, self.gradients, layers, max(self.sizes))


def read_common(parameters: NamedParameters) -> FiniteReading | UnsettledReading | None:
    """Read all gradients once, where each parameter has one, of the common kind; None where one is of another.

    Where the norm does not prove that each element is finite and none has vanished, the rungs above settle it
    (`ladder.climb`), which know of tiny gradients beside large ones.
    """
    found = [parameter.grad for parameter in parameters.tensors]
    # Of a parameter without a gradient, and of a subclass of Tensor, the type is another. Gradients that can be
    # differentiated again would have to be kept from it: `torch.no_grad` costs as much as asking for all of this.
    if set(map(type, found)) != _PLAIN or set(map(_kind, found)) != _COMMON_KIND:
        return None
    gradients = cast(list[Tensor], found)
    sizes = list(map(Tensor.numel, gradients))
    if sizes != parameters.known_sizes:
        # A rank that came to hold parts of them would hold fewer elements.
        if min(sizes) == 0 or max(sizes) > PIECE_ELEMENTS or first_flat_shard(parameters) is not None:
            return None
        parameters.known_sizes = sizes
    else:
        sizes = parameters.known_sizes  # one list for all readings that are kept
    norms: list[float] = first_norms(gradients, _ARITHMETIC, sizes).tolist()
    total = math.hypot(*norms)
    if min(norms) < _ARITHMETIC.floor or not total <= _ARITHMETIC.overflow_limit:
        return UnsettledReading(parameters.names, gradients, sizes, norms)
    return FiniteReading(parameters.names, norms, sizes, total, _ARITHMETIC)
