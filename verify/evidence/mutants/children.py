"""Copies of this process, a few at a time, each with a piece of work and a time limit.

A copy says what it has found line by line. It leads a process group of its own, and when it ends, or its time is up,
everything in that group ends with it; so does every copy when this process ends, in whatever way.
"""

from __future__ import annotations

import contextlib
import enum
import json
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

from .guardian import Guardian, fork

Tell = Callable[[object], None]
"""Hands something, as JSON can hold it, to the process that began."""

_PATIENCE = 0.2  # seconds between two looks at processes that say nothing
_AT_ONCE = 1 << 16


class End(enum.StrEnum):
    """How a copy ended."""

    DONE = "done"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Task:
    """Some work for a copy of this process, how many seconds it may take, and who hears what it says meanwhile."""

    work: Callable[[Tell], None]
    ended: Callable[[Ended], None]
    limit: float
    heard: Tell | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What a copy said and how it ended.

    Attributes:
        said: What it told.
        end: How it ended.
        reason: The signal of a crash, the limit that was passed.
        seconds: How long it was there.
        processor_seconds: How long it had a processor.
    """

    said: list[object]
    end: End
    reason: str
    seconds: float
    processor_seconds: float = 0.0


def why_not_fork() -> str | None:
    """Say why this process cannot be copied; None where it can."""
    if not hasattr(os, "fork"):
        return "this system has no fork"
    if threading.active_count() != 1:
        names = ", ".join(one.name for one in threading.enumerate() if one is not threading.main_thread())
        return f"other threads run after collection: {names}"
    return None


def run(tasks: Iterator[Task | None], jobs: int) -> None:
    """Do every task in a copy of this process, so many at once. Tasks are asked for when they can begin.

    None says that there is none at the moment: it is asked again when something has ended.

    Raises:
        KeyboardInterrupt: This process was interrupted. Every copy has ended by then.
        SystemExit: It was asked to end, or the process that started it is gone. Every copy has ended by then.
    """
    running: dict[int, _Child] = {}
    with _Requests() as requests, _guarded() as guardian, selectors.DefaultSelector() as ready:
        try:
            waiting = True
            while waiting or running:
                while waiting and len(running) < jobs and not requests.is_asked():
                    try:
                        task = next(tasks)
                    except StopIteration:
                        waiting = False
                        break
                    if task is None:
                        break
                    child = _Child.start(task, guardian, requests)
                    running[child.pipe] = child
                    ready.register(child.pipe, selectors.EVENT_READ)
                if not running or requests.is_asked():
                    break
                for key, _ in ready.select(_patience(running)):
                    running[key.fd].read()
                for child in [one for one in running.values() if one.has_ended()]:
                    ready.unregister(child.pipe)
                    del running[child.pipe]
                    child.task.ended(child.end())
        finally:
            for child in running.values():
                child.kill()
        requests.follow()


@contextlib.contextmanager
def _guarded() -> Iterator[Guardian]:
    guardian = Guardian.start()
    try:
        yield guardian
    finally:
        guardian.end()


class _Requests:
    """Takes requests to end as notes and not as exceptions, so that none keeps a copy from being ended.

    Only the main thread is told of signals; elsewhere nothing is noted, and nothing interrupted. A signal that is
    ignored stays so: an interrupt is where a shell runs something in the background.
    """

    _SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

    def __init__(self) -> None:
        self.before: dict[int, signal.Handlers | Callable[[int, FrameType | None], object] | int | None] = {}
        self._first: int | None = None
        self._parent = os.getppid()

    def __enter__(self) -> _Requests:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in self._SIGNALS if hasattr(signal, name)):
                if signal.getsignal(number) not in {signal.SIG_IGN, None}:
                    self.before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Let signals do what they did before."""
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def is_asked(self) -> bool:
        """Whether this process is to end: somebody said so, or whom it works for is gone."""
        return self._first is not None or os.getppid() != self._parent

    def follow(self) -> None:
        """Do as the first request said.

        Raises:
            KeyboardInterrupt: It was an interrupt.
            SystemExit: It was another request.
        """
        if self._first == signal.SIGINT:
            raise KeyboardInterrupt
        if self.is_asked():
            raise SystemExit(128 + (self._first or signal.SIGHUP))

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._first is None:
            self._first = number


def _patience(running: dict[int, _Child]) -> float:
    now = time.perf_counter()
    left = min(child.started + child.task.limit - now for child in running.values())
    return max(0.0, min(left, _PATIENCE))


@dataclass
class _Child:
    task: Task
    guardian: Guardian
    process: int
    pipe: int
    started: float
    buffer: bytearray = field(default_factory=bytearray)
    said: list[object] = field(default_factory=list)
    is_done: bool = False
    is_over: bool = False
    status: int | None = None
    used: float = 0.0

    @classmethod
    def start(cls, task: Task, guardian: Guardian, requests: _Requests) -> _Child:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        reading, writing = os.pipe()
        started = time.perf_counter()
        process = fork()
        if process == 0:
            _work(task, guardian, requests, reading, writing)
        os.close(writing)
        with contextlib.suppress(OSError):
            os.setpgid(process, process)  # it does so itself, too: whoever comes first
        return cls(task, guardian, process, reading, started)

    def read(self) -> None:
        part = os.read(self.pipe, _AT_ONCE)
        if not part:
            self.is_over = True
        self.buffer += part
        while (at := self.buffer.find(b"\n")) >= 0:
            line = json.loads(self.buffer[:at])
            del self.buffer[: at + 1]
            if line is None:
                self.is_done = True
            else:
                self.said.append(line)
                if self.task.heard is not None:
                    self.task.heard(line)

    def has_ended(self) -> bool:
        """Whether it is done, gone, or over its limit."""
        if self.is_done or self.is_over or time.perf_counter() - self.started > self.task.limit:
            return True
        self.wait(os.WNOHANG)
        if self.status is not None:
            self.read_rest()
        return self.status is not None

    def wait(self, options: int = 0) -> None:
        """Take its status, and how long it had a processor."""
        process, status, used = os.wait4(self.process, options)
        if process:
            self.status = status
            self.used = used.ru_utime + used.ru_stime

    def read_rest(self) -> None:
        """Read what was said before the end; something that it started may hold the pipe open."""
        os.set_blocking(self.pipe, False)
        with contextlib.suppress(BlockingIOError):
            while not self.is_over:
                self.read()

    def end(self) -> Ended:
        is_late = not self.is_done and not self.is_over and self.status is None
        self.kill()
        seconds = time.perf_counter() - self.started
        assert self.status is not None
        if self.is_done:
            return Ended(self.said, End.DONE, "", seconds, self.used)
        if is_late:
            return Ended(self.said, End.TIMED_OUT, f"longer than {self.task.limit:.1f} s", seconds, self.used)
        return Ended(self.said, End.CRASHED, _said(self.status), seconds, self.used)

    def kill(self) -> None:
        """End it, and all that it started. One that has said all, or nothing more, is about to leave by itself."""
        if self.is_over and self.status is None:
            self.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process, signal.SIGKILL)
        if self.status is None:
            self.wait()
        self.guardian.forget(self.process)
        os.close(self.pipe)


def _said(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(ValueError):
            return signal.Signals(number).name
        return f"signal {number}"
    return f"exit status {os.waitstatus_to_exitcode(status)}"


def _work(task: Task, guardian: Guardian, requests: _Requests, reading: int, writing: int) -> None:
    """Work in the copy, and leave."""
    try:
        os.close(reading)
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        guardian.enter()
        requests.give_back()
        _limit_processor_time(task.limit)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)

        def tell(what: object) -> None:
            os.write(writing, json.dumps(what).encode() + b"\n")

        task.work(tell)
        tell(None)
    except BaseException:  # noqa: BLE001 - nothing of it may go on as the process that it is a copy of
        os._exit(1)
    finally:
        os._exit(0)


def _limit_processor_time(limit: float) -> None:
    """See to it that a copy that hangs ends even if nobody is left to end it."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        most = int(60 + limit * (os.cpu_count() or 1))
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
