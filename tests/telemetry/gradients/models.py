"""Models with made-up gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def model_with(*gradients: Tensor | None) -> nn.ParameterList:
    """A model whose parameters "0", "1", ... have exactly these gradients; None for a missing one."""
    parameters = nn.ParameterList()
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(2) if gradient is None else torch.zeros_like(gradient))
        parameter.grad = gradient
        parameters.append(parameter)
    return parameters
