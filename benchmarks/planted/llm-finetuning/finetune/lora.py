"""Low-rank adapters injected into the linear layers of a base model."""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .records import AdapterReport
from .settings import LoraSettings


class LoraLinear(nn.Module):
    def __init__(self, base: nn.Module, in_features: int, out_features: int, settings: LoraSettings) -> None:
        super().__init__()
        self.base = base
        self.scale = settings.alpha / settings.rank
        self.dropout = nn.Dropout(settings.dropout)
        self.down = nn.Parameter(torch.empty(settings.rank, in_features))
        self.up = nn.Parameter(torch.zeros(out_features, settings.rank))
        self.active = True
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        out = self.base(x)
        if not self.active:
            return out
        return out + self.scale * (self.dropout(x) @ self.down.T @ self.up.T)

    @torch.no_grad()
    def update_norm(self) -> float:
        """Frobenius norm of the update the adapter adds to its base weight."""
        gram = (self.up.T @ self.up) @ (self.down @ self.down.T)
        return self.scale * math.sqrt(max(0.0, float(torch.trace(gram))))


def _features(module: nn.Module) -> tuple[int, int] | None:
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    weight = getattr(module, "weight", None)
    if type(module).__name__ == "Conv1D" and weight is not None:
        return int(weight.shape[0]), int(weight.shape[1])
    return None


class AdapterSet:
    """All adapters of one model, with what telemetry needs to know of them."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._layers: dict[str, LoraLinear] = {}

    def inject(self, settings: LoraSettings) -> int:
        for parameter in self._model.parameters():
            parameter.requires_grad_(False)
        for name, module in list(self._model.named_modules()):
            for child_name, child in list(module.named_children()):
                shape = _features(child)
                if shape is None or child_name not in settings.target_modules:
                    continue
                layer = LoraLinear(child, shape[0], shape[1], settings)
                setattr(module, child_name, layer)
                self._layers[f"{name}.{child_name}" if name else child_name] = layer
        return len(self._layers)

    def state_dict(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {}
        for name, layer in self._layers.items():
            state[f"{name}.down"] = layer.down.detach().cpu()
            state[f"{name}.up"] = layer.up.detach().cpu()
        return state

    def set_active(self, active: bool) -> None:
        for layer in self._layers.values():
            layer.active = active

    def report(self, step: int) -> AdapterReport:
        norms = {name: layer.update_norm() for name, layer in self._layers.items()}
        trainable = sum(p.numel() for p in self._model.parameters() if p.requires_grad)
        total = sum(p.numel() for p in self._model.parameters())
        return AdapterReport(step=step, trainable=trainable, total=total, update_norms=norms)
