"""Notes what a run reads, whoever does it: an audit hook of the interpreter sees every file and folder.

What git says is read as well: each question to it is noted with its answer, to be asked again.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .inputs import digest, file_digest, folder_digest, modified

if TYPE_CHECKING:
    from .glances import Glances

_PRECISION = 20_000_000  # ns: how far apart two writes of a file must be to differ in its time
_STARTS_OR_CHANGES = {
    "os.exec",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.spawn",
    "os.startfile",
    "os.symlink",
    "os.system",
    "os.truncate",
    "shutil.move",
    "shutil.rmtree",
    "socket.connect",
    "sqlite3.connect",
    "subprocess.Popen",
    "urllib.Request",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NO_INPUT = ("/dev/", "/proc/", "/sys/")

_running: Recorder | None = None
_is_hooked = False


def keep_this() -> None:
    """Let the running command's answer be kept: it depends on nothing but what it reads."""
    if _running is not None:
        _running.keeps = True


def keep_glances(glances: Glances) -> None:
    """Let the running command's answer be kept beyond changes of files that were only looked at."""
    if _running is not None:
        _running.glances = glances


def keeps_for_user() -> bool:
    """Whether the running command may use and keep something in the user's own cache folder."""
    return _running is not None and _running.keeps_for_user


@contextmanager
def asking_git(folder: str, question: str, argument: str) -> Iterator[list[bytes]]:
    """Note a question to git; what it answers is put into the list."""
    with looking_up():
        answer: list[bytes] = []
        yield answer
    if _running is not None:
        _running.git.append((folder, question, argument, digest(b"\0".join(answer))))


@contextmanager
def looking_up() -> Iterator[None]:
    """Start programs meanwhile that read what never changes, or what is noted otherwise."""
    recorder = _running
    if recorder is None:
        yield
        return
    before, recorder.is_paused = recorder.is_paused, True
    try:
        yield
    finally:
        recorder.is_paused = before


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _running is not None:
        _running.note(event, arguments)


class Recorder:
    """Notes what a run reads.

    Attributes:
        keeps: The command says that its answer may be kept.
        glances: What it asked of files that it only looked at.
        keeps_for_user: No other folder was named for what is kept than the usual ones.
        git: Questions to git: the folder, the question, its argument, the digest of the answer.
        is_paused: What is opened or started is not noted.
    """

    def __init__(self, own: str, *, keeps_for_user: bool = False) -> None:
        """Leave out what lies in the folder `own`, which is the cache itself."""
        self.keeps_for_user = keeps_for_user
        self.keeps = False
        self.glances: Glances | None = None
        self.git: list[tuple[str, str, str, str]] = []
        self.is_paused = False
        self._own = own
        self._files: dict[str, int] = {}  # how often each was opened
        self._folders: dict[str, str | None] = {}
        self._closed = False  # it wrote something, or started another program
        self._here = os.getcwd()
        self._process = os.getpid()
        self._started = time.time_ns()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the process reads meanwhile."""
        global _running, _is_hooked
        if not _is_hooked:
            sys.addaudithook(_hook)  # it can never be taken out again
            _is_hooked = True
        _running = self
        try:
            yield
        finally:
            _running = None

    def note(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note one event of the interpreter."""
        if self.is_paused:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes | os.PathLike) and isinstance(flags, int):
                self._opened(os.fsdecode(path), flags)
        elif event in {"os.scandir", "os.listdir"}:
            path = os.curdir if arguments[0] is None else arguments[0]
            if not isinstance(path, str | bytes | os.PathLike):
                self._closed = True  # by a descriptor
                return
            folder = os.path.join(self._here, os.fsdecode(path))
            if folder not in self._folders and not folder.startswith(_NO_INPUT):
                self.is_paused = True
                self._folders[folder] = folder_digest(folder)
                self.is_paused = False
        elif event in _STARTS_OR_CHANGES and not str(arguments[0] if arguments else "").startswith(self._own):
            self._closed = True

    def _opened(self, path: str, flags: int) -> None:
        full = os.path.join(self._here, path)
        if "__pycache__" in full or full.startswith((*_NO_INPUT, self._own)):
            return
        if flags & _WRITES:
            self._closed = True
        else:
            self._files[full] = self._files.get(full, 0) + 1

    def inputs(self) -> dict[str, object] | None:
        """Return what the run has read; None where an answer cannot be kept, or something changed meanwhile."""
        self.is_paused = True
        if not self.keeps or self._closed or os.getpid() != self._process:
            return None
        for file in self._files:
            changed = modified(file)
            coarse = changed % 1_000_000_000 == 0
            if changed > self._started - (2_000_000_000 if coarse else _PRECISION):
                return None
        if any(folder_digest(folder) != known for folder, known in self._folders.items()):
            return None
        return {
            "folders": self._folders,
            "files": {file: file_digest(file) for file in sorted(self._files)},
            "git": self.git,
            "glances": self._plain_glances(),
        }

    def _plain_glances(self) -> dict[str, object] | None:
        """Return what was asked of files that were opened to be looked at, and for nothing else."""
        if self.glances is None:
            return None
        return self.glances.plain(path for path, times in self._files.items() if times == 1)
