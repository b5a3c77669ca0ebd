"""Work that a copy of this process does meanwhile, on another core: it knows all that is known here.

What it finds comes back as bytes. The copy prints nothing and does not outlive this process.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

_PATIENCE = 200  # milliseconds
_AT_ONCE = 1 << 20  # bytes


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class Forked:
    """A copy of this process at work."""

    _process: int
    _pipe: int | None

    @classmethod
    def start(cls, work: Callable[[], bytes]) -> Forked | None:
        """Begin some work; None where this process cannot be copied.

        It cannot where the system has no `fork`, where that fails, and while other threads run: one of them may
        hold a lock that would stay closed in the copy for ever.
        """
        if not hasattr(os, "fork") or threading.active_count() != 1:
            return None
        with contextlib.ExitStack() as opened:
            try:
                reading, writing = os.pipe()
                opened.callback(os.close, reading)
                opened.callback(os.close, writing)
                process = os.fork()
            except OSError:
                return None
            if process == 0:
                _work(work, reading, writing)
            opened.pop_all()
            os.close(writing)
            return cls(process, reading)

    def result(self) -> bytes | None:
        """Wait for the work, and return what it found; None where it did not end well."""
        if self._pipe is None:
            return None
        try:
            content = _read(self._pipe)
        except BaseException:
            self.stop()
            raise
        os.close(self._pipe)
        self._pipe = None
        return content if os.waitpid(self._process, 0)[1] == 0 else None

    def stop(self) -> None:
        """End the work, unless its result was taken."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)
            os.kill(self._process, signal.SIGKILL)  # it is ours until it is waited for
            os.waitpid(self._process, 0)


def _read(pipe: int) -> bytes:
    """Return all that comes through a pipe. An interrupt that comes just before the wait is seen soon after."""
    ready = select.poll()
    ready.register(pipe, select.POLLIN)
    parts: list[bytes] = []
    while True:
        if not ready.poll(_PATIENCE):
            continue
        part = os.read(pipe, _AT_ONCE)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _work(work: Callable[[], bytes], reading: int, writing: int) -> None:
    """Work in the copy, and leave."""
    status = 1
    try:
        os.close(reading)
        threading.Thread(target=_wait_for_reader_to_go, args=(writing,), daemon=True).start()
        content = work()
        with open(writing, "wb", closefd=False) as stream:
            stream.write(content)
        status = 0
    finally:
        os._exit(status)


def _wait_for_reader_to_go(pipe: int) -> None:
    """Leave as soon as nobody can read any more: the process that this is a copy of was killed."""
    waiting = select.poll()
    waiting.register(pipe, 0)  # errors are told always
    waiting.poll()
    os._exit(1)
