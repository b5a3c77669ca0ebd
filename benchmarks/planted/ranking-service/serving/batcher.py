"""Dynamic batching: close a batch on size, on its token budget or after a short wait."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from serving.config import BatchConfig
from serving.queueing import RequestQueue
from serving.types import Ticket


@dataclass
class Batch:
    tickets: list[Ticket]
    trigger: str
    formed_at: float

    @property
    def size(self) -> int:
        return len(self.tickets)

    @property
    def real_tokens(self) -> int:
        return sum(ticket.request.prompt_tokens for ticket in self.tickets)

    @property
    def padded_tokens(self) -> int:
        return self.size * max(ticket.request.prompt_tokens for ticket in self.tickets)


class DynamicBatcher:
    def __init__(self, config: BatchConfig, queue: RequestQueue) -> None:
        self._config = config
        self._queue = queue
        self._carry: Ticket | None = None
        self._collecting = threading.Lock()

    def _fits(self, tickets: list[Ticket], ticket: Ticket) -> bool:
        longest = max(t.request.prompt_tokens for t in [*tickets, ticket])
        return longest * (len(tickets) + 1) <= self._config.token_budget

    def next_batch(self, timeout: float) -> Batch | None:
        with self._collecting:
            first = self._carry or self._queue.get(timeout)
            self._carry = None
            if first is None:
                return None
            tickets = [first]
            trigger = "size"
            limit = time.monotonic() + self._config.max_wait_ms / 1000.0
            while len(tickets) < self._config.max_size:
                ticket = self._queue.get(max(0.0, limit - time.monotonic()))
                if ticket is None:
                    trigger = "wait"
                    break
                if not self._fits(tickets, ticket):
                    self._carry = ticket
                    trigger = "tokens"
                    break
                tickets.append(ticket)
            return Batch(tickets, trigger, time.monotonic())
