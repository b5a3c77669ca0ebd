"""Event types, their wire form, and the in-process bus."""
from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, TypeVar

from .records import (
    AdapterReport,
    CheckpointInfo,
    EvalReport,
    PreferenceReport,
    StepRecord,
    TokenStats,
    TrainSummary,
    WorkerVitals,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Event:
    kind: ClassVar[str] = ""
    job_id: str
    at: float = field(default_factory=time.time)

    def body(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_body(cls, body: dict[str, Any], **common: Any) -> "Event":
        return cls(**common)


@dataclass(frozen=True, kw_only=True)
class JobQueued(Event):
    kind: ClassVar[str] = "job_queued"
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class JobStarted(Event):
    kind: ClassVar[str] = "job_started"
    total_steps: int = 0
    waited_seconds: float = 0.0
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class _PayloadEvent(Event):
    """An event carrying one record under `payload`."""

    payload_type: ClassVar[Any] = None
    payload: Any

    def body(self) -> dict[str, Any]:
        return {"payload": self.payload.to_dict()}

    @classmethod
    def from_body(cls, body: dict[str, Any], **common: Any) -> "Event":
        return cls(payload=cls.payload_type.from_dict(body["payload"]), **common)


@dataclass(frozen=True, kw_only=True)
class DataPrepared(_PayloadEvent):
    kind: ClassVar[str] = "data_prepared"
    payload_type: ClassVar[Any] = TokenStats


@dataclass(frozen=True, kw_only=True)
class StepCompleted(_PayloadEvent):
    kind: ClassVar[str] = "step"
    payload_type: ClassVar[Any] = StepRecord


@dataclass(frozen=True, kw_only=True)
class AdapterReported(_PayloadEvent):
    kind: ClassVar[str] = "adapter"
    payload_type: ClassVar[Any] = AdapterReport


@dataclass(frozen=True, kw_only=True)
class EvalCompleted(_PayloadEvent):
    kind: ClassVar[str] = "eval"
    payload_type: ClassVar[Any] = EvalReport


@dataclass(frozen=True, kw_only=True)
class PreferenceMeasured(_PayloadEvent):
    kind: ClassVar[str] = "preference"
    payload_type: ClassVar[Any] = PreferenceReport


@dataclass(frozen=True, kw_only=True)
class CheckpointSaved(_PayloadEvent):
    kind: ClassVar[str] = "checkpoint"
    payload_type: ClassVar[Any] = CheckpointInfo


@dataclass(frozen=True, kw_only=True)
class Heartbeat(_PayloadEvent):
    kind: ClassVar[str] = "heartbeat"
    payload_type: ClassVar[Any] = WorkerVitals


@dataclass(frozen=True, kw_only=True)
class JobFinished(_PayloadEvent):
    kind: ClassVar[str] = "job_finished"
    payload_type: ClassVar[Any] = TrainSummary


@dataclass(frozen=True, kw_only=True)
class JobFailed(Event):
    kind: ClassVar[str] = "job_failed"
    error: str = ""
    phase: str = ""

    def body(self) -> dict[str, Any]:
        return {"error": self.error, "phase": self.phase}

    @classmethod
    def from_body(cls, body: dict[str, Any], **common: Any) -> "Event":
        return cls(error=body.get("error", ""), phase=body.get("phase", ""), **common)


@dataclass(frozen=True, kw_only=True)
class AlertRaised(Event):
    kind: ClassVar[str] = "alert_raised"
    rule: str = ""
    severity: str = "warning"
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class AlertCleared(Event):
    kind: ClassVar[str] = "alert_cleared"
    rule: str = ""
    active_seconds: float = 0.0


# Events that cross the process boundary; the others are published by the service itself.
WIRE_EVENTS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        DataPrepared,
        StepCompleted,
        AdapterReported,
        EvalCompleted,
        PreferenceMeasured,
        CheckpointSaved,
        Heartbeat,
        JobFinished,
        JobFailed,
    )
}


def encode(event: Event) -> dict[str, Any]:
    return {"kind": event.kind, "job_id": event.job_id, "at": event.at, "body": event.body()}


def decode(message: dict[str, Any]) -> Event | None:
    cls = WIRE_EVENTS.get(message.get("kind", ""))
    if cls is None:
        return None
    return cls.from_body(message.get("body", {}), job_id=message["job_id"], at=message["at"])


E_ = TypeVar("E_", bound=Event)


class EventBus:
    """Synchronous publish/subscribe; a failing handler never stops the others."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Callable[[Any], None]]] = defaultdict(list)
        self._published: Counter[str] = Counter()
        self._handler_errors: Counter[str] = Counter()

    def subscribe(self, event_type: type[E_], handler: Callable[[E_], None]) -> None:
        self._handlers[event_type].append(handler)

    def publish(self, event: Event) -> None:
        self._published[event.kind] += 1
        for handler in list(self._handlers[type(event)]):
            try:
                handler(event)
            except Exception:
                self._handler_errors[event.kind] += 1
                log.exception("handler for %s failed", event.kind)

    def stats(self) -> dict[str, dict[str, int]]:
        return {"published": dict(self._published), "handler_errors": dict(self._handler_errors)}
