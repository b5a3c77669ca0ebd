"""A process that outlives the one that makes copies of itself, and then ends the copies that are left.

It listens to a pipe. Each copy says its number there before it does anything else, and is the leader of its own process
group by then; who has ended one takes its number back. When nobody is left who could say anything, all groups that are
still known are killed. So no copy goes on where its parent was killed, whatever signal did it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import warnings
from dataclasses import dataclass

_IGNORED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
_AT_ONCE = 1 << 12


@dataclass(frozen=True, slots=True)
class Guardian:
    """The guardian of the copies of this process, by its process and the pipe that it listens to."""

    process: int
    pipe: int

    @classmethod
    def start(cls) -> Guardian:
        """Start one. It is a copy of this process, too, so no other thread may run."""
        reading, writing = os.pipe()
        process = fork()
        if process == 0:
            _listen(reading, writing)
        os.close(reading)
        return cls(process, writing)

    def enter(self) -> None:
        """Say in a copy that it is there. It says no more."""
        self._say(f"+{os.getpid()}")
        os.close(self.pipe)

    def forget(self, process: int) -> None:
        """Say that a copy, and all in its group, has ended."""
        self._say(f"-{process}")

    def end(self) -> None:
        """Let it go."""
        os.close(self.pipe)
        os.waitpid(self.process, 0)

    def _say(self, what: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody has killed it: the copies go without
            os.write(self.pipe, what.encode() + b"\n")


def fork() -> int:
    """Copy this process. Python 3.12 warns where it finds native threads, which do nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return os.fork()


def _listen(reading: int, writing: int) -> None:
    """Note who is there until nobody can say any more; then kill who is left, and leave."""
    try:
        os.setpgid(0, 0)  # what ends its parent's group is not to end it
        for name in _IGNORED:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        os.close(writing)
        for process in _left(reading):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process, signal.SIGKILL)
    finally:
        os._exit(0)


def _left(reading: int) -> set[int]:
    left: set[int] = set()
    buffer = b""
    while part := os.read(reading, _AT_ONCE):
        *lines, buffer = (buffer + part).split(b"\n")
        for line in lines:
            change = left.add if line[:1] == b"+" else left.discard
            change(int(line[1:]))
    return left
