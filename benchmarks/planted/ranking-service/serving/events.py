"""Typed events and the bus that hands them to subscribers."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any, Callable, ClassVar

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    kind: ClassVar[str] = "event"

    def payload(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class RequestReceived(Event):
    kind: ClassVar[str] = "request_received"
    tenant: str
    priority: str
    candidates: int
    prompt_tokens: int


@dataclass(frozen=True)
class RequestRejected(Event):
    kind: ClassVar[str] = "request_rejected"
    request_id: str
    tenant: str
    reason: str
    queue_depth: int
    retry_after_s: float


@dataclass(frozen=True)
class RequestFinished(Event):
    kind: ClassVar[str] = "request_finished"
    request_id: str
    trace_id: str
    tenant: str
    outcome: str
    model_version: str
    latency_s: float
    queue_s: float
    batch_wait_s: float
    inference_s: float
    tokens_in: int
    tokens_out: int
    reused_tokens: int
    feature_hit: bool
    top_score: float


@dataclass(frozen=True)
class BatchExecuted(Event):
    kind: ClassVar[str] = "batch_executed"
    replica: str
    model_version: str
    size: int
    real_tokens: int
    padded_tokens: int
    duration_s: float
    retries: int
    failed: bool
    trigger: str


@dataclass(frozen=True)
class BreakerChanged(Event):
    kind: ClassVar[str] = "breaker_changed"
    old: str
    new: str
    failures: int


@dataclass(frozen=True)
class ModelReloaded(Event):
    kind: ClassVar[str] = "model_reloaded"
    old_version: str
    new_version: str
    load_s: float
    trigger: str


@dataclass(frozen=True)
class ModelReloadFailed(Event):
    kind: ClassVar[str] = "model_reload_failed"
    version: str
    trigger: str
    error: str


@dataclass(frozen=True)
class WarmupFinished(Event):
    kind: ClassVar[str] = "warmup_finished"
    version: str
    requests: int
    seconds: float
    slowest_s: float


@dataclass(frozen=True)
class ShadowCompared(Event):
    kind: ClassVar[str] = "shadow_compared"
    trace_id: str
    primary: str
    candidate: str
    mean_abs_diff: float
    agreement: float
    latency_ratio: float


@dataclass(frozen=True)
class DriftMeasured(Event):
    kind: ClassVar[str] = "drift_measured"
    target: str
    psi: float
    mean_shift: float
    samples: int


@dataclass(frozen=True)
class SloEvaluated(Event):
    kind: ClassVar[str] = "slo_evaluated"
    objective: str
    good: int
    total: int
    burn_rate: float
    budget_left: float


@dataclass(frozen=True)
class ScaleDecided(Event):
    kind: ClassVar[str] = "scale_decided"
    current: int
    target: int
    reason: str
    utilization: float
    queue_depth: int


@dataclass(frozen=True)
class AlertChanged(Event):
    kind: ClassVar[str] = "alert_changed"
    name: str
    severity: str
    state: str
    value: float
    threshold: float


@dataclass(frozen=True)
class OfflineChunkScored(Event):
    kind: ClassVar[str] = "offline_chunk_scored"
    chunk: int
    rows: int
    failed: int
    seconds: float
    mean_score: float


Handler = Callable[[Any], None]


def handles(*event_types: type[Event]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark a method as the handler of one or more event types (see `EventBus.attach`)."""

    def mark(method: Callable[..., None]) -> Callable[..., None]:
        method.__handles__ = event_types  # type: ignore[attr-defined]
        return method

    return mark


class EventBus:
    """Synchronous publish/subscribe; a failing handler never breaks the publisher."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = defaultdict(list)
        self._tap: list[Handler] = []
        self._lock = threading.Lock()
        self._published = 0
        self._errors: dict[str, int] = defaultdict(int)

    def subscribe(self, event_type: type[Event], handler: Handler) -> None:
        with self._lock:
            self._handlers[event_type].append(handler)

    def subscribe_all(self, handler: Handler) -> None:
        with self._lock:
            self._tap.append(handler)

    def attach(self, subscriber: object) -> None:
        """Subscribe every method of `subscriber` that is marked with `handles`."""
        for name in dir(type(subscriber)):
            method = getattr(subscriber, name)
            for event_type in getattr(method, "__handles__", ()):
                self.subscribe(event_type, method)

    def publish(self, event: Event) -> None:
        with self._lock:
            targets = [*self._handlers[type(event)], *self._tap]
            self._published += 1
        for handler in targets:
            try:
                handler(event)
            except Exception:
                log.exception("handler failed for %s", event.kind)
                with self._lock:
                    self._errors[event.kind] += 1

    @property
    def published(self) -> int:
        return self._published

    def handler_errors(self) -> int:
        with self._lock:
            return sum(self._errors.values())
