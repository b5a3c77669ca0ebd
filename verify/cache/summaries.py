"""Summaries of the files that have not changed since the last run: only the others are parsed again.

They are `marshal`'s bytes, which must not come from somebody else. So they lie in the user's own cache folder and never
in a project's, which may have come with the project; a damaged file, or one of another version, counts as none.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress

from ..source import Reading, SourceFile, read_sources
from ..source.kept import KeptSummaries
from .folder import read_checked, user_folder, write_checked
from .recording import keeps_for_user, looking_up
from .replay import own_files, thin_out


def read_changed(files: Iterable[SourceFile], *, jobs: int | None = None) -> Reading:
    """Summarise files as `read_sources` does; those are not parsed whose summary an earlier run has kept.

    Nothing is kept unless the running command keeps its answers, in the usual place.
    """
    listed = list(files)
    path = _path(listed) if keeps_for_user() else None
    if path is None:
        return read_sources(listed, jobs=jobs)
    kept = KeptSummaries(_read(path))
    reading = read_sources(listed, jobs=jobs, kept=kept)
    if kept.now.keys() != kept.before.keys():
        with looking_up(), suppress(OSError, ValueError):
            write_checked(path, _version() + marshal.dumps(kept.now))
            thin_out(os.path.dirname(path))
    return reading


def _read(path: str) -> Mapping[bytes, bytes]:
    with looking_up():
        content = read_checked(path) or b""
    version = _version()
    if not content.startswith(version):
        return {}
    known: dict[bytes, bytes] = marshal.loads(memoryview(content)[len(version) :])
    return known


def _path(files: Iterable[SourceFile]) -> str | None:
    """Return where the summaries of a program are kept: one file for the packages at one place."""
    with looking_up():
        folder = user_folder("summaries")
    if folder is None:
        return None
    tops = {(file.module.partition(".")[0], _top(file)) for file in files}
    name = hashlib.blake2b(repr(sorted(tops)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return os.path.join(folder, name)


def _top(file: SourceFile) -> str:
    """Return the folder that a file's package lies in, or the file's where it is in none."""
    depth = file.module.count(".") + (1 if file.is_package else 0)
    return str(file.path.parents[min(depth, len(file.path.parents) - 1)])


def _version() -> bytes:
    return hashlib.blake2b(f"{sys.version} {own_files()}".encode(), digest_size=32).digest()
