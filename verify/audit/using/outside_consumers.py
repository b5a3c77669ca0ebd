"""Consumers in other languages: which names do templates, queries, pages and dashboards mention?

A Vue page, an SQL text or a Jinja template cannot be followed. That it mentions a field's name, as written in Python or
in camel case, is taken for a read that may be one. The Cython modules beside the Python ones are such consumers too: a
part of the program that nobody has to name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path, PurePath

from ...source import SourceError, SourceFile

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_BYTES = 4_000_000
_CYTHON = {".pyx", ".pxi"}


@dataclass(frozen=True)
class OutsideConsumers:
    """The names in some files; they are read when the first name is asked for.

    Attributes:
        files: How reports show each file, and where it is.
    """

    files: tuple[tuple[str, Path], ...] = ()

    def mention(self, name: str) -> str | None:
        """Return the first file that mentions a name, None where none does."""
        return self._names.get(name) or self._names.get(camel_case(name))

    @property
    def unreadable(self) -> tuple[SourceError, ...]:
        """The files that cannot be read: what they mention is not known."""
        return self._read[1]

    @property
    def _names(self) -> Mapping[str, str]:
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[Mapping[str, str], tuple[SourceError, ...]]:
        found: dict[str, str] = {}
        unreadable: list[SourceError] = []
        for shown, path in self.files:
            try:
                with path.open("rb") as stream:
                    text = stream.read(_MOST_BYTES).decode("utf-8", errors="replace")
            except OSError as error:
                unreadable.append(SourceError(shown, 1, 1, f"cannot be read: {error.strerror}"))
                continue
            for name in _NAME.findall(text):
                found.setdefault(name, shown)
        return found, tuple(unreadable)


def find_consumers(
    root: Path, files: Iterable[SourceFile], globs: Sequence[str] = (), exclude: Sequence[str] = ()
) -> OutsideConsumers:
    """Return the consumers under a project's folder: the Cython modules beside some files, and what globs match.

    Python sources are none.
    """
    found: dict[str, Path] = {}
    folders = {file.path.parent: PurePath(file.shown).parent for file in files}
    for folder, shown in sorted(folders.items()):
        for path in _entries(folder):
            if path.suffix in _CYTHON:
                found[(shown / path.name).as_posix()] = path
    for pattern in globs:
        for path in sorted(root.glob(pattern)):
            if path.suffix != ".py":
                found.setdefault(path.relative_to(root).as_posix(), path)
    kept = ((shown, path) for shown, path in found.items() if not any(fnmatch(shown, one) for one in exclude))
    return OutsideConsumers(tuple((shown, path) for shown, path in kept if _is_file(path)))


def _entries(folder: Path) -> list[Path]:
    """Return what stands in a folder; nothing of one that may not be listed."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    """Whether something is a file; a link to where nobody may look may be one, and is named as unreadable."""
    try:
        return path.is_file()
    except OSError:
        return True


def camel_case(name: str) -> str:
    """Return a name as other languages write it: `infGradCount` for `inf_grad_count`."""
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)
