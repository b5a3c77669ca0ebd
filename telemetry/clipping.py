"""Clipping gradients by a norm that has been measured already."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from .measurements import FiniteReading, MeasuredGradients
from .untraced import untraced

__all__ = ["clip_by_norm"]

_DIVISION_GUARD = 1e-6
"""What PyTorch adds to the norm that it divides by; so the same gradients get the same factor."""

_SMALLEST_FACTOR = 2.0**-100
"""Smaller factors are applied in parts: float32 holds the factor of its largest norms to a few digits only."""


def clip_by_norm(parameters: Sequence[Tensor], found: MeasuredGradients, max_norm: float) -> None:
    """Scale the gradients of some parameters to a norm of at most ``max_norm``.

    Args:
        parameters: whose gradients, all that were measured and no others.
        found: what was measured of them. Where it is of this rank's shards only, PyTorch takes the norm. Where it is
            not finite the gradients stay as they are.
        max_norm: the largest norm that they are to have.

    Raises:
        ValueError: ``max_norm`` is negative or no number.
    """
    if not max_norm >= 0.0:
        raise ValueError(f"gradients are clipped to a norm of at least 0, not {max_norm}")
    if isinstance(found, FiniteReading):
        factor = max_norm / (found.norm + _DIVISION_GUARD)
        if factor >= 1.0:
            return
        if factor >= _SMALLEST_FACTOR:
            # As a rule. Of gradients that such a reading is of, autograd keeps no record.
            _scale([parameter.grad for parameter in parameters if parameter.grad is not None], factor)
            return
    _clip_any(parameters, found, max_norm)


@untraced
def _clip_any(parameters: Sequence[Tensor], found: MeasuredGradients, max_norm: float) -> None:
    """As `clip_by_norm`, whatever the gradients are."""
    if found.sharded is not None:
        clip_grad_norm_(parameters, max_norm)
        return
    if found.norm is None or not math.isfinite(found.norm):
        return
    factor = max_norm / (found.norm + _DIVISION_GUARD)
    if factor >= 1.0:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    with torch.no_grad():
        if 0.0 < factor < _SMALLEST_FACTOR:
            _scale_any(gradients, _SMALLEST_FACTOR)
            factor /= _SMALLEST_FACTOR
        _scale_any(gradients, factor)


def _scale_any(gradients: Sequence[Tensor], factor: float) -> None:
    """Multiply each gradient in place, those of float8, too, with which PyTorch does not calculate."""
    _scale([gradient for gradient in gradients if gradient.element_size() > 1], factor)
    for gradient in gradients:
        if gradient.element_size() == 1:
            gradient.copy_(gradient.to(torch.float32) * factor)


def _scale(gradients: Sequence[Tensor], factor: float) -> None:
    """Multiply each gradient in place."""
    if not gradients:
        return
    # The fused product has no public name. A release without it costs time, not the clipping.
    fused = getattr(torch, "_foreach_mul_", None)
    if fused is not None:
        fused(gradients, factor)
        return
    for gradient in gradients:
        gradient.mul_(factor)
