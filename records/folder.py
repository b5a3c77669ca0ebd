"""The folder of generated pages, compared with what it should hold."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..registry.base import RECORD_ID
from .generated import is_untouched

_DIFF_LINES = 40
_DIFF_WIDTH = 200


class UnreadablePageError(Exception):
    """A page in the folder cannot be read, so nobody can tell what writing over it would lose."""


class State(enum.StrEnum):
    """How a page in the folder stands to the one that would be generated now."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"
    EDITED = "edited by hand"
    ORPHANED = "orphaned"


@dataclass(frozen=True, slots=True)
class Entry:
    """One page: what is found in the folder (None: nothing) and what belongs there (None: nothing)."""

    path: Path
    state: State
    found: str | None
    expected: str | None

    def difference(self, shown: str) -> Iterator[str]:
        """Yield a unified diff from what is found to what belongs there, cut off after some lines."""
        if self.found is None or self.expected is None:
            return
        lines = list(
            difflib.unified_diff(
                self.found.splitlines(),
                self.expected.splitlines(),
                fromfile=shown,
                tofile="generated now",
                n=1,
                lineterm="",
            )
        )
        for line in lines[:_DIFF_LINES]:
            yield line if len(line) <= _DIFF_WIDTH else line[: _DIFF_WIDTH - 1] + "…"
        if len(lines) > _DIFF_LINES:
            yield f"… {len(lines) - _DIFF_LINES} more lines"


def compare(folder: Path, expected: Mapping[str, str], *, known: frozenset[str] | None = None) -> list[Entry]:
    """Return the state of each expected page (ID to text), then every orphan.

    Args:
        folder: The folder of the pages; it need not exist.
        expected: The pages to compare.
        known: The IDs of all records. A page of another ID is an orphan; None looks for no orphans.

    Raises:
        UnreadablePageError: A page is there and cannot be read.
    """
    entries = [_entry(folder / f"{record}.md", text) for record, text in expected.items()]
    if known is not None and folder.is_dir():
        entries += [
            Entry(path, State.ORPHANED, None, None)
            for path in sorted(folder.glob("*.md"))
            if re.match(RECORD_ID, path.stem) and path.stem not in known
        ]
    return entries


def _entry(path: Path, expected: str) -> Entry:
    try:
        found = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Entry(path, State.MISSING, None, expected)
    except UnicodeDecodeError as error:
        raise UnreadablePageError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise UnreadablePageError(f"{path}: cannot be read: {error.strerror}") from None
    if found == expected:
        return Entry(path, State.FRESH, found, expected)
    return Entry(path, State.STALE if is_untouched(found) else State.EDITED, found, expected)
