"""Rolling statistics of recent requests for the dashboard, the alerts and the status endpoint."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass

from serving.events import BatchExecuted, RequestFinished, RequestRejected, handles
from serving.types import FAILED_OUTCOMES, Outcome


@dataclass(frozen=True)
class LiveView:
    requests: int
    rps: float
    error_rate: float
    p50_s: float
    p95_s: float
    queue_share: float
    tokens_per_s: float
    kv_reuse: float
    feature_hit_ratio: float
    mean_batch: float
    retry_rate: float
    outcomes: dict[str, int]
    rejections: dict[str, int]
    tenants: dict[str, int]


def percentile(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class LiveStats:
    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._started = time.monotonic()
        self._finished: deque[tuple[float, RequestFinished]] = deque()
        self._batches: deque[tuple[float, BatchExecuted]] = deque()
        self._rejected: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    @handles(RequestFinished)
    def on_finished(self, event: RequestFinished) -> None:
        with self._lock:
            self._finished.append((time.monotonic(), event))

    @handles(BatchExecuted)
    def on_batch(self, event: BatchExecuted) -> None:
        with self._lock:
            self._batches.append((time.monotonic(), event))

    @handles(RequestRejected)
    def on_rejected(self, event: RequestRejected) -> None:
        with self._lock:
            self._rejected.append((time.monotonic(), event.reason))

    def _trim(self, now: float) -> None:
        horizon = now - self._window_s
        for series in (self._finished, self._batches, self._rejected):
            while series and series[0][0] < horizon:
                series.popleft()

    def view(self) -> LiveView:
        now = time.monotonic()
        with self._lock:
            self._trim(now)
            events = [event for _, event in self._finished]
            batches = [event for _, event in self._batches]
            rejections = Counter(reason for _, reason in self._rejected)
        span = max(1e-3, min(self._window_s, now - self._started))
        served = [event for event in events if event.outcome == Outcome.OK.value]
        latencies = sorted(event.latency_s for event in served)
        total_latency = sum(latencies)
        tokens_in = sum(event.tokens_in for event in served)
        failed = sum(event.outcome in FAILED_OUTCOMES for event in events)
        return LiveView(
            requests=len(events),
            rps=len(events) / span,
            error_rate=failed / len(events) if events else 0.0,
            p50_s=percentile(latencies, 0.50),
            p95_s=percentile(latencies, 0.95),
            queue_share=sum(event.queue_s for event in served) / total_latency if total_latency else 0.0,
            tokens_per_s=sum(event.tokens_out for event in served) / span,
            kv_reuse=sum(event.reused_tokens for event in served) / tokens_in if tokens_in else 0.0,
            feature_hit_ratio=sum(event.feature_hit for event in served) / len(served) if served else 0.0,
            mean_batch=sum(batch.size for batch in batches) / len(batches) if batches else 0.0,
            retry_rate=sum(batch.retries for batch in batches) / len(batches) if batches else 0.0,
            outcomes=dict(Counter(event.outcome for event in events)),
            rejections=dict(rejections),
            tenants=dict(Counter(event.tenant for event in events)),
        )
