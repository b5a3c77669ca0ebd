"""The folder of what can be computed again: where it is, and files in it that are believed only when intact.

Nothing in it is trusted. A file counts when it is a regular file of this user, not too large, and sealed with a secret
that lies in the user's own cache folder: a project may have come with a cache of its own. What is written appears in
one step, so that two runs at once never see half of each other's.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress

from .recording import looking_up

NAME = ".telewire_cache"
LARGEST = 1 << 29  # bytes of one file
_SECRET_SIZE = 32
_MARKS = ("telewire.toml", "pyproject.toml", ".git")
_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# A cache of telewire; see https://bford.info/cachedir/\n"
)


def cache_folder(start: str, given: str | None, kind: str) -> str | None:
    """Return the folder for one kind of content, made if need be; None where nothing can be written.

    It lies in `given` (`--cache-dir`), in $TELEWIRE_CACHE_DIR, in the project that `start` lies in, or, outside of
    any project, in the user's cache folder.
    """
    given = given or os.environ.get("TELEWIRE_CACHE_DIR")
    if given:
        base = os.path.abspath(given)
    else:
        root = _project(os.path.realpath(start))
        base = _of_user() if root is None else os.path.join(root, NAME)
    return _writable(base, kind)


def user_folder(kind: str) -> str | None:
    """Return the folder for one kind of content in the user's own cache folder; None where nothing can be written."""
    return _writable(_of_user(), kind)


def _of_user() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "telewire")


def _writable(base: str, kind: str) -> str | None:
    folder = os.path.join(base, kind)
    try:
        if not os.path.isdir(folder):
            _make(base, folder)
        info = os.lstat(base)
    except OSError:
        return None
    own = not hasattr(os, "getuid") or info.st_uid == os.getuid()
    return folder if own and stat.S_ISDIR(info.st_mode) and os.access(folder, os.W_OK) else None


def _project(start: str) -> str | None:
    place = start
    while True:
        if any(os.path.exists(os.path.join(place, mark)) for mark in _MARKS):
            return place
        above = os.path.dirname(place)
        if above == place:
            return None
        place = above


def _make(base: str, folder: str) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name, content in ((".gitignore", b"*\n"), ("CACHEDIR.TAG", _TAG)):
        path = os.path.join(base, name)
        if not os.path.lexists(path):
            _replace(path, content)


def read_checked(path: str) -> bytes | None:
    """Return the content of a file that `write_checked` wrote; None for anything else."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        info = os.fstat(descriptor)
        own = not hasattr(os, "getuid") or info.st_uid == os.getuid()
        if not stat.S_ISREG(info.st_mode) or not own or info.st_size > LARGEST:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            written = stream.read(32)
            content = stream.read()
    except OSError:
        return None
    finally:
        os.close(descriptor)
    with looking_up():
        secret = _secret()
    return content if secret and _sealed(content, secret) == written else None


def write_checked(path: str, content: bytes) -> None:
    """Write a file with its seal, in one step.

    Raises:
        OSError: It cannot be written, or this user has no place for a secret.
    """
    with looking_up():  # it is no input of what is kept
        secret = _secret() or _new_secret()
    _replace(path, _sealed(content, secret) + content)


def _sealed(content: bytes, secret: bytes) -> bytes:
    """Return the checksum that only this user can make: a project may have come with files that look like ours."""
    return hashlib.blake2b(content, digest_size=32, key=secret).digest()


def _secret() -> bytes | None:
    """Return this user's secret, None where there is none that nobody else can have read or written."""
    try:
        descriptor = os.open(
            os.path.join(_of_user(), "secret"),
            os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0),
        )
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        info = os.fstat(descriptor)
        is_own = not hasattr(os, "getuid") or (info.st_uid == os.getuid() and not info.st_mode & 0o077)
        secret = stream.read(_SECRET_SIZE + 1) if is_own and stat.S_ISREG(info.st_mode) else b""
    return secret if len(secret) == _SECRET_SIZE else None


def _new_secret() -> bytes:
    secret = os.urandom(_SECRET_SIZE)
    base = _of_user()
    if not os.path.isdir(base):
        _make(base, base)
    _replace(os.path.join(base, "secret"), secret)
    return secret


def _replace(path: str, content: bytes) -> None:
    unfinished = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        descriptor = os.open(
            unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
        )
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(unfinished, path)
    except OSError:
        with suppress(OSError):
            os.remove(unfinished)
        raise
