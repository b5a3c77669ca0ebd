"""The hub: events go in on the training thread and come out at the backends on a worker thread.

Training never waits for telemetry, and no event is lost in silence: what the bounded queue cannot take, what
comes after `TelemetryHub.close` and what a backend fails on is counted in `TelemetryHub.stats` and logged,
the first time and then at every power of two, so that a flood of losses does not become a flood of log lines.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from weakref import WeakSet

from .backends import Backend, LogBackend
from .payloads import EventKind, PendingEvent, TelemetryEvent

__all__ = [
    "Backend",
    "BackendStats",
    "DuplicateBackendError",
    "HubStats",
    "LogBackend",
    "TelemetryHub",
    "WaitInsideBackendError",
]

_logger = logging.getLogger(__name__)

DEFAULT_CAPACITY = 4096
"""Events that may wait for the backends."""

DEFAULT_LINGER = 0.05
"""Seconds for which events are gathered before the idle worker thread wakes for them."""

DEFAULT_TIMEOUT = 5.0
"""Seconds that `TelemetryHub.flush` and `TelemetryHub.close` wait at most, unless told otherwise."""


class DuplicateBackendError(ValueError):
    """Two backends of one hub have the same name, so that their statistics could not be told apart."""


class WaitInsideBackendError(RuntimeError):
    """A backend called flush or close of its own hub: it would wait for itself."""


@dataclass(frozen=True, slots=True)
class BackendStats:
    """What became of the events for one backend, since it was added."""

    name: str
    """The backend's name."""
    delivered: int
    """Events that it handled."""
    failed: int
    """Events on which it raised an exception."""
    dropped: int
    """Events that never came to it: dropped by the hub, or undelivered when the worker died."""


@dataclass(frozen=True, slots=True)
class HubStats:
    """A hub's counts at one moment. ``emitted == handled + pending + dropped + after_close`` always holds."""

    emitted: int
    """Calls of `TelemetryHub.emit`."""
    handled: int
    """Events that have been offered to every backend."""
    pending: int
    """Events that wait in the queue or are being handled."""
    dropped: int
    """Events lost because the queue was full or the worker thread was dead."""
    after_close: int
    """Events refused because the hub was closed."""
    worker_died: bool
    """Whether the worker thread ended by an exception: nothing is delivered since."""
    backends: tuple[BackendStats, ...]
    """One entry per backend, in the order in which they were added."""


class _BackendState:
    """A backend and its running counts, which the hub's lock guards."""

    def __init__(self, backend: Backend) -> None:
        self.backend: Backend = backend
        self.name: str = backend.name
        self.delivered: int = 0
        self.failed: int = 0
        self.dropped: int = 0


class TelemetryHub:
    """Fans events out to backends without ever making the emitting thread wait for one.

    Events are delivered in the order in which they were emitted, each to all backends that are registered
    when its turn comes. Use it as a context manager, or call `close`; at interpreter exit an open hub closes
    itself. A hub belongs to the process that made it: after a fork the child has no worker thread and its
    events are counted as dropped.

    Args:
        capacity: events that may wait; a further one is dropped and counted.
        linger: seconds for which the idle worker thread lets events gather. A short step that wakes it for each
            event pays for two changes of thread, several times what the event costs itself. An anomaly, a queue
            that is half full, `flush` and `close` wake it at once.

    Raises:
        ValueError: ``capacity`` is below 1, or ``linger`` is negative, no number, or longer than a thread can wait.
    """

    def __init__(self, *, capacity: int = DEFAULT_CAPACITY, linger: float = DEFAULT_LINGER) -> None:
        if capacity < 1:
            raise ValueError(f"a hub's capacity is at least 1 event, not {capacity}")
        if not 0.0 <= linger <= threading.TIMEOUT_MAX:
            raise ValueError(f"a hub lingers for 0 to {threading.TIMEOUT_MAX:g} seconds, not {linger}")
        self._capacity: int = capacity
        self._linger: float = linger
        self._make_locks()
        self._is_urgent: bool = False  # until the worker has nothing left to do
        self._is_forked: bool = False
        self._waiting: deque[TelemetryEvent | PendingEvent] = deque()
        self._states: tuple[_BackendState, ...] = ()
        self._emitted: int = 0
        self._accepted: int = 0
        self._settled: int = 0
        self._awaited: list[int] = []  # how many settled events somebody waits for
        self._handled: int = 0
        self._dropped: int = 0
        self._after_close: int = 0
        self._closed: bool = False
        self._worker_died: bool = False
        self._worker: threading.Thread = threading.Thread(
            target=self._work, name="telewire-telemetry-hub", daemon=True
        )
        self._worker.start()
        atexit.register(self.close)
        _hubs.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def add_backend(self, backend: Backend) -> None:
        """Register a backend; it receives the events whose turn comes from now on.

        Raises:
            DuplicateBackendError: the hub has a backend of that name already.
        """
        state = _BackendState(backend)
        with self._lock:
            if any(other.name == state.name for other in self._states):
                raise DuplicateBackendError(f"the hub already has a backend named {state.name!r}")
            self._states = (*self._states, state)

    def emit(self, event: TelemetryEvent | PendingEvent) -> None:
        """Queue an event for all backends; never waits for a backend and never raises.

        A pending event is completed by the worker thread. One whose payload cannot be made counts as dropped.

        An event that cannot be queued (the queue is full, the worker thread died, the hub is closed) is
        counted and logged. An emit after `close` is counted and does not raise, since telemetry must not end
        a training run that shuts down in an unusual order.
        """
        with self._lock:
            self._emitted += 1
            if self._closed:
                self._after_close += 1
                losses, reason = self._after_close, "the hub is closed"
            elif not self._is_working():
                losses, reason = self._drop(1), "the hub's worker thread is not running"
            elif len(self._waiting) >= self._capacity:
                losses, reason = self._drop(1), f"{self._capacity} events are waiting already"
            else:
                self._waiting.append(event)
                self._accepted += 1
                if event.kind is EventKind.ANOMALY or len(self._waiting) * 2 >= self._capacity:
                    self._hurry()
                elif len(self._waiting) == 1:
                    self._called.notify()
                return
        if _is_power_of_two(losses):
            _logger.warning("telemetry event %s was lost, number %d so far: %s", event.kind, losses, reason)

    def flush(self, timeout: float = DEFAULT_TIMEOUT) -> bool:
        """Wait until every event that was queued before this call has been offered to all backends.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether that happened; False after the timeout, or when the worker thread has died.

        Raises:
            WaitInsideBackendError: called by a backend while it handles an event.
        """
        self._refuse_worker("flush")
        deadline = time.monotonic() + timeout
        with self._lock:
            target = self._accepted
            self._hurry()
            self._awaited.append(target)
            while self._settled < target and self._is_working():
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
            self._awaited.remove(target)
            return self._settled >= target and not self._worker_died

    def close(self, timeout: float = DEFAULT_TIMEOUT) -> bool:
        """Refuse further events, deliver those that wait, and stop the worker thread. May be called again.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether every queued event was offered to all backends and the worker has stopped. If not, the
            number of events left is logged; the worker goes on with them for as long as the process lives.

        Raises:
            WaitInsideBackendError: called by a backend while it handles an event.
        """
        self._refuse_worker("close")
        with self._lock:
            self._closed = True
            self._called.notify()
        atexit.unregister(self.close)
        self._worker.join(max(0.0, timeout))
        with self._lock:
            pending = self._accepted - self._settled
            died = self._worker_died
        # After a fork those that wait are the other process's, which delivers them.
        if pending and not self._is_forked:
            _logger.error(
                "the telemetry hub was closed with %d events undelivered after %g s", pending, timeout
            )
        return not pending and not died and not self._worker.is_alive()

    def stats(self) -> HubStats:
        """The counts at this moment, consistent with each other."""
        with self._lock:
            return HubStats(
                emitted=self._emitted,
                handled=self._handled,
                pending=self._accepted - self._settled,
                dropped=self._dropped,
                after_close=self._after_close,
                worker_died=self._worker_died,
                backends=tuple(
                    BackendStats(
                        name=state.name,
                        delivered=state.delivered,
                        failed=state.failed,
                        dropped=state.dropped,
                    )
                    for state in self._states
                ),
            )

    def _make_locks(self) -> None:
        # Guards everything, never while a backend runs.
        self._lock: threading.RLock = threading.RLock()
        # Tells those that wait for the worker that they need wait no longer, and the worker that there is work.
        self._changed: threading.Condition = threading.Condition(self._lock)
        self._called: threading.Condition = threading.Condition(self._lock)

    def _leave_to_parent(self) -> None:
        """In a process that was forked: the worker thread is the other's, which may have held the lock."""
        self._is_forked = True
        self._make_locks()

    def _is_working(self) -> bool:
        return not (self._worker_died or self._is_forked)

    def _refuse_worker(self, call: str) -> None:
        if threading.current_thread() is self._worker:
            raise WaitInsideBackendError(
                f"a backend must not call {call}() of its own hub: it would wait for itself"
            )

    def _drop(self, events: int) -> int:
        """Count lost events, for the hub and for each backend that will not see them; returns the losses so
        far."""
        self._dropped += events
        for state in self._states:
            state.dropped += events
        return self._dropped

    def _work(self) -> None:
        """The worker thread: deliver events until the hub is closed and nothing waits."""
        try:
            while True:
                with self._lock:
                    if not self._waiting:
                        self._wait_for_events()
                    if not self._waiting:
                        return
                    waiting = self._waiting.popleft()
                    states = self._states
                event = self._complete(waiting, states)
                if event is not None:
                    self._deliver(event, states)
                with self._lock:
                    self._handled += event is not None
                    self._settled += 1
                    if self._settled in self._awaited:
                        self._changed.notify_all()
        except BaseException:
            # Not re-raised: threading would print it, or for SystemExit say nothing at all.
            with self._lock:
                self._worker_died = True
                lost = self._accepted - self._settled
                self._settled = self._accepted
                # An event in hand is lost to the hub; `_deliver` has settled it for each backend already.
                self._dropped += lost - len(self._waiting)
                self._drop(len(self._waiting))
                self._waiting.clear()
                self._changed.notify_all()
            _logger.critical(
                "the telemetry hub's worker thread died: %d events undelivered, later ones will be dropped",
                lost,
                exc_info=True,
            )

    def _wait_for_events(self) -> None:
        """Sleep until there is an event, and let more of them gather, unless someone asks for them."""
        self._is_urgent = False
        while not self._waiting and not self._closed:
            self._called.wait()
        deadline = time.monotonic() + self._linger
        while not (self._is_urgent or self._closed):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            self._called.wait(remaining)

    def _hurry(self) -> None:
        """Have the events delivered that have gathered so far."""
        self._is_urgent = True
        self._called.notify()

    def _complete(
        self, event: TelemetryEvent | PendingEvent, states: tuple[_BackendState, ...]
    ) -> TelemetryEvent | None:
        """The event with its payload; None, and counted as dropped, where that cannot be made."""
        if isinstance(event, TelemetryEvent):
            return event
        try:
            return event.event()
        except Exception:
            with self._lock:
                losses = self._drop(1)
            if _is_power_of_two(losses):
                _logger.exception(
                    "telemetry event %s was lost, number %d so far: its payload could not be made",
                    event.kind,
                    losses,
                )
            return None
        except BaseException:
            self._count_unreached(states)
            raise

    def _deliver(self, event: TelemetryEvent, states: tuple[_BackendState, ...]) -> None:
        """Offer an event to each backend; whatever one of them raises, every backend's counts include it."""
        for position, state in enumerate(states):
            try:
                state.backend.handle(event)
            except BaseException as error:
                failures = self._count_failure(state)
                if _is_power_of_two(failures):
                    _logger.exception(
                        "telemetry backend %s failed on event %s, failure number %d",
                        state.name,
                        event.kind,
                        failures,
                    )
                if not isinstance(error, Exception):
                    # SystemExit and its like end the worker; the backends after this one never see the event.
                    self._count_unreached(states[position + 1 :])
                    raise
            else:
                with self._lock:
                    state.delivered += 1

    def _count_failure(self, state: _BackendState) -> int:
        with self._lock:
            state.failed += 1
            return state.failed

    def _count_unreached(self, states: tuple[_BackendState, ...]) -> None:
        with self._lock:
            for state in states:
                state.dropped += 1


_hubs: WeakSet[TelemetryHub] = WeakSet()
"""All hubs of this process."""


def _after_fork() -> None:
    for hub in _hubs:
        hub._leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _is_power_of_two(count: int) -> bool:
    """Whether ``count`` (at least 1) is 1, 2, 4, 8, ..."""
    return count & (count - 1) == 0
