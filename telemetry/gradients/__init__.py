"""Reading gradients: the cheap collection of every step, and the full statistics of every layer.

Both read ``parameter.grad`` as it stands: call them after the backward pass (after a gradient scaler's
``unscale_``) and before clipping. A gradient that lingers on a frozen parameter is included, since the optimiser
would apply it too. Tied weights are one parameter and count once.
"""

from ..measurements import LayerGradientStats
from .collection import PendingGradients, collect_gradients, read_gradients, start_gradient_collection
from .layers import collect_per_layer_gradients, compute_grad_norm_surrogate
from .moments import LARGE_MAGNITUDE, SMALL_MAGNITUDE
from .named import GradientHolder, NamedParameters
from .sources import UnsupportedGradientError

__all__ = [
    "LARGE_MAGNITUDE",
    "SMALL_MAGNITUDE",
    "GradientHolder",
    "LayerGradientStats",
    "NamedParameters",
    "PendingGradients",
    "UnsupportedGradientError",
    "collect_gradients",
    "collect_per_layer_gradients",
    "compute_grad_norm_surrogate",
    "read_gradients",
    "start_gradient_collection",
]
