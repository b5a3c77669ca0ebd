"""Structured event log: one JSON object per line, written by a background thread."""

from __future__ import annotations

import json
import queue
import random
import threading
import time
from pathlib import Path
from typing import Any, Callable

from serving.events import Event, RequestFinished, RequestReceived
from serving.tracing import current_trace_id
from serving.types import Outcome


class JsonlWriter:
    def __init__(self, path: str, sample_rate: float, on_dropped: Callable[[], None], max_pending: int = 5000) -> None:
        self._path = Path(path)
        self._sample_rate = sample_rate
        self._on_dropped = on_dropped
        self._random = random.Random(3)
        self._pending: queue.Queue[dict[str, Any] | None] = queue.Queue(max_pending)
        self._written = 0
        self._thread = threading.Thread(target=self._drain, name="jsonl", daemon=True)
        self._thread.start()

    def write(self, event: Event) -> None:
        if not self._wanted(event):
            return
        record = {"ts": round(time.time(), 4), "kind": event.kind, "trace_id": current_trace_id()}
        record.update(event.payload())
        try:
            self._pending.put_nowait(record)
        except queue.Full:
            self._on_dropped()

    def _wanted(self, event: Event) -> bool:
        """Failures are always kept; the bulk of the request events is sampled."""
        if isinstance(event, RequestFinished) and event.outcome != Outcome.OK.value:
            return True
        if isinstance(event, (RequestReceived, RequestFinished)):
            return self._random.random() < self._sample_rate
        return True

    def _drain(self) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            while True:
                record = self._pending.get()
                if record is None:
                    return
                stream.write(json.dumps(record, default=str) + "\n")
                self._written += 1
                if self._pending.empty():
                    stream.flush()

    @property
    def written(self) -> int:
        return self._written

    def close(self) -> None:
        self._pending.put(None)
        self._thread.join(timeout=5.0)
