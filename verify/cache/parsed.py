"""Which contents are known to be Python, so that only changed files are parsed anew.

Kept are digests of contents, nothing else: a wrong one could only hide that a file is broken which no wire runs
through.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress

from .folder import read_checked, write_checked


def read_parsed(folder: str) -> frozenset[str]:
    """Return the digests that are kept in a folder; none where what is there cannot be believed."""
    return frozenset((read_checked(_path(folder)) or b"").decode("ascii", "replace").split())


def write_parsed(folder: str, digests: Iterable[str]) -> None:
    """Keep digests instead of those that are kept; where that cannot be written, nothing is kept."""
    with suppress(OSError):
        write_checked(_path(folder), "\n".join(sorted(digests)).encode())


def _path(folder: str) -> str:
    return os.path.join(folder, f"parsed-{sys.implementation.cache_tag}")
