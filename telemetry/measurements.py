"""What the collectors measure, as plain values that need no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerGradientStats:
    """The gradient of one parameter tensor ("layer"), as it stood after the backward pass.

    Counts are exact. ``norm``, ``mean``, ``std``, ``min`` and ``max`` describe the *finite* elements, so that
    one NaN does not hide how large the rest of the layer is; read them together with the counts. Where a
    layer has no finite element, ``norm`` is 0.0 (the norm of nothing) and the other four are NaN.

    The three fractions are shares of *all* elements of the layer, each in [0, 1]: an infinite element counts
    as large, a NaN as none of them. They are NaN for a layer without elements.
    """

    layer_name: str
    """The parameter's name in ``model.named_parameters()``."""
    element_count: int
    """Number of elements of the gradient."""
    nan_count: int
    """Number of elements that are NaN."""
    inf_count: int
    """Number of elements that are +inf or -inf."""
    norm: float
    """L2 norm of the finite elements, accumulated in float64."""
    mean: float
    """Arithmetic mean of the finite elements."""
    std: float
    """Population standard deviation (divisor n) of the finite elements."""
    min: float
    """Smallest finite element."""
    max: float
    """Largest finite element."""
    zero_fraction: float
    """Share of elements that are exactly zero."""
    small_fraction: float
    """Share of elements below 1e-6 in magnitude, zeros included."""
    large_fraction: float
    """Share of elements above 10 in magnitude, infinite ones included."""


@dataclass(frozen=True, slots=True)
class LSTMHealthMetrics:
    """Size and soundness of an LSTM's hidden state (h, c), each taken over the whole tensor.

    A norm or maximum follows IEEE arithmetic: it is NaN where its tensor holds a NaN, and infinite where it
    holds an infinity and no NaN. Neither passes for a healthy value in a comparison.
    """

    h_norm: float
    """L2 norm of the hidden state h (no unit)."""
    c_norm: float
    """L2 norm of the cell state c (no unit)."""
    h_max: float
    """Largest magnitude in h."""
    c_max: float
    """Largest magnitude in c."""
    has_nan: bool
    """Whether h or c holds a NaN."""
    has_inf: bool
    """Whether h or c holds an infinity."""
