"""Learning-rate schedules."""
from __future__ import annotations

import math

from torch.optim import Optimizer

from .settings import OptimSettings


class WarmupSchedule:
    """Warm-up followed by cosine, linear or no decay. `step()` sets and returns the rate."""

    def __init__(self, optimizer: Optimizer, settings: OptimSettings) -> None:
        self._optimizer = optimizer
        self._settings = settings
        self._count = 0

    def factor(self, step: int) -> float:
        s = self._settings
        if step < s.warmup_steps:
            return (step + 1) / max(1, s.warmup_steps)
        span = max(1, s.total_steps - s.warmup_steps)
        progress = min(1.0, (step - s.warmup_steps) / span)
        if s.schedule == "cosine":
            shape = 0.5 * (1.0 + math.cos(math.pi * progress))
        elif s.schedule == "linear":
            shape = 1.0 - progress
        else:
            return 1.0
        return s.min_lr_ratio + (1.0 - s.min_lr_ratio) * shape

    def step(self) -> float:
        rate = self._settings.learning_rate * self.factor(self._count)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._count += 1
        return rate

    def state_dict(self) -> dict[str, int]:
        return {"count": self._count}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self._count = int(state.get("count", 0))
