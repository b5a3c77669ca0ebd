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

    def of(self, key: bytes) -> ModuleSummary | None:
        """Return the summary of a file with that key; None where there is none."""
        content = self.before.get(key)
        if content is None:
            return None
        try:
            summary = loaded(content)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError):
            return None  # of another form
        self.now[key] = content
        return summary

    def keep(self, key: bytes, summary: ModuleSummary) -> None:
        """Keep the summary that was made of the file with that key."""
        self.now[key] = dumped(summary)


def key_of(file: SourceFile, text: bytes) -> bytes:
    """Return what tells a file with its text from any other."""
    about = repr((file.module, file.shown, file.is_package)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=20, key=hashlib.blake2b(about, digest_size=32).digest()).digest()
