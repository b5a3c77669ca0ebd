"""Reads and summarises the files of a program; what cannot be analysed is named, and the rest still is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .files import SourceFile
from .model import ModuleSummary
from .reassigned import settle
from .summarise import SourceError, summarise, unreadable


@dataclass(frozen=True, slots=True)
class Reading:
    """The summaries of a program's files, and by module name why a file has none."""

    summaries: tuple[ModuleSummary, ...]
    unparsed: dict[str, SourceError]

    @property
    def lines(self) -> int:
        """Source lines of all files that were summarised."""
        return sum(summary.source_lines for summary in self.summaries)


def read_sources(files: Iterable[SourceFile]) -> Reading:
    """Summarise files. Never raises: a file that cannot be read or parsed is in `unparsed`."""
    summaries: list[ModuleSummary] = []
    unparsed: dict[str, SourceError] = {}
    read: dict[str, SourceFile] = {}
    for file in files:
        read[file.module] = file
        try:
            summaries.append(summarise(file, file.read()))
        except SourceError as error:
            unparsed[file.module] = error
        except OSError as error:
            unparsed[file.module] = unreadable(file, error)

    def again(summary: ModuleSummary, varying: frozenset[str]) -> ModuleSummary | None:
        file = read[summary.name]
        try:
            return summarise(file, file.read(), varying)
        except (SourceError, OSError):  # it has changed meanwhile
            return None

    return Reading(tuple(settle(summaries, again)), unparsed)


Reader = Callable[[Iterable[SourceFile]], Reading]
"""What reads the files of a program: `read_sources`, or one that has some of the summaries already."""
