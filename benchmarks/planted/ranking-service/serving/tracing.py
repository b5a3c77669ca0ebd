"""Trace ids that follow a request, log formatting and stopwatch helpers."""

from __future__ import annotations

import json
import logging
import time
import uuid
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Iterator

_trace_id: ContextVar[str] = ContextVar("serving_trace_id", default="")


def current_trace_id() -> str:
    return _trace_id.get()


@contextmanager
def trace_scope(trace_id: str = "") -> Iterator[str]:
    """Bind a trace id (a new one if none is given) for the duration of the block."""
    value = trace_id or uuid.uuid4().hex[:16]
    token = _trace_id.set(value)
    try:
        yield value
    finally:
        _trace_id.reset(token)


class Stopwatch:
    """Elapsed seconds of a `with` block; readable while running, frozen afterwards."""

    def __init__(self) -> None:
        self._start = 0.0
        self._end: float | None = None

    def __enter__(self) -> Stopwatch:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end = time.perf_counter()

    @property
    def seconds(self) -> float:
        return (self._end if self._end is not None else time.perf_counter()) - self._start


class TraceFilter(logging.Filter):
    """Adds the current trace id to every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.trace_id = current_trace_id()
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "trace_id": getattr(record, "trace_id", ""),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def configure_logging(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    handler.addFilter(TraceFilter())
    root = logging.getLogger("serving")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False
