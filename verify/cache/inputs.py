"""What an answer depends on: the content of files, the names in folders, as digests that can be compared later."""

from __future__ import annotations

import hashlib
import os
import stat

_LARGEST_INPUT = 1 << 28


def modified(path: str) -> int:
    """Return when a file was changed last, in ns; 0 for what is not there."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def digest(content: bytes) -> str:
    """Return the digest of a content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def file_digest(path: str) -> str | None:
    """Return the digest of a regular file's content; None for what is not there, or is no such file."""
    content = file_content(path)
    return None if content is None else digest(content)


def file_content(path: str) -> bytes | None:
    """Return a regular file's content; None for what is not there, or is no such file."""
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
        return content
    except OSError:
        return None
    finally:
        os.close(descriptor)


def folder_digest(path: str) -> str | None:
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
    return digest("\n".join(names).encode("utf-8", "surrogatepass"))
