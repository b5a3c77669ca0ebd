"""The hub never makes training wait and never loses an event in silence."""

import logging
import os
import subprocess
import sys
import threading
import time

import pytest

from telewire.telemetry.hub import DuplicateBackendError, TelemetryHub, WaitInsideBackendError
from telewire.telemetry.payloads import AnomalyPayload, EventKind, PendingEvent, TelemetryEvent

LOGGER = "telewire.telemetry.hub"
PATIENCE = 10.0


def event(number, kind=EventKind.TRAINING_STEP):
    payload = AnomalyPayload(update=number, anomalies=(), details=(), ranks=())
    return TelemetryEvent(kind=kind, timestamp=0.0, payload=payload)


def pending(number, made_by=None):
    """An event whose payload is still to be made; ``made_by`` is told the thread that does it."""

    def make():
        if made_by is not None:
            made_by.append(threading.current_thread().name)
        return event(number).payload

    return PendingEvent(EventKind.TRAINING_STEP, 0.0, make)


def failing(error):
    """An event whose payload cannot be made."""

    def make():
        raise error

    return PendingEvent(EventKind.TRAINING_STEP, 0.0, make)


class Collector:
    """Keeps the update numbers of the events it gets."""

    def __init__(self, name="collector"):
        self.name = name
        self.updates = []

    def handle(self, event):
        self.updates.append(event.payload.update)


class Failing:
    """Raises the given exception at every event."""

    name = "failing"

    def __init__(self, exception):
        self.exception = exception

    def handle(self, event):
        raise self.exception


class Gate:
    """Holds the worker at its first event until it is opened."""

    name = "gate"

    def __init__(self):
        self.entered = threading.Event()
        self.opened = threading.Event()

    def handle(self, event):
        self.entered.set()
        assert self.opened.wait(PATIENCE)


ALWAYS = 3600.0
"""Seconds for which a hub lingers that delivers only what it is asked for."""

A_WHILE = 0.1
"""Seconds in which a worker that had been woken would have delivered."""


@pytest.fixture
def hub():
    hub = TelemetryHub()
    yield hub
    hub.close()


@pytest.fixture
def held():
    """A hub of capacity 2 whose worker is busy with event 0, and the gate that holds it."""
    hub, gate = TelemetryHub(capacity=2), Gate()
    hub.add_backend(gate)
    hub.emit(event(0))
    assert gate.entered.wait(PATIENCE)
    yield hub, gate
    gate.opened.set()
    hub.close()


def backend_stats(hub, name):
    (stats,) = (stats for stats in hub.stats().backends if stats.name == name)
    return stats


def test_every_backend_gets_every_event_in_order(hub):
    first, second = Collector("first"), Collector("second")
    hub.add_backend(first)
    hub.add_backend(second)
    for number in range(100):
        hub.emit(event(number))
    assert hub.flush()
    assert first.updates == second.updates == list(range(100))


def test_a_failing_backend_stops_no_other(hub):
    collector = Collector()
    hub.add_backend(Failing(RuntimeError("broken")))
    hub.add_backend(collector)
    hub.emit(event(1))
    assert hub.flush()
    assert collector.updates == [1]


def test_deliveries_and_failures_are_counted_per_backend(hub):
    hub.add_backend(Failing(RuntimeError("broken")))
    hub.add_backend(Collector())
    for number in range(3):
        hub.emit(event(number))
    assert hub.flush()
    assert (backend_stats(hub, "failing").failed, backend_stats(hub, "failing").delivered) == (3, 0)
    assert (backend_stats(hub, "collector").failed, backend_stats(hub, "collector").delivered) == (0, 3)


def test_a_failure_is_logged_with_its_traceback(hub, caplog):
    hub.add_backend(Failing(RuntimeError("broken")))
    with caplog.at_level(logging.ERROR, LOGGER):
        hub.emit(event(1))
        assert hub.flush()
    (entry,) = caplog.records
    assert "backend failing failed" in entry.getMessage()
    assert entry.exc_info[1].args == ("broken",)


def test_failures_are_logged_at_powers_of_two(hub, caplog):
    hub.add_backend(Failing(RuntimeError("broken")))
    with caplog.at_level(logging.ERROR, LOGGER):
        for number in range(9):
            hub.emit(event(number))
        assert hub.flush()
    assert [entry.args[2] for entry in caplog.records] == [1, 2, 4, 8]


def test_emitting_into_a_full_queue_returns_at_once_and_counts_the_drop(held):
    hub, gate = held
    started = time.monotonic()
    for number in range(1, 8):
        hub.emit(event(number))
    assert time.monotonic() - started < PATIENCE / 2
    assert not gate.opened.is_set()
    assert hub.stats().dropped == 5


def test_drops_are_counted_for_each_backend(held):
    hub, _ = held
    for number in range(1, 8):
        hub.emit(event(number))
    assert backend_stats(hub, "gate").dropped == 5


def test_drops_are_logged_at_powers_of_two(held, caplog):
    hub, _ = held
    with caplog.at_level(logging.WARNING, LOGGER):
        for number in range(2 + 9):
            hub.emit(event(number))
    assert [entry.args[1] for entry in caplog.records] == [1, 2, 4, 8]


def test_the_counts_always_add_up(held):
    hub, gate = held
    for number in range(1, 6):
        hub.emit(event(number))
    while_held = hub.stats()
    gate.opened.set()
    hub.close()
    hub.emit(event(9))
    afterwards = hub.stats()
    assert (while_held.emitted, while_held.pending, while_held.dropped) == (6, 3, 3)
    for stats in (while_held, afterwards):
        assert stats.emitted == stats.handled + stats.pending + stats.dropped + stats.after_close


def test_flush_says_when_it_ran_out_of_time(held):
    hub, _ = held
    assert hub.flush(timeout=0.01) is False


def test_flush_of_an_idle_hub_returns_at_once(hub):
    assert hub.flush(timeout=0.0) is True


def test_flush_does_not_wait_for_events_that_come_after_it(hub):
    class Echo:
        """Emits a further event for every event: the queue never runs dry."""

        name = "echo"

        def handle(self, event):
            hub.emit(event)

    hub.add_backend(Echo())
    hub.emit(event(1))
    assert hub.flush(timeout=PATIENCE)


def test_close_delivers_what_waits(held):
    hub, gate = held
    collector = Collector()
    hub.add_backend(collector)
    hub.emit(event(1))
    hub.emit(event(2))
    gate.opened.set()
    assert hub.close()
    assert collector.updates == [1, 2]


def test_leaving_the_context_delivers_what_waits():
    collector = Collector()
    with TelemetryHub() as hub:
        hub.add_backend(collector)
        hub.emit(event(1))
    assert collector.updates == [1]


def test_a_close_that_runs_out_of_time_says_what_is_left(held, caplog):
    hub, _ = held
    hub.emit(event(1))
    with caplog.at_level(logging.ERROR, LOGGER):
        assert hub.close(timeout=0.01) is False
    assert "2 events undelivered" in caplog.text


def test_the_worker_goes_on_after_a_close_that_ran_out_of_time(held):
    hub, gate = held
    hub.emit(event(1))
    hub.close(timeout=0.0)
    gate.opened.set()
    assert hub.close(timeout=PATIENCE)


def test_closing_twice_is_allowed():
    hub = TelemetryHub()
    assert hub.close()
    assert hub.close()


def test_an_emit_after_close_is_counted_logged_and_does_not_raise(caplog):
    hub = TelemetryHub()
    hub.close()
    with caplog.at_level(logging.WARNING, LOGGER):
        hub.emit(event(1))
    assert hub.stats().after_close == 1
    assert "the hub is closed" in caplog.text


def test_a_worker_that_dies_is_reported(caplog):
    hub = TelemetryHub()
    hub.add_backend(Failing(SystemExit("backend called sys.exit")))
    with caplog.at_level(logging.CRITICAL, LOGGER):
        hub.emit(event(1))
        assert hub.flush(timeout=PATIENCE) is False
        assert hub.close() is False
    assert hub.stats().worker_died
    assert "worker thread died: 1 events undelivered" in caplog.text


def test_events_after_the_death_of_the_worker_are_counted_as_dropped(caplog):
    hub = TelemetryHub()
    late = Collector()
    hub.add_backend(Failing(SystemExit("backend called sys.exit")))
    hub.add_backend(late)
    hub.emit(event(1))
    hub.flush(timeout=PATIENCE)
    hub.emit(event(2))
    stats = hub.stats()
    assert (stats.emitted, stats.dropped, stats.pending) == (2, 2, 0)
    assert backend_stats(hub, "collector").dropped == 2
    assert backend_stats(hub, "failing").failed == 1
    assert backend_stats(hub, "failing").dropped == 1
    hub.close()


def test_events_that_waited_when_the_worker_died_are_counted_as_dropped(caplog):
    hub, gate = TelemetryHub(), Gate()
    hub.add_backend(gate)
    hub.emit(event(0))
    assert gate.entered.wait(PATIENCE)
    hub.emit(event(1))
    hub.emit(event(2))
    hub.add_backend(Failing(SystemExit("backend called sys.exit")))
    gate.opened.set()
    hub.flush(timeout=PATIENCE)
    hub.close()
    stats = hub.stats()
    assert (stats.handled, stats.dropped, stats.pending) == (1, 2, 0)


@pytest.mark.parametrize("call", ["flush", "close"])
def test_a_backend_that_waits_for_its_own_hub_is_told_so(hub, call):
    class Waiting:
        name = "waiting"
        caught = None

        def handle(self, event):
            try:
                {"flush": hub.flush, "close": hub.close}[call]()
            except WaitInsideBackendError as error:
                self.caught = error

    backend = Waiting()
    hub.add_backend(backend)
    hub.emit(event(1))
    assert hub.flush()
    assert call in str(backend.caught)


def test_two_backends_of_one_name_are_refused(hub):
    hub.add_backend(Collector("same"))
    with pytest.raises(DuplicateBackendError, match="'same'"):
        hub.add_backend(Collector("same"))


def test_a_backend_counts_from_its_own_beginning(hub):
    hub.emit(event(1))
    assert hub.flush()
    hub.add_backend(Collector())
    hub.emit(event(2))
    assert hub.flush()
    assert backend_stats(hub, "collector").delivered == 1


def test_events_from_many_threads_all_arrive():
    collector = Collector()
    with TelemetryHub(capacity=10_000) as hub:
        hub.add_backend(collector)
        threads = [
            threading.Thread(target=lambda start=start: [hub.emit(event(start + n)) for n in range(500)])
            for start in range(0, 4000, 500)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(collector.updates) == list(range(4000))


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_hub_without_room_is_refused(capacity):
    with pytest.raises(ValueError, match="at least 1 event"):
        TelemetryHub(capacity=capacity)


def test_an_open_hub_delivers_what_waits_at_interpreter_exit():
    code = """
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import AnomalyPayload, EventKind, TelemetryEvent

class Printer:
    name = "printer"
    def handle(self, event):
        print(event.payload.update)

hub = TelemetryHub()
hub.add_backend(Printer())
for update in range(3):
    payload = AnomalyPayload(update=update, anomalies=(), details=(), ranks=())
    hub.emit(TelemetryEvent(kind=EventKind.ANOMALY, timestamp=0.0, payload=payload))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "1", "2"]


def test_events_gather_while_nobody_asks_for_them():
    collector = Collector()
    with TelemetryHub(linger=ALWAYS) as hub:
        hub.add_backend(collector)
        for number in range(3):
            hub.emit(event(number))
        time.sleep(A_WHILE)
        assert (hub.stats().pending, collector.updates) == (3, [])
        assert hub.flush()
        assert collector.updates == [0, 1, 2]
        hub.emit(event(3))
    assert collector.updates == [0, 1, 2, 3]


def test_a_flush_of_nothing_leaves_the_next_event_no_less_well_delivered():
    collector = Collector()
    with TelemetryHub(linger=ALWAYS) as hub:
        hub.add_backend(collector)
        assert hub.flush()
        hub.emit(event(0))
        assert hub.flush()
        assert collector.updates == [0]


def test_what_has_gathered_is_delivered_when_the_worker_has_lingered():
    gate = Gate()
    gate.opened.set()
    with TelemetryHub(linger=0.01) as hub:
        hub.add_backend(gate)
        hub.emit(event(0))
        assert gate.entered.wait(PATIENCE)


def test_a_queue_that_is_half_full_is_delivered_at_once():
    gate = Gate()
    gate.opened.set()
    with TelemetryHub(capacity=6, linger=ALWAYS) as hub:
        hub.add_backend(gate)
        hub.emit(event(0))
        hub.emit(event(1))
        assert not gate.entered.wait(A_WHILE)
        hub.emit(event(2))
        assert gate.entered.wait(PATIENCE)


def test_an_anomaly_is_delivered_at_once_with_what_came_before_it():
    gate, collector = Gate(), Collector()
    gate.opened.set()
    with TelemetryHub(linger=ALWAYS) as hub:
        hub.add_backend(collector)
        hub.add_backend(gate)
        hub.emit(event(0))
        assert not gate.entered.wait(A_WHILE)
        hub.emit(event(1, EventKind.ANOMALY))
        assert gate.entered.wait(PATIENCE)
    assert collector.updates == [0, 1]


@pytest.mark.parametrize("linger", [-0.1, float("nan"), float("inf"), 1e10])
def test_a_hub_lingers_no_longer_than_a_thread_can_wait(linger):
    with pytest.raises(
        ValueError, match=r"lingers for 0 to \S+ seconds, not (-0\.1|nan|inf|1e\+?10|1\d+\.0)"
    ):
        TelemetryHub(linger=linger)


def test_the_longest_linger_is_waited_for():
    with TelemetryHub(linger=threading.TIMEOUT_MAX) as hub:
        hub.emit(event(0))
        time.sleep(0.05)
        assert not hub.stats().worker_died
        assert hub.flush()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_forks_before_its_events_are_delivered_hears_of_no_loss():
    program = """
import os, sys, time
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import AnomalyPayload, EventKind, TelemetryEvent

class Backend:
    name = "backend"

    def handle(self, event):
        print("delivered", os.getpid() == parent, flush=True)

parent = os.getpid()
hub = TelemetryHub(linger=1.0)
hub.add_backend(Backend())
payload = AnomalyPayload(update=1, anomalies=(), details=(), ranks=())
hub.emit(TelemetryEvent(kind=EventKind.TRAINING_STEP, timestamp=0.0, payload=payload))
time.sleep(0.05)
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("delivered True\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_forked_process_emits_is_counted_as_dropped_though_the_lock_was_held():
    program = """
import os, sys, threading
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import AnomalyPayload, EventKind, TelemetryEvent

hub = TelemetryHub()
held, leave = threading.Event(), threading.Event()

def hold():
    with hub._lock:
        held.set()
        leave.wait()

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    payload = AnomalyPayload(update=1, anomalies=(), details=(), ranks=())
    hub.emit(TelemetryEvent(kind=EventKind.TRAINING_STEP, timestamp=0.0, payload=payload))
    stats = hub.stats()
    print(stats.emitted, stats.dropped, hub.flush(), flush=True)
    os._exit(0)
leave.set()
assert os.waitpid(child, 0)[1] == 0
hub.emit(TelemetryEvent(kind=EventKind.TRAINING_STEP, timestamp=0.0, payload=None))
print(hub.stats().dropped, hub.flush(), hub.close())
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == ["1 1 True", "0 True True"]


def test_a_pending_event_is_completed_by_the_worker_thread_in_its_turn(hub):
    collector, threads = Collector(), []
    hub.add_backend(collector)
    hub.emit(event(1))
    hub.emit(pending(2, threads))
    hub.emit(event(3))
    assert hub.flush()
    assert collector.updates == [1, 2, 3]
    assert threads == ["telewire-telemetry-hub"]


def test_an_event_that_cannot_be_made_is_counted_and_logged_and_stops_no_other(hub, caplog):
    collector = Collector()
    hub.add_backend(collector)
    with caplog.at_level(logging.ERROR, LOGGER):
        for _ in range(3):
            hub.emit(failing(ValueError("no norm")))
        hub.emit(pending(1))
        assert hub.flush()
    assert collector.updates == [1]
    stats = hub.stats()
    assert (stats.emitted, stats.handled, stats.dropped, stats.pending) == (4, 1, 3, 0)
    assert (backend_stats(hub, "collector").delivered, backend_stats(hub, "collector").dropped) == (1, 3)
    # At the first and at each power of two, so that a flood of losses is no flood of lines.
    messages = [record.getMessage() for record in caplog.records]
    assert [message.split(",")[1].split(":")[0] for message in messages] == [
        " number 1 so far",
        " number 2 so far",
    ]
    assert "no norm" in caplog.text


def test_an_event_whose_making_ends_the_thread_is_lost_to_each_backend(hub, caplog):
    collector = Collector()
    hub.add_backend(collector)
    with caplog.at_level(logging.CRITICAL, LOGGER):
        hub.emit(failing(SystemExit()))
        assert not hub.flush()
    stats = hub.stats()
    assert stats.worker_died
    assert (stats.emitted, stats.handled, stats.dropped, stats.pending) == (1, 0, 1, 0)
    assert backend_stats(hub, "collector").dropped == 1


def test_all_that_wait_at_once_are_told():
    with TelemetryHub(linger=ALWAYS) as hub:
        gate = Gate()
        hub.add_backend(gate)
        told = []
        waiting = []
        for number in range(3):
            hub.emit(event(number))
            waiting.append(threading.Thread(target=lambda: told.append(hub.flush(PATIENCE))))
            waiting[-1].start()
        assert gate.entered.wait(PATIENCE)
        assert told == []
        gate.opened.set()
        for thread in waiting:
            thread.join(PATIENCE)
        assert told == [True, True, True]
