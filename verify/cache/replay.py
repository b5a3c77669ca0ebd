"""Says again what an earlier run said, when nothing that it read has changed since.

The answer depends on the files, folders and repositories that a run has read, on the command line, the environment,
the day and this program. While all of them are as they were, the answer is; where a run has only looked at a file,
the answer is while it looks the same (`glances`). Runs that write, or that start other programs than git, are not kept.

The kept answers are untrusted input: they are plain JSON behind a checksum, never code. This module imports the
standard library's quickest parts only, since it stands between the user and an answer that is already known.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .folder import cache_folder, read_checked, write_checked
from .inputs import digest, file_content, folder_digest, modified
from .recording import Recorder
from .streams import copied

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_KEPT = 24  # answers of one project
_MOST_CHANGED = 12  # files: a new run looks through more of them as quickly
_MARKS = ("telewire.toml", "pyproject.toml", ".git")
_VARIABLES = (
    "CI",
    "CLICOLOR",
    "COLOR",
    "COLUMNS",
    "FORCE_COLOR",
    "GIT_",
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


def run(command: Callable[[], object]) -> None:
    """Run a command, or repeat its kept answer; leaves by `SystemExit` like the command itself."""
    folder = _folder(sys.argv[1:])
    streams = _streams()
    if folder is None or streams is None:
        command()
        return
    places = _places(sys.argv[1:])
    key = _key(sys.argv[1:], places)
    path = os.path.join(folder, hashlib.blake2b(key.encode(), digest_size=16).hexdigest() + ".json")
    answer = kept_answer(path, key, git_in=places)
    if answer is not None:
        _say(*answer)
        return
    is_usual = _value(sys.argv[1:], "--cache-dir") is None and not os.environ.get("TELEWIRE_CACHE_DIR")
    recorder = Recorder(os.path.dirname(folder), keeps_for_user=is_usual)
    with recorder.recording(), copied(streams) as said:
        try:
            command()
            status = 0
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 0 if left.code is None else 2
            inputs = recorder.inputs() if status in {0, 1} else None
            if inputs is not None:
                _keep(path, {"key": key, "status": status, **_texts(said), **inputs})
            raise


def _texts(said: tuple[bytearray, bytearray]) -> dict[str, object]:
    return {"out": said[0].decode("latin-1"), "errors": said[1].decode("latin-1")}


def _keep(path: str, entry: dict[str, object]) -> None:
    with suppress(OSError, ValueError):
        write_checked(path, json.dumps(entry).encode())
        thin_out(os.path.dirname(path))


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


def _places(arguments: Sequence[str]) -> list[str]:
    """Return the folders that a command line may be about, and all above them."""
    named = {os.getcwd(), *(one.rpartition("=")[2] for one in arguments)}
    return sorted({upper for one in named for upper in _upwards(os.path.abspath(one))})


def _key(arguments: Sequence[str], places: Sequence[str]) -> str:
    size = None
    with suppress(OSError, ValueError):
        size = tuple(os.get_terminal_size(sys.__stdout__.fileno())) if sys.__stdout__ is not None else None
    return json.dumps(
        [
            list(arguments),
            os.getcwd(),
            sys.version,
            own_files(),
            [[path, modified(path)] for path in sys.path if path],
            sorted((name, value) for name, value in os.environ.items() if name.startswith(_VARIABLES)),
            [(s.isatty(), s.encoding, s.errors) for s in (sys.stdout, sys.stderr)],
            size,
            time.strftime("%Y-%m-%d"),
            [
                path
                for folder in places
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


def own_files() -> str:
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
    return digest("\n".join(sorted(found)).encode())


# -- answers --------------------------------------------------------------------------------------------------------


def kept_answer(path: str, key: str, *, git_in: Collection[str] = ()) -> tuple[int, bytes, bytes] | None:
    """Return the kept answer, if it was given to the same question about the same files.

    What git said is asked again, in the folders `git_in` only: those that the command would ask in itself.
    """
    content = read_checked(path)
    if content is None:
        return None
    try:
        entry = json.loads(content)
        if entry["key"] != key:
            return None
        status, out, errors = entry["status"], entry["out"], entry["errors"]
        files, folders, git = entry["files"], entry["folders"], entry["git"]
        if (
            type(status) is not int
            or status not in {0, 1}
            or not isinstance(files, dict)
            or not isinstance(folders, dict)
            or not isinstance(git, list)
        ):
            return None
        if any(folder_digest(folder) != known for folder, known in folders.items()):
            return None
        changed = _changed(files)
        if changed is None or (git and not _git_says_the_same(git, git_in)):
            return None
        said = out.encode("latin-1")
        if changed:
            answer = _answer_after(entry, changed, said)
            if answer is None:
                return None
            said, entry = answer
            _keep(path, entry)
        return status, said, errors.encode("latin-1")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _changed(files: Mapping[str, object]) -> dict[str, bytes] | None:
    """Return the new contents of the files that have changed, by path; None where one is gone, or they are many."""
    changed: dict[str, bytes] = {}
    for file, known in files.items():
        content = file_content(file)
        if (None if content is None else digest(content)) != known:
            if content is None or len(changed) == _MOST_CHANGED:
                return None
            changed[file] = content
    return changed


def _answer_after(
    entry: Mapping[str, Any], changed: Mapping[str, bytes], said: bytes
) -> tuple[bytes, dict[str, object]] | None:
    """Return what is said after a change, and what is to be kept of it; None where that takes a new run."""
    from .glances import after, with_lines

    kept = entry["glances"]
    now = None if kept is None else after(kept, changed)
    text = None if now is None else with_lines(said, kept, now)
    if text is None:
        return None
    files = entry["files"] | {path: digest(content) for path, content in changed.items()}
    return text, {**entry, "out": text.decode("latin-1"), "files": files, "glances": now}


def _git_says_the_same(asked: Sequence[object], folders: Collection[str]) -> bool:
    from ..git import answer_digest

    seen = {*folders, *map(os.path.realpath, folders)}
    for one in asked:
        match one:
            case [str(folder), str(question), str(argument), str(known)] if folder in seen:
                if answer_digest(folder, question, argument) != known:
                    return False
            case _:
                return False
    return True


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


def thin_out(folder: str) -> None:
    """Remove what was written first, until few are left."""
    with os.scandir(folder) as entries:
        kept = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)
    for _, path in kept[:-_KEPT]:
        with suppress(OSError):
            os.remove(path)
