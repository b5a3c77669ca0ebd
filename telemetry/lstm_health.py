"""Health of an LSTM's hidden state: does it explode, vanish, saturate, or hold NaN or infinity?

Hidden states drift through backpropagation in time: Pascanu, Mikolov and Bengio, "On the difficulty of
training recurrent neural networks", ICML 2013. The gradient norm does not show it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .measurements import LSTMHealthMetrics
from .norms import scaled_norm
from .untraced import untraced

SATURATED = 0.95
"""A unit is saturated whose |h| = |o tanh(c)| is above this: both factors are then so near 1 that next to no gradient
passes through either (the slope of tanh is below 0.1 there)."""

__all__ = ["EmptyHiddenStateError", "LSTMHealthMetrics", "compute_lstm_health"]


class EmptyHiddenStateError(ValueError):
    """The hidden or the cell state has no elements, so that it has neither norm nor maximum."""


@untraced
def compute_lstm_health(hidden: tuple[Tensor, Tensor] | None) -> LSTMHealthMetrics | None:
    """Measure the hidden state ``(h, c)`` of any shape and floating dtype; None (no LSTM in use) gives None.

    Norms are taken in float64 and cannot overflow where the state is finite. The state is neither changed nor
    kept, and the device is waited for once: one device-to-host transfer. Both tensors must be on one device.

    Raises:
        EmptyHiddenStateError: h or c has no elements.
    """
    if hidden is None:
        return None
    h, c = hidden
    for name, state in (("hidden state h", h), ("cell state c", c)):
        if state.numel() == 0:
            raise EmptyHiddenStateError(
                f"the {name} is empty (shape {tuple(state.shape)}): it has no health to measure"
            )
    with torch.no_grad():
        h_scale, h_share = scaled_norm(h)
        c_scale, c_share = scaled_norm(c)
        measured = torch.stack(
            [
                h_scale,
                h_share,
                h.abs().amax(),
                c_scale,
                c_share,
                c.abs().amax(),
                # A comparison with NaN is false: a NaN would count as a unit that is not saturated. In half precision
                # the bound itself would be rounded.
                torch.where(torch.isnan(h).any(), math.nan, (h.double().abs() > SATURATED).double().mean()),
                torch.isnan(h).any() | torch.isnan(c).any(),
                torch.isinf(h).any() | torch.isinf(c).any(),
            ]
        )
        values: list[float] = measured.tolist()
    return LSTMHealthMetrics(
        h_norm=values[0] * values[1],
        c_norm=values[3] * values[4],
        h_max=values[2],
        c_max=values[5],
        h_rms=values[0] * (values[1] / math.sqrt(h.numel())),
        c_rms=values[3] * (values[4] / math.sqrt(c.numel())),
        h_saturation=values[6],
        has_nan=values[7] > 0,
        has_inf=values[8] > 0,
    )
