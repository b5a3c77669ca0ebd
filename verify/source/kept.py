"""Summaries that an earlier run has made: a file whose text they were made of is not parsed again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from .files import SourceFile
from .model import ModuleSummary
from .plain import dumped, loaded


@dataclass
class KeptSummaries:
    """Summaries as bytes, by a digest of all that each depends on beside this program.

    Attributes:
        before: Those of an earlier run of the same program.
        now: Those of the files that were asked about in this run.
    """

    before: Mapping[bytes, bytes] = field(default_factory=dict)
    now: dict[bytes, bytes] = field(default_factory=dict)

    def of(self, file: SourceFile, text: bytes) -> ModuleSummary | None:
        """Return a file's summary; None where none of its text is kept."""
        key = _key(file, text)
        content = self.before.get(key)
        if content is None:
            return None
        try:
            summary = loaded(content)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError):
            return None  # of another form
        self.now[key] = content
        return summary

    def keep(self, file: SourceFile, text: bytes, summary: ModuleSummary) -> None:
        """Keep the summary that was made of a file's text."""
        self.now[_key(file, text)] = dumped(summary)


def _key(file: SourceFile, text: bytes) -> bytes:
    about = repr((file.module, file.shown, file.is_package)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=20, key=hashlib.blake2b(about, digest_size=32).digest()).digest()
