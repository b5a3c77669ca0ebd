"""A copy of the process works on another core; it is found out how it ended, and it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from telewire.verify.forked import Forked


def start(*parts: bytes) -> Forked:
    found = Forked.start(lambda: b"".join(parts))
    assert found is not None
    return found


def has_no_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def test_what_a_copy_finds_comes_back() -> None:
    large = os.urandom(1 << 20)
    copies = [start(b"one"), start(large)]
    assert [copy.result() for copy in copies] == [b"one", large]
    assert has_no_children()


def test_a_copy_that_fails_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    copy = Forked.start(lambda: str(1 // 0).encode())
    assert copy is not None
    assert copy.result() is None
    assert (capfd.readouterr(), has_no_children()) == (("", ""), True)


def test_a_copy_that_is_killed_says_nothing() -> None:
    def work() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b"never"

    copy = Forked.start(work)
    assert copy is not None
    assert copy.result() is None


def test_a_copy_that_is_stopped_is_gone() -> None:
    copy = Forked.start(lambda: str(signal.pause()).encode())
    assert copy is not None
    copy.stop()
    copy.stop()
    assert has_no_children()


def test_beside_other_threads_nothing_is_copied() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert Forked.start(lambda: b"") is None
    finally:
        done.set()
        other.join()


def test_where_there_is_no_fork_nothing_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    assert Forked.start(lambda: b"") is None


ORIGINAL = """
import signal
from telewire.verify.forked import Forked

copy = Forked.start(lambda: bytes(signal.pause()))
print("started", flush=True)
copy.result()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda end: end.name)
def test_a_copy_does_not_outlive_its_original(end: signal.Signals) -> None:
    command = [sys.executable, "-c", ORIGINAL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as original:
        assert original.stdout is not None
        assert original.stdout.readline() == b"started\n"
        original.send_signal(end)
        try:
            rest, _ = original.communicate(timeout=60)  # the copy holds the stream open until it ends
        finally:
            original.kill()
    assert rest == b""
