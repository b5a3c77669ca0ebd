"""Optimiser: parameter groups, warm-up and cosine decay, clipping, non-finite skipping."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import torch

from .config import OptimConfig
from .model import TwoTower


class StepOutcome(NamedTuple):
    grad_norm: float
    clip_scale: float
    applied: bool
    lr: float


class LRSchedule:
    """Multiplier on the base rates: linear warm-up, cosine to ``min_lr_ratio``, then flat."""

    def __init__(self, cfg: OptimConfig) -> None:
        self.cfg = cfg

    def factor(self, step: int) -> float:
        cfg = self.cfg
        if step < cfg.warmup_steps:
            return (step + 1) / cfg.warmup_steps
        progress = min(1.0, (step - cfg.warmup_steps) / max(1, cfg.decay_steps))
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        return cfg.min_lr_ratio + (1 - cfg.min_lr_ratio) * cosine


class StepOptimizer:
    """AdamW over two groups, with the schedule and gradient clipping built in."""

    def __init__(self, cfg: OptimConfig, model: TwoTower) -> None:
        self.cfg = cfg
        self._schedule = LRSchedule(cfg)
        self._params = [p for p in model.parameters() if p.requires_grad]
        self._base = {"dense": cfg.lr, "tables": cfg.embedding_lr}
        self._opt = torch.optim.AdamW(
            [
                {"name": "dense", "params": model.dense_parameters(), "weight_decay": cfg.weight_decay},
                {"name": "tables", "params": model.table_parameters(), "weight_decay": 0.0},
            ],
            lr=cfg.lr,
        )
        self._steps = 0
        self.clipped = 0
        self.skips: Counter[str] = Counter()

    @property
    def lr(self) -> float:
        """Current rate of the dense group."""
        return self._opt.param_groups[0]["lr"]

    @property
    def skipped(self) -> int:
        return sum(self.skips.values())

    def zero_grad(self) -> None:
        self._opt.zero_grad(set_to_none=True)

    def _set_rates(self) -> None:
        factor = self._schedule.factor(self._steps)
        for group in self._opt.param_groups:
            group["lr"] = self._base[group["name"]] * factor

    def _clip(self) -> tuple[float, float]:
        """Clip in place; returns the norm before clipping and the scale applied."""
        norm = float(torch.nn.utils.clip_grad_norm_(self._params, self.cfg.clip_norm))
        scale = min(1.0, self.cfg.clip_norm / (norm + 1e-6)) if math.isfinite(norm) else 0.0
        if scale < 1.0:
            self.clipped += 1
        return norm, scale

    def skip(self, reason: str) -> StepOutcome:
        self.skips[reason] += 1
        self.zero_grad()
        return StepOutcome(grad_norm=math.nan, clip_scale=0.0, applied=False, lr=self.lr)

    def step(self) -> StepOutcome:
        self._set_rates()
        norm, scale = self._clip()
        if not math.isfinite(norm):
            return self.skip("nonfinite_grad")
        self._opt.step()
        self._steps += 1
        return StepOutcome(grad_norm=norm, clip_scale=scale, applied=True, lr=self.lr)

    def state_dict(self) -> dict[str, Any]:
        return {
            "opt": self._opt.state_dict(),
            "steps": self._steps,
            "clipped": self.clipped,
            "skips": dict(self.skips),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._opt.load_state_dict(state["opt"])
        self._steps = state["steps"]
        self.clipped = state["clipped"]
        self.skips = Counter(state["skips"])
