"""In-process event bus: bounded queue, one dispatch thread, per-handler error accounting."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter, defaultdict
from typing import Any, Callable

from .messages import BusStats

log = logging.getLogger(__name__)

Handler = Callable[[Any], None]

_STOP = object()


def _handler_name(handler: Handler) -> str:
    target = getattr(handler, "func", handler)
    owner = getattr(target, "__self__", None)
    name = getattr(target, "__name__", type(target).__name__)
    return f"{type(owner).__name__}.{name}" if owner is not None else name


class EventBus:
    """Publishers never block: when the queue is full the message is counted and dropped."""

    def __init__(self, capacity: int = 4096) -> None:
        self._handlers: dict[type, list[Handler]] = defaultdict(list)
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=capacity)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._published = 0
        self._delivered = 0
        self._dropped = 0
        self._errors: Counter[str] = Counter()

    def subscribe(self, kind: type, handler: Handler) -> None:
        self._handlers[kind].append(handler)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="event-bus", daemon=True)
        self._thread.start()

    def publish(self, message: Any) -> None:
        with self._lock:
            self._published += 1
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            with self._lock:
                self._dropped += 1

    def stats(self, step: int) -> BusStats:
        with self._lock:
            return BusStats(
                step=step,
                published=self._published,
                delivered=self._delivered,
                dropped=self._dropped,
                backlog=self._queue.qsize(),
                errors=dict(self._errors),
            )

    def stop(self, timeout: float = 10.0) -> None:
        """Let the dispatcher drain what is queued, then join it."""
        if self._thread is None:
            return
        self._queue.put(_STOP)
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("event bus did not drain in %.0f s (%d left)", timeout, self._queue.qsize())
        self._thread = None

    def _run(self) -> None:
        while True:
            message = self._queue.get()
            if message is _STOP:
                self._drain()
                return
            self._dispatch(message)

    def _drain(self) -> None:
        """Handlers may publish in turn (alerts do), so the queue can refill after the stop mark."""
        while True:
            try:
                message = self._queue.get_nowait()
            except queue.Empty:
                return
            self._dispatch(message)

    def _dispatch(self, message: Any) -> None:
        for handler in self._handlers.get(type(message), ()):
            try:
                handler(message)
            except Exception:
                name = _handler_name(handler)
                with self._lock:
                    self._errors[name] += 1
                log.exception("handler %s failed on %s", name, type(message).__name__)
            else:
                with self._lock:
                    self._delivered += 1
