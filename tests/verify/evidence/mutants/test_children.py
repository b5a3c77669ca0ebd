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
    assert _ends(pid)


@pytest.mark.parametrize(
    ("asked", "follows"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)]
)
@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_end_again_meanwhile_ends_all_its_copies(
    monkeypatch: pytest.MonkeyPatch,
    asked: signal.Signals,
    again: signal.Signals,
    follows: type[BaseException],
) -> None:
    heard: list[object] = []

    def work(tell: Tell) -> None:
        tell(os.getpid())
        threading.Event().wait()

    def hear(said: object) -> None:
        heard.append(said)
        if len(heard) == 2:
            os.kill(os.getpid(), asked)

    def ended(found: Ended) -> None:
        raise AssertionError(found)

    real = os.killpg
    killed: list[int] = []

    def asked_again(process: int, number: int) -> None:
        os.kill(os.getpid(), again)
        killed.append(process)
        real(process, number)

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    tasks = (Task(work, ended, 30.0, hear) for _ in range(2))
    monkeypatch.setattr(os, "killpg", asked_again)
    with pytest.raises(follows):
        run(tasks, 2)
    assert sorted(killed) == sorted(one for one in heard if isinstance(one, int))
    assert all(isinstance(pid, int) and _is_gone(pid) for pid in heard)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        (one,) = ended(lambda tell: os.kill(os.getppid(), signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert one.end is End.DONE


def test_a_copy_takes_signals_as_the_process_did() -> None:
    def work(tell: Tell) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            tell("interrupted")
        tell(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)

    (one,) = ended(work)
    assert one.said == ["interrupted", True]


COPIES_THAT_WAIT = """
import os, subprocess, sys, threading
from telewire.verify.evidence.mutants.children import Task, run

def work(tell):
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    tell([os.getpid(), started.pid])
    threading.Event().wait()

def heard(line):
    print(*line, flush=True)

run((Task(work, print, 60.0, heard) for _ in range(2)), 2)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGQUIT])
def test_copies_end_with_the_process_that_they_are_of(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", COPIES_THAT_WAIT], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        copies = [int(one) for _ in range(2) for one in process.stdout.readline().split()]
        os.killpg(process.pid, number)
        process.wait(30)
    assert len(copies) == 4
    assert [one for one in copies if not _ends(one)] == []


LEAVING = """
import subprocess, sys

process = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
for _ in range(2):
    print(process.stdout.readline(), flush=True)
"""


def test_copies_end_when_whom_they_work_for_is_gone() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LEAVING, COPIES_THAT_WAIT], capture_output=True, text=True, check=True
    )
    copies = [int(one) for one in run.stdout.split()]
    assert len(copies) == 4
    assert [one for one in copies if not _ends(one)] == []


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


def _ends(pid: int) -> bool:
    """Wait a while for a process to end, and say whether it has."""
    never = threading.Event()
    return any(_is_gone(pid) or never.wait(0.05) for _ in range(100))
