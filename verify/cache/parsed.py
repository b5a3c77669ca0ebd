"""Which contents are known to be Python, so that only changed files are parsed anew.

Kept are digests of contents, nothing else: a wrong one could only hide that a file is broken which no wire runs
through.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from contextlib import suppress

from .folder import read_checked, write_checked

_SIZE = 16


def digest(text: bytes) -> bytes:
    """Return what stands for a file's content."""
    return hashlib.blake2b(text, digest_size=_SIZE, person=b"telewire-parsed").digest()


def read_parsed(folder: str) -> frozenset[bytes]:
    """Return the digests that are kept in a folder; none where what is there cannot be believed."""
    content = read_checked(_path(folder)) or b""
    if len(content) % _SIZE:
        return frozenset()
    return frozenset(content[at : at + _SIZE] for at in range(0, len(content), _SIZE))


def write_parsed(folder: str, digests: Iterable[bytes]) -> None:
    """Keep digests instead of those that are kept; where that cannot be written, nothing is kept."""
    with suppress(OSError):
        write_checked(_path(folder), b"".join(sorted(digests)))


def _path(folder: str) -> str:
    return os.path.join(folder, f"parsed-{sys.implementation.cache_tag}")
