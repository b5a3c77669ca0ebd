"""Fan-out of scalar points to the attached sinks."""
from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Protocol

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MetricPoint:
    job_id: str
    name: str
    value: float
    step: int
    at: float


class Sink(Protocol):
    name: str

    def write(self, point: MetricPoint) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class MetricsHub:
    def __init__(self, flush_interval_s: float, on_sink_error: Callable[[str], None] | None = None) -> None:
        self._interval = flush_interval_s
        self._on_sink_error = on_sink_error
        self._sinks: list[Sink] = []
        self._lock = threading.RLock()
        self._points = 0
        self._rejected: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._last_flush = time.monotonic()
        self._flush_seconds = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._flush_loop, name="metrics-flush", daemon=True)

    def attach(self, sink: Sink) -> None:
        with self._lock:
            self._sinks.append(sink)

    def start(self) -> None:
        self._thread.start()

    def emit(self, job_id: str, name: str, value: float, step: int, at: float | None = None) -> None:
        if not math.isfinite(value):
            with self._lock:
                self._rejected[name] += 1
            return
        point = MetricPoint(job_id, name, float(value), step, time.time() if at is None else at)
        with self._lock:
            self._points += 1
            for sink in self._sinks:
                self._guard(sink, lambda: sink.write(point))

    def emit_many(
        self, job_id: str, prefix: str, values: Mapping[str, float], step: int, at: float | None = None
    ) -> None:
        for key, value in values.items():
            self.emit(job_id, f"{prefix}/{key}", value, step, at)

    def _guard(self, sink: Sink, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            self._errors[sink.name] += 1
            if self._on_sink_error is not None:
                self._on_sink_error(sink.name)
            log.debug("sink %s failed", sink.name, exc_info=True)

    def flush(self) -> None:
        began = time.monotonic()
        with self._lock:
            for sink in self._sinks:
                self._guard(sink, sink.flush)
            self._last_flush = time.monotonic()
            self._flush_seconds = self._last_flush - began

    def _flush_loop(self) -> None:
        while not self._closing.wait(self._interval):
            self.flush()

    def stats(self) -> dict[str, Any]:
        with self._lock:
            return {
                "points": self._points,
                "rejected": dict(self._rejected),
                "sink_errors": dict(self._errors),
                "sinks": [sink.name for sink in self._sinks],
                "flush_age_s": time.monotonic() - self._last_flush,
                "flush_seconds": self._flush_seconds,
            }

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._interval + 1)
        self.flush()
        with self._lock:
            for sink in self._sinks:
                self._guard(sink, sink.close)
