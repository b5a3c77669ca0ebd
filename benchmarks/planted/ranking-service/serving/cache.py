"""LRU caches with a time to live, used for user features and prompt prefixes (KV)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Callable, Generic, Hashable, TypeVar

V = TypeVar("V")


@dataclass
class CacheStats:
    hits: int = 0
    misses: int = 0
    expired: int = 0
    evicted: int = 0

    @property
    def hit_ratio(self) -> float:
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else 0.0


@dataclass
class _Slot(Generic[V]):
    value: V
    stored_at: float = field(default_factory=time.monotonic)


class LruTtlCache(Generic[V]):
    def __init__(self, name: str, max_entries: int, ttl_s: float) -> None:
        self.name = name
        self._max_entries = max_entries
        self._ttl_s = ttl_s
        self._slots: OrderedDict[Hashable, _Slot[V]] = OrderedDict()
        self._window = CacheStats()
        self._total = CacheStats()
        self._lock = threading.Lock()

    def _count(self, outcome: str) -> None:
        for stats in (self._window, self._total):
            setattr(stats, outcome, getattr(stats, outcome) + 1)

    def get(self, key: Hashable) -> V | None:
        with self._lock:
            slot = self._slots.get(key)
            if slot is not None and time.monotonic() - slot.stored_at > self._ttl_s:
                del self._slots[key]
                self._count("expired")
                slot = None
            if slot is None:
                self._count("misses")
                return None
            self._slots.move_to_end(key)
            self._count("hits")
            return slot.value

    def put(self, key: Hashable, value: V) -> None:
        with self._lock:
            self._slots[key] = _Slot(value)
            self._slots.move_to_end(key)
            while len(self._slots) > self._max_entries:
                self._slots.popitem(last=False)
                self._count("evicted")

    def get_or_compute(self, key: Hashable, compute: Callable[[], V]) -> tuple[V, bool]:
        """The value and whether it came from the cache."""
        cached = self.get(key)
        if cached is not None:
            return cached, True
        value = compute()
        self.put(key, value)
        return value, False

    def clear(self) -> None:
        with self._lock:
            self._slots.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._slots)

    def take_window(self) -> CacheStats:
        """Counts since the previous call."""
        with self._lock:
            window, self._window = self._window, CacheStats()
            return window

    def totals(self) -> CacheStats:
        with self._lock:
            return CacheStats(self._total.hits, self._total.misses, self._total.expired, self._total.evicted)
