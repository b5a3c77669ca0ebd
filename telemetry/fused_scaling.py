"""What a gradient scaler hands to an optimiser that unscales and leaves out by itself (``fused=True``).

`torch.amp.GradScaler.step` calls such an optimiser in any case and sets two attributes for the time of the call:
``found_inf``, which is not 0 where the step is to be left out, and ``grad_scale``, by which the gradients still have to
be divided, or None where ``unscale_`` has done so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.optim import Optimizer

from .measurements import GradientCollection, GradientSums

__all__ = ["FusedScaling", "read_fused_scaling", "unscaled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedScaling:
    """What an optimiser is to do by itself in the step that it is called for."""

    is_left_out: bool
    """Whether it leaves the step out, because a gradient is not finite."""
    grad_scale: float | None
    """By what it divides the gradients; None where they are unscaled."""


_NOTHING = FusedScaling(is_left_out=False, grad_scale=None)


def read_fused_scaling(optimizer: Optimizer) -> FusedScaling:
    """What the scaler has told the optimiser; a GPU is waited for once, where it has told anything."""
    found_inf = getattr(optimizer, "found_inf", None)
    grad_scale = getattr(optimizer, "grad_scale", None)
    if found_inf is None and grad_scale is None:
        return _NOTHING
    if isinstance(found_inf, Tensor) and isinstance(grad_scale, Tensor):
        # Side by side, so that the device is waited for once.
        both = torch.stack(
            [one.detach().reshape(()).double() for one in (found_inf, grad_scale.to(found_inf.device))]
        )
        found_inf, grad_scale = both.tolist()
    return FusedScaling(
        is_left_out=found_inf is not None and float(found_inf) != 0.0,
        grad_scale=None if grad_scale is None else float(grad_scale),
    )


def unscaled(collection: GradientCollection, scale: float) -> GradientCollection:
    """A collection of scaled gradients with the norms that they have when they are divided by the scale.

    Exact where the scale is a power of two, as that of a `torch.amp.GradScaler` is unless it is told otherwise. Counts
    and states are those of the gradients as they lie in memory.
    """
    return replace(
        collection,
        layer_norms=None
        if collection.layer_norms is None
        else tuple(norm / scale for norm in collection.layer_norms),
        norm=None if collection.norm is None else collection.norm / scale,
        bad_layers=tuple(
            replace(layer, finite_norm=layer.finite_norm / scale) for layer in collection.bad_layers
        ),
        replicated=_unscaled_sums(collection.replicated, scale),
        sharded=_unscaled_sums(collection.sharded, scale),
    )


def _unscaled_sums(sums: GradientSums | None, scale: float) -> GradientSums | None:
    if sums is None:
        return None
    return replace(
        sums,
        scale=sums.scale / scale,
        overflow_limit=sums.overflow_limit / scale,
        underflow_limit=sums.underflow_limit / scale,
    )
