"""Copies of a process do their work beside each other, and end with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from telewire.verify.evidence.mutants.children import End, Ended, Task, Tell, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def ended(*works: object, limit: float = 30.0, jobs: int = 2) -> list[Ended]:
    """Run some work, and return how it ended, in the order of the work."""
    found: dict[int, Ended] = {}

    def tasks() -> Iterator[Task]:
        for number, work in enumerate(works):
            yield Task(work, lambda one, number=number: found.update({number: one}), limit)  # type: ignore[arg-type, misc]

    run(tasks(), jobs)
    return [found[number] for number in sorted(found)]


def test_what_is_told_arrives_in_order() -> None:
    def work(tell: Tell) -> None:
        for number in range(3):
            tell([number, "x" * 70_000])

    (one, other) = ended(work, work)
    assert [line[0] for line in one.said if isinstance(line, list)] == [0, 1, 2]
    assert one.said == other.said
    assert (one.end, one.reason) == (End.DONE, "")


def test_what_is_told_is_heard_meanwhile() -> None:
    heard: list[object] = []
    order: list[str] = []

    def work(tell: Tell) -> None:
        tell(1)
        tell(2)

    run(iter([Task(work, lambda _: order.append("ended"), 30.0, heard.append)]), 1)
    assert (heard, order) == ([1, 2], ["ended"])


def test_a_copy_changes_nothing_here() -> None:
    changed: list[int] = []
    (one,) = ended(lambda tell: changed.append(1))
    assert one.end is End.DONE
    assert changed == []


def test_a_crash_is_named() -> None:
    def work(tell: Tell) -> None:
        tell("begun")
        os.kill(os.getpid(), signal.SIGKILL)

    (one,) = ended(work)
    assert (one.end, one.reason, one.said) == (End.CRASHED, "SIGKILL", ["begun"])


def test_a_failure_is_a_crash() -> None:
    def work(tell: Tell) -> None:
        raise SystemExit(3)

    (one,) = ended(work)
    assert (one.end, one.reason) == (End.CRASHED, "exit status 1")


def test_what_takes_too_long_is_ended() -> None:
    def work(tell: Tell) -> None:
        tell("begun")
        threading.Event().wait()

    (one, other) = ended(work, lambda tell: tell("done"), limit=0.5, jobs=1)
    assert (one.end, one.said) == (End.TIMED_OUT, ["begun"])
    assert (other.end, other.said) == (End.DONE, ["done"])


def test_what_a_copy_started_ends_with_it() -> None:
    def work(tell: Tell) -> None:
        started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        tell(started.pid)

    (one,) = ended(work)
    (pid,) = one.said
    assert isinstance(pid, int)
    gone = threading.Event()
    for _ in range(100):
        if _is_gone(pid):
            break
        gone.wait(0.05)
    assert _is_gone(pid)


def test_a_run_that_is_asked_to_end_twice_ends_its_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []

    def work(tell: Tell) -> None:
        tell(os.getpid())
        threading.Event().wait()

    def hear(said: object) -> None:
        heard.append(said)
        if len(heard) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    def ended(found: Ended) -> None:
        raise AssertionError(found)

    real = signal.signal
    asked: list[int] = []

    def asking_again(number: int, handler: object) -> object:
        before = real(number, handler)  # type: ignore[arg-type]
        if handler is signal.SIG_IGN and not asked:
            asked.append(number)
            os.kill(os.getpid(), number)
        return before

    tasks = (Task(work, ended, 30.0, hear) for _ in range(2))
    monkeypatch.setattr(signal, "signal", asking_again)
    with pytest.raises(SystemExit) as left:
        run(tasks, 2)
    assert (left.value.code, asked) == (128 + signal.SIGTERM, [signal.SIGTERM])
    assert all(isinstance(pid, int) and _is_gone(pid) for pid in heard)


def test_nobody_waits_for_what_holds_the_pipe_of_a_crashed_copy() -> None:
    def work(tell: Tell) -> None:
        if os.fork() == 0:
            os.setpgid(0, 0)
            signal.alarm(20)
            threading.Event().wait()
        os.kill(os.getpid(), signal.SIGKILL)

    (one,) = ended(work, limit=15.0)
    assert (one.end, one.reason) == (End.CRASHED, "SIGKILL")


WITH_AND_WITHOUT_A_THREAD = """
import threading
from telewire.verify.evidence.mutants.children import why_not_fork

print(why_not_fork())
go = threading.Event()
threading.Thread(target=go.wait, name="busy").start()
print(why_not_fork())
go.set()
"""


def test_a_process_with_threads_is_not_copied() -> None:
    # In a process of its own: what other tests left behind here is no concern of this one.
    run = subprocess.run(
        [sys.executable, "-c", WITH_AND_WITHOUT_A_THREAD], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == ["None", "other threads run after collection: busy"]


def _is_gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
