"""Circuit breaker around the model engine."""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import Callable

from serving.config import BreakerConfig


class BreakerState(str, Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


Listener = Callable[[BreakerState, BreakerState, int], None]


class CircuitBreaker:
    """Opens after consecutive failures, lets a few probes through after a pause, then closes again."""

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self._state = BreakerState.CLOSED
        self._failures = 0
        self._successes = 0
        self._opened_at = 0.0
        self._opened_total = 0
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()

    def add_listener(self, listener: Listener) -> None:
        self._listeners.append(listener)

    @property
    def state(self) -> BreakerState:
        with self._lock:
            if self._state is BreakerState.OPEN and self.retry_after() <= 0:
                self._move(BreakerState.HALF_OPEN)
            return self._state

    @property
    def opened_total(self) -> int:
        return self._opened_total

    def retry_after(self) -> float:
        if self._state is not BreakerState.OPEN:
            return 0.0
        return max(0.0, self._opened_at + self._config.open_s - time.monotonic())

    def allow(self) -> bool:
        return self.state is not BreakerState.OPEN

    def record_success(self) -> None:
        with self._lock:
            self._failures = 0
            if self._state is BreakerState.HALF_OPEN:
                self._successes += 1
                if self._successes >= self._config.probe_count:
                    self._move(BreakerState.CLOSED)

    def record_failure(self) -> None:
        with self._lock:
            self._failures += 1
            tripped = self._failures >= self._config.failure_threshold
            if self._state is BreakerState.HALF_OPEN or (self._state is BreakerState.CLOSED and tripped):
                self._opened_at = time.monotonic()
                self._opened_total += 1
                self._move(BreakerState.OPEN)

    def _move(self, new: BreakerState) -> None:
        old, self._state = self._state, new
        failures = self._failures
        self._successes = 0
        if new is BreakerState.CLOSED:
            self._failures = 0
        for listener in self._listeners:
            listener(old, new, failures)
