"""The two-tower model with a ranking head on top of the tower product."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from .config import ModelConfig
from .embedding import HashedEmbedding
from .ingest import Batch


class ModelOutput(NamedTuple):
    logits: torch.Tensor
    user_vec: torch.Tensor
    item_vec: torch.Tensor


def _tower(inputs: int, hidden: int, dim: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, dim)
    )


class TwoTower(nn.Module):
    def __init__(self, cfg: ModelConfig, dense_width: int) -> None:
        super().__init__()
        self.user_table = HashedEmbedding(
            cfg.user_buckets, cfg.dim, cfg.hash_seed, cfg.evict_after_steps
        )
        self.item_table = HashedEmbedding(
            cfg.item_buckets, cfg.dim, cfg.hash_seed + 1, cfg.evict_after_steps
        )
        self.dense_norm = nn.BatchNorm1d(dense_width)
        self.user_tower = _tower(cfg.dim, cfg.hidden, cfg.dim, cfg.dropout)
        self.item_tower = _tower(cfg.dim + dense_width, cfg.hidden, cfg.dim, cfg.dropout)
        self.head = nn.Sequential(nn.Linear(cfg.dim + 1, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, 1))

    @property
    def tables(self) -> dict[str, HashedEmbedding]:
        return {"user": self.user_table, "item": self.item_table}

    def forward(self, batch: Batch, step: int | None = None) -> ModelOutput:
        dense = self.dense_norm(batch.dense)
        user = self.user_tower(self.user_table(batch.users, step))
        item = self.item_tower(torch.cat([self.item_table(batch.items, step), dense], dim=1))
        user, item = F.normalize(user, dim=1), F.normalize(item, dim=1)
        product = user * item
        joint = torch.cat([product, product.sum(dim=1, keepdim=True)], dim=1)
        return ModelOutput(self.head(joint).squeeze(1), user, item)

    def extra_state(self) -> dict[str, dict[str, object]]:
        return {name: table.extra_state() for name, table in self.tables.items()}

    def load_extra_state(self, state: dict[str, dict[str, object]]) -> None:
        for name, table in self.tables.items():
            table.load_extra_state(state[name])

    def dense_parameters(self) -> list[nn.Parameter]:
        return [p for name, p in self.named_parameters() if not name.endswith("_table.weight")]

    def table_parameters(self) -> list[nn.Parameter]:
        return [table.weight for table in self.tables.values()]
