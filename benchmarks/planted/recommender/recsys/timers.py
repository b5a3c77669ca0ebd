"""Timers and meters used by the training loop and its helpers."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from contextlib import contextmanager
from typing import Iterator


class Stopwatch:
    """``with Stopwatch() as w: ...`` then ``w.seconds``."""

    def __init__(self) -> None:
        self._start = 0.0
        self.seconds = 0.0

    def __enter__(self) -> "Stopwatch":
        self._start = time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self.seconds = time.perf_counter() - self._start


class PhaseTimers:
    """Accumulates wall time by phase name until :meth:`lap` hands it over and clears it."""

    def __init__(self) -> None:
        self._acc: dict[str, float] = defaultdict(float)
        self._lap_start = time.perf_counter()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._acc[name] += time.perf_counter() - start

    def lap(self) -> dict[str, float]:
        """Milliseconds by phase since the last lap, plus ``total``."""
        now = time.perf_counter()
        out = {name: seconds * 1e3 for name, seconds in self._acc.items()}
        out["total"] = (now - self._lap_start) * 1e3
        self._acc.clear()
        self._lap_start = now
        return out


class RateMeter:
    """Events per second over a sliding window of wall time."""

    def __init__(self, window_s: float = 30.0) -> None:
        self._window = window_s
        self._events: deque[tuple[float, int]] = deque()
        self._sum = 0
        self.total = 0

    def add(self, count: int) -> None:
        now = time.perf_counter()
        self._events.append((now, count))
        self._sum += count
        self.total += count
        while self._events and now - self._events[0][0] > self._window:
            self._sum -= self._events.popleft()[1]

    @property
    def rate(self) -> float:
        if len(self._events) < 2:
            return 0.0
        span = self._events[-1][0] - self._events[0][0]
        return (self._sum - self._events[0][1]) / span if span > 0 else 0.0


class RollingStats:
    """Mean and standard deviation of the last ``size`` values."""

    def __init__(self, size: int) -> None:
        self._values: deque[float] = deque(maxlen=size)

    def push(self, value: float) -> None:
        self._values.append(value)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def mean(self) -> float:
        return sum(self._values) / len(self._values) if self._values else 0.0

    @property
    def std(self) -> float:
        if len(self._values) < 2:
            return 0.0
        mean = self.mean
        return (sum((v - mean) ** 2 for v in self._values) / (len(self._values) - 1)) ** 0.5
