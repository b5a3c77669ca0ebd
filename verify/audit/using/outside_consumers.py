"""Consumers in other languages: which names do templates, queries, pages and dashboards mention?

A Vue page, an SQL text or a Jinja template cannot be followed. That it mentions a field's name, as written in Python or
in camel case, is taken for a read that may be one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

from ...source import SourceError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_BYTES = 4_000_000


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


def find_consumers(root: Path, globs: Sequence[str], exclude: Sequence[str]) -> OutsideConsumers:
    """Return the consumers under a project's folder that some globs match, Python sources left out."""
    found: dict[str, Path] = {}
    for pattern in globs:
        for path in sorted(root.glob(pattern)):
            shown = path.relative_to(root).as_posix()
            is_kept_out = any(fnmatch(shown, one) for one in exclude)
            if path.is_file() and path.suffix != ".py" and not is_kept_out:
                found.setdefault(shown, path)
    return OutsideConsumers(tuple(found.items()))


def camel_case(name: str) -> str:
    """Return a name as other languages write it: `infGradCount` for `inf_grad_count`."""
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)
