"""Gradient and embedding-table telemetry."""

from __future__ import annotations

from collections import defaultdict
from typing import Iterable

import torch

from .config import ModelConfig
from .messages import EmbeddingReport, GradReport, GroupGrad, TableStats
from .model import TwoTower

_GROUP_PREFIXES: tuple[tuple[str, str], ...] = (
    ("user_table.", "user_table"),
    ("item_table.", "item_table"),
    ("user_tower.", "user_tower"),
    ("item_tower.", "item_tower"),
    ("dense_norm.", "item_tower"),
    ("head.", "head"),
)


def _group_of(parameter: str) -> str:
    for prefix, group in _GROUP_PREFIXES:
        if parameter.startswith(prefix):
            return group
    return "other"


def _group_stats(grads: Iterable[torch.Tensor]) -> GroupGrad:
    squares, peak = 0.0, 0.0
    zeros = nonfinite = total = 0
    for grad in grads:
        finite = torch.isfinite(grad)
        bad = int((~finite).sum())
        safe = torch.where(finite, grad, torch.zeros_like(grad)) if bad else grad
        squares += float(safe.pow(2).sum())
        peak = max(peak, float(safe.abs().max()))
        zeros += int((grad == 0).sum())
        nonfinite += bad
        total += grad.numel()
    return GroupGrad(
        norm=squares**0.5,
        max_abs=peak,
        zero_fraction=zeros / total if total else 0.0,
        nonfinite=nonfinite,
    )


class GradTelemetry:
    """Per-group gradient statistics, taken after backward and before clipping.

    The head is small enough to keep its last gradient (direction cosine) and its weights from
    before the update (update ratio).
    """

    def __init__(self, model: TwoTower) -> None:
        self._model = model
        self._previous: torch.Tensor | None = None
        self._before: torch.Tensor | None = None
        self._groups: dict[str, GroupGrad] = {}
        self._cosine = 0.0

    def _head_grad(self) -> torch.Tensor:
        return torch.cat([p.grad.flatten() for p in self._model.head.parameters() if p.grad is not None])

    def _head_weights(self) -> torch.Tensor:
        return torch.cat([p.detach().flatten() for p in self._model.head.parameters()])

    @torch.no_grad()
    def before_update(self) -> None:
        by_group: dict[str, list[torch.Tensor]] = defaultdict(list)
        for name, param in self._model.named_parameters():
            if param.grad is not None:
                by_group[_group_of(name)].append(param.grad)
        self._groups = {group: _group_stats(grads) for group, grads in by_group.items()}
        current = self._head_grad().clone()
        if self._previous is not None:
            self._cosine = float(torch.cosine_similarity(current, self._previous, dim=0))
        self._previous = current
        self._before = self._head_weights().clone()

    @torch.no_grad()
    def after_update(self, step: int) -> GradReport:
        ratio = 0.0
        if self._before is not None:
            moved = (self._head_weights() - self._before).norm()
            ratio = float(moved / (self._before.norm() + 1e-12))
        return GradReport(
            step=step,
            groups=self._groups,
            direction_cosine=self._cosine,
            update_ratio=ratio,
        )


class EmbeddingTelemetry:
    """Occupancy, collisions, evictions and row norms of every table since the last report."""

    def __init__(self, model: TwoTower, cfg: ModelConfig) -> None:
        self._model = model
        self._dead_norm = cfg.dead_norm

    def report(self, step: int) -> EmbeddingReport:
        tables: dict[str, TableStats] = {}
        for name, table in self._model.tables.items():
            counts = table.counters.take()
            norms = table.row_norms()
            used = norms.numel()
            dead = int((norms < self._dead_norm).sum()) if used else 0
            tables[name] = {
                "occupancy": table.occupancy,
                "lookups": counts.lookups,
                "collisions": counts.collisions,
                "collision_rate": counts.collisions / counts.lookups if counts.lookups else 0.0,
                "evictions": counts.evictions,
                "dead_rows": dead,
                "dead_fraction": dead / used if used else 0.0,
                "norm_mean": float(norms.mean()) if used else 0.0,
                "norm_p99": float(norms.kthvalue(max(1, round(0.99 * used))).values) if used else 0.0,
                "norm_max": float(norms.max()) if used else 0.0,
            }
        return EmbeddingReport(step=step, tables=tables)
