"""Stores that stand in a comment only: somebody wrote the wire, and somebody took it out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ..source import SourceFile
from ..source.model import Span
from ..source.program import Place

_STORES = r"""\s*(?:[-+*/|&]?=(?!=)|\.(?:append|add|update|extend|inc|set|observe)\()"""


@dataclass(frozen=True)
class CommentedOut:
    """Finds stores in comments; a file is read when the first is looked for in it.

    Attributes:
        files: The program's files by module.
    """

    files: Mapping[str, SourceFile] = field(default_factory=dict)
    _lines: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def store(self, name: str, modules: Collection[str], *, is_key: bool = False) -> Place | None:
        """Return the first comment of some modules that stores into a field or under a key of that name."""
        escaped = re.escape(name)
        written = rf"""\[["']{escaped}["']\]""" if is_key else rf"\.{escaped}\b"
        pattern = re.compile(rf"#.*{written}{_STORES}")
        for module in sorted(set(modules)):
            for number, text in self._comments(module):
                found = pattern.search(text)
                if found is not None:
                    span = Span(number, found.start() + 1, number, len(text) + 1)
                    return Place(self.files[module].shown, span)
        return None

    def _comments(self, module: str) -> Iterable[tuple[int, str]]:
        """Return the lines of a file that are a comment and nothing else."""
        if module not in self._lines:
            try:
                text = self.files[module].read().decode("utf-8", "replace")
            except (KeyError, OSError):
                text = ""
            lines = enumerate(text.split("\n"), 1)
            self._lines[module] = [(number, line) for number, line in lines if line.lstrip().startswith("#")]
        return self._lines[module]
