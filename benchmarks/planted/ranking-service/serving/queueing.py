"""Bounded priority queue between the front and the batcher."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Callable

from serving.config import QueueConfig
from serving.types import Priority, Ticket


@dataclass(order=True)
class _Entry:
    priority: int
    sequence: int
    ticket: Ticket = field(compare=False)


class RequestQueue:
    """Priority order, FIFO within one priority; entries that waited too long are expired on the way out."""

    def __init__(self, config: QueueConfig, on_expired: Callable[[Ticket], None]) -> None:
        self._config = config
        self._on_expired = on_expired
        self._heap: list[_Entry] = []
        self._sequence = itertools.count()
        self._available = threading.Condition()
        self._depths = {priority: 0 for priority in Priority}
        self._high_water = 0

    @property
    def capacity(self) -> int:
        return self._config.capacity

    def put(self, ticket: Ticket) -> bool:
        with self._available:
            if len(self._heap) >= self._config.capacity:
                return False
            ticket.enqueued_at = time.monotonic()
            priority = ticket.request.priority
            heapq.heappush(self._heap, _Entry(int(priority), next(self._sequence), ticket))
            self._depths[priority] += 1
            self._high_water = max(self._high_water, len(self._heap))
            self._available.notify()
            return True

    def get(self, timeout: float) -> Ticket | None:
        """The next live ticket, or None when none arrives within `timeout` seconds."""
        limit = time.monotonic() + timeout
        while True:
            with self._available:
                while not self._heap:
                    remaining = limit - time.monotonic()
                    if remaining <= 0 or not self._available.wait(remaining):
                        return None
                ticket = heapq.heappop(self._heap).ticket
                self._depths[ticket.request.priority] -= 1
            now = time.monotonic()
            if now - ticket.enqueued_at > self._config.max_age_s:
                self._on_expired(ticket)
                continue
            ticket.dequeued_at = now
            return ticket

    def depth(self) -> int:
        with self._available:
            return len(self._heap)

    def depths(self) -> dict[str, int]:
        with self._available:
            return {priority.label: depth for priority, depth in self._depths.items()}

    def take_high_water(self) -> int:
        """Highest depth since the previous call."""
        with self._available:
            peak = self._high_water
            self._high_water = len(self._heap)
            return peak
