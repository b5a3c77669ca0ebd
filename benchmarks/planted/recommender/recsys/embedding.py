"""Hashed embedding tables with ownership tracking, collisions and evictions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Sequence

import torch
from torch import nn


@dataclass
class TableCounters:
    lookups: int = 0
    collisions: int = 0
    evictions: int = 0

    def take(self) -> "TableCounters":
        """A copy of the counters since the last call; the counters start again at zero."""
        out = TableCounters(self.lookups, self.collisions, self.evictions)
        self.lookups = self.collisions = self.evictions = 0
        return out


class HashedEmbedding(nn.Module):
    """String keys hashed into a fixed number of rows.

    A row belongs to the key that used it first.  A different key landing on an owned row is a
    collision (both share the vector).  Rows unused for ``evict_after`` steps are re-initialised
    and lose their owner.
    """

    def __init__(self, buckets: int, dim: int, seed: int, evict_after: int) -> None:
        super().__init__()
        self.buckets = buckets
        self.evict_after = evict_after
        self._salt = seed.to_bytes(4, "little")
        self._init_std = dim**-0.5
        self.weight = nn.Parameter(torch.randn(buckets, dim) * self._init_std)
        self.register_buffer("last_seen", torch.full((buckets,), -1, dtype=torch.long))
        self._owner: dict[int, str] = {}
        self.counters = TableCounters()

    def bucket(self, key: str) -> int:
        digest = hashlib.blake2b(key.encode(), digest_size=8, salt=self._salt).digest()
        return int.from_bytes(digest, "little") % self.buckets

    def rows_for(self, keys: Sequence[str], step: int | None) -> torch.Tensor:
        """Row indices; with ``step`` given the use is recorded (training), else it is read only."""
        rows = [self.bucket(k) for k in keys]
        index = torch.tensor(rows, device=self.weight.device)
        if step is not None:
            for key, row in zip(keys, rows, strict=True):
                owner = self._owner.setdefault(row, key)
                if owner != key:
                    self.counters.collisions += 1
            self.counters.lookups += len(rows)
            self.last_seen[index] = step
        return index

    def forward(self, keys: Sequence[str], step: int | None = None) -> torch.Tensor:
        return self.weight[self.rows_for(keys, step)]

    @property
    def occupied(self) -> torch.Tensor:
        return (self.last_seen >= 0).nonzero(as_tuple=True)[0]

    @property
    def occupancy(self) -> float:
        return len(self._owner) / self.buckets

    def owners(self) -> dict[int, str]:
        return dict(self._owner)

    @torch.no_grad()
    def row_norms(self) -> torch.Tensor:
        """Norms of the rows in use."""
        return self.weight[self.occupied].norm(dim=1)

    @torch.no_grad()
    def evict(self, step: int) -> int:
        stale = (self.last_seen >= 0) & (self.last_seen < step - self.evict_after)
        rows = stale.nonzero(as_tuple=True)[0]
        if rows.numel():
            fresh = torch.randn(rows.numel(), self.weight.shape[1], device=self.weight.device)
            self.weight[rows] = fresh * self._init_std
            self.last_seen[rows] = -1
            for row in rows.tolist():
                self._owner.pop(row, None)
            self.counters.evictions += rows.numel()
        return rows.numel()

    def extra_state(self) -> dict[str, object]:
        return {"owner": self._owner}

    def load_extra_state(self, state: dict[str, object]) -> None:
        self._owner = dict(state["owner"])  # type: ignore[call-overload]
