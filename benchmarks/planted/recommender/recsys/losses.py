"""Loss heads and their weighted combination."""

from __future__ import annotations

from functools import partial
from typing import Callable, NamedTuple

import torch
from torch.nn import functional as F

from .config import LossConfig
from .ingest import Batch
from .model import ModelOutput

LossHead = Callable[..., torch.Tensor]

_HEADS: dict[str, LossHead] = {}


def loss_head(name: str) -> Callable[[LossHead], LossHead]:
    def deco(fn: LossHead) -> LossHead:
        _HEADS[name] = fn
        return fn

    return deco


@loss_head("click")
def click_loss(out: ModelOutput, batch: Batch, *, cfg: LossConfig) -> torch.Tensor:
    target = batch.labels * (1 - cfg.label_smoothing) + 0.5 * cfg.label_smoothing
    return F.binary_cross_entropy_with_logits(out.logits, target)


@loss_head("softmax")
def in_batch_softmax(out: ModelOutput, batch: Batch, *, cfg: LossConfig) -> torch.Tensor:
    """Each positive against the other items of the batch."""
    positive = batch.labels.bool()
    if not positive.any():
        return out.logits.sum() * 0.0
    scores = out.user_vec[positive] @ out.item_vec.T / cfg.temperature
    return F.cross_entropy(scores, positive.nonzero(as_tuple=True)[0])


@loss_head("pairwise")
def pairwise_loss(out: ModelOutput, batch: Batch, *, cfg: LossConfig) -> torch.Tensor:
    positive = batch.labels.bool()
    if not positive.any() or positive.all():
        return out.logits.sum() * 0.0
    margin = out.logits[positive].unsqueeze(1) - out.logits[~positive].unsqueeze(0)
    return F.softplus(-margin / cfg.temperature).mean() * cfg.temperature


def _norm_penalty(out: ModelOutput, weight: float) -> torch.Tensor:
    return weight * out.logits.pow(2).mean()


class LossBundle(NamedTuple):
    total: torch.Tensor
    parts: dict[str, torch.Tensor]

    def scalars(self) -> dict[str, float]:
        return {name: float(value.detach()) for name, value in self.parts.items()}


class CombinedLoss:
    """Weighted sum of the configured heads plus a logit penalty."""

    def __init__(self, cfg: LossConfig) -> None:
        unknown = sorted(set(cfg.heads) - set(_HEADS))
        if unknown:
            raise ValueError(f"unknown loss heads: {', '.join(unknown)}")
        self._heads = {
            name: (partial(_HEADS[name], cfg=cfg), weight)
            for name, weight in cfg.heads.items()
            if weight > 0
        }
        self._penalty = partial(_norm_penalty, weight=cfg.norm_penalty)

    def __call__(self, out: ModelOutput, batch: Batch) -> LossBundle:
        parts: dict[str, torch.Tensor] = {}
        total = out.logits.new_zeros(())
        for name, (head, weight) in self._heads.items():
            parts[name] = head(out, batch)
            total = total + weight * parts[name]
        parts["penalty"] = self._penalty(out)
        total = total + parts["penalty"]
        return LossBundle(total, parts)
