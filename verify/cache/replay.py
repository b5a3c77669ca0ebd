"""Says again what an earlier run said, when nothing that it read has changed since.

An audit hook of the interpreter notes every file that a run opens and every folder that it lists, whoever does it:
the answer depends on these, on the command line, the environment, the day and this program. While all of them are
as they were, the answer is. Runs that write, or that start other programs, are not kept.

The kept answers are untrusted input: they are plain JSON behind a checksum, never code. This module imports the
standard library's quickest parts only, since it stands between the user and an answer that is already known.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .folder import cache_folder, read_checked, write_checked

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT = 24  # answers of one project
_LARGEST_INPUT = 1 << 28
_PRECISION = 20_000_000  # ns: how far apart two writes of a file must be to differ in its time
_MARKS = ("telewire.toml", "pyproject.toml", ".git")
_VARIABLES = (
    "CI",
    "CLICOLOR",
    "COLOR",
    "COLUMNS",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "HOME",
    "JUPYTER",
    "LANG",
    "LC_",
    "LINES",
    "NO_COLOR",
    "PYTHON",
    "SOURCE_DATE_EPOCH",
    "TELEWIRE_",
    "TERM",
    "TTY_",
    "TZ",
    "USERPROFILE",
    "XDG_",
)
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

_running: _Recorder | None = None


def run(command: Callable[[], object]) -> None:
    """Run a command, or repeat its kept answer; leaves by `SystemExit` like the command itself."""
    folder = _folder(sys.argv[1:])
    streams = _streams()
    if folder is None or streams is None:
        command()
        return
    key = _key(sys.argv[1:])
    path = os.path.join(folder, hashlib.blake2b(key.encode(), digest_size=16).hexdigest() + ".json")
    answer = kept_answer(path, key)
    if answer is not None:
        _say(*answer)
        return
    recorder = _Recorder(folder)
    with recorder.recording(), _copied(streams) as said:
        try:
            command()
            status = 0
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 0 if left.code is None else 2
            if recorder.keeps and status in {0, 1}:
                recorder.store(path, key, status, said)
            raise


def keep_this() -> None:
    """Let the running command's answer be kept: it depends on nothing but what it reads."""
    if _running is not None:
        _running.keeps = True


def _streams() -> tuple[io.TextIOWrapper, io.TextIOWrapper] | None:
    out, errors = sys.stdout, sys.stderr
    if isinstance(out, io.TextIOWrapper) and isinstance(errors, io.TextIOWrapper):
        return out, errors
    return None


def _folder(arguments: Sequence[str]) -> str | None:
    """Return where answers are kept; None where the command line says that nothing is."""
    if "--no-cache" in arguments:
        return None
    given = _value(arguments, "--cache-dir")
    try:
        return cache_folder(_value(arguments, "--project") or os.curdir, given, "answers")
    except OSError:
        return None


def _value(arguments: Sequence[str], option: str) -> str | None:
    for index, argument in enumerate(arguments):
        if argument == option:
            return arguments[index + 1] if index + 1 < len(arguments) else None
        if argument.startswith(f"{option}="):
            return argument.partition("=")[2]
    return None


# -- what an answer depends on, beside files ----------------------------------------------------------------------


def _key(arguments: Sequence[str]) -> str:
    here = os.getcwd()
    places = {here, *(os.path.abspath(one) for one in arguments if not one.startswith("-"))}
    above = sorted({upper for place in places for upper in _upwards(place)})
    size = None
    with suppress(OSError, ValueError):
        size = tuple(os.get_terminal_size(sys.__stdout__.fileno())) if sys.__stdout__ is not None else None
    return json.dumps(
        [
            list(arguments),
            here,
            sys.version,
            _own_files(),
            [[path, _time(path)] for path in sys.path if path],
            sorted((name, value) for name, value in os.environ.items() if name.startswith(_VARIABLES)),
            [(s.isatty(), s.encoding, s.errors) for s in (sys.stdout, sys.stderr)],
            size,
            time.strftime("%Y-%m-%d"),
            [
                path
                for folder in above
                for name in _MARKS
                if os.path.exists(path := os.path.join(folder, name))
            ],
        ]
    )


def _upwards(place: str) -> Iterator[str]:
    while True:
        yield place
        above = os.path.dirname(place)
        if above == place:
            return
        place = above


def _time(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _own_files() -> str:
    """Return what tells this program from any other version of it."""
    verify = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found: list[str] = []
    pending = [verify, os.path.join(os.path.dirname(verify), "registry")]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        pending.append(entry.path)
                else:
                    info = entry.stat()
                    found.append(f"{entry.path} {info.st_size} {info.st_mtime_ns}")
    return _digest("\n".join(sorted(found)).encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _file_digest(path: str) -> str | None:
    """Return the digest of a regular file's content; None for what is not there, or is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode) or info.st_size > _LARGEST_INPUT:
            return None
        content = os.read(descriptor, info.st_size + 1)
        while len(content) < info.st_size and (more := os.read(descriptor, info.st_size)):
            content += more
        return _digest(content)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _folder_digest(path: str) -> str | None:
    """Return the digest of the names in a folder, those left out that only caches bring."""
    try:
        with os.scandir(path) as entries:
            names = sorted(
                f"{entry.name}{'/' if entry.is_dir() else ''}"
                for entry in entries
                if entry.name not in {"__pycache__", ".telewire_cache"}
            )
    except OSError:
        return None
    return _digest("\n".join(names).encode("utf-8", "surrogatepass"))


# -- answers --------------------------------------------------------------------------------------------------------


def kept_answer(path: str, key: str) -> tuple[int, bytes, bytes] | None:
    """Return the kept answer, if it was given to the same question about the same files."""
    content = read_checked(path)
    if content is None:
        return None
    try:
        entry = json.loads(content)
        if entry["key"] != key:
            return None
        status, out, errors = entry["status"], entry["out"], entry["errors"]
        files, folders = entry["files"], entry["folders"]
        if (
            type(status) is not int
            or status not in {0, 1}
            or not isinstance(files, dict)
            or not isinstance(folders, dict)
        ):
            return None
        if any(_folder_digest(folder) != digest for folder, digest in folders.items()):
            return None
        if any(_file_digest(file) != digest for file, digest in files.items()):
            return None
        return status, out.encode("latin-1"), errors.encode("latin-1")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _say(status: int, out: bytes, errors: bytes) -> None:
    try:
        for stream, text in ((sys.stderr, errors), (sys.stdout, out)):
            stream.buffer.write(text)
            stream.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"Error: standard output: cannot be written: {error.strerror}\n")
        sys.exit(2)
    sys.exit(status)


class _Recorder:
    """Notes what a run reads."""

    def __init__(self, folder: str) -> None:
        self.keeps = False
        self._own = os.path.dirname(folder)
        self._files: set[str] = set()
        self._folders: dict[str, str | None] = {}
        self._closed = False  # it wrote something, or started another program
        self._paused = False
        self._here = os.getcwd()
        self._process = os.getpid()
        self._started = time.time_ns()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the process reads meanwhile."""
        global _running
        sys.addaudithook(self._note)
        _running = self
        try:
            yield
        finally:
            _running = None

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if _running is not self or self._paused:
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
                self._paused = True
                self._folders[folder] = _folder_digest(folder)
                self._paused = False
        elif event in _STARTS_OR_CHANGES and not str(arguments[0] if arguments else "").startswith(self._own):
            self._closed = True

    def _opened(self, path: str, flags: int) -> None:
        full = os.path.join(self._here, path)
        if "__pycache__" in full or full.startswith((*_NO_INPUT, self._own)):
            return
        if flags & _WRITES:
            self._closed = True
        else:
            self._files.add(full)

    def store(self, path: str, key: str, status: int, said: tuple[bytearray, bytearray]) -> None:
        """Keep an answer, unless something changed while it was found."""
        self._paused = True
        if self._closed or os.getpid() != self._process:
            return
        for file in self._files:
            changed = _time(file)
            coarse = changed % 1_000_000_000 == 0
            if changed > self._started - (2_000_000_000 if coarse else _PRECISION):
                return
        if any(_folder_digest(folder) != digest for folder, digest in self._folders.items()):
            return
        entry = {
            "key": key,
            "status": status,
            "out": said[0].decode("latin-1"),
            "errors": said[1].decode("latin-1"),
            "folders": self._folders,
            "files": {file: _file_digest(file) for file in sorted(self._files)},
        }
        with suppress(OSError, ValueError):
            write_checked(path, json.dumps(entry).encode())
            _thin_out(os.path.dirname(path))


def _thin_out(folder: str) -> None:
    with os.scandir(folder) as entries:
        kept = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)
    for _, path in kept[:-_KEPT]:
        with suppress(OSError):
            os.remove(path)


class _Copied(io.BufferedIOBase):
    """Writes to a stream, and keeps a copy."""

    def __init__(self, stream: io.BufferedIOBase, copy: bytearray) -> None:
        self._stream = stream
        self._copy = copy

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        self._copy += content
        return self._stream.write(content)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def close(self) -> None:
        """Leave the stream open: it is not ours."""


@contextmanager
def _copied(
    streams: tuple[io.TextIOWrapper, io.TextIOWrapper],
) -> Iterator[tuple[bytearray, bytearray]]:
    """Copy what is written meanwhile to standard output and error; a terminal's error stream shows progress only."""
    out, errors = streams
    copies = bytearray(), bytearray()
    sys.stdout = _copying(out, copies[0])
    if not errors.isatty():
        sys.stderr = _copying(errors, copies[1])
    try:
        yield copies
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        sys.stdout, sys.stderr = out, errors


def _copying(stream: io.TextIOWrapper, copy: bytearray) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        _Copied(stream.buffer, copy),  # type: ignore[arg-type]
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=True,
    )
