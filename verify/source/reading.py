"""Reads and summarises the files of a program; what cannot be analysed is named, and the rest still is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .files import SourceFile
from .kept import KeptSummaries, key_of
from .model import ModuleSummary
from .reassigned import settle
from .sharing import own_share, processes_for
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


def read_sources(
    files: Iterable[SourceFile], *, jobs: int | None = None, kept: KeptSummaries | None = None
) -> Reading:
    """Summarise files. Never raises: a file that cannot be read or parsed is in `unparsed`.

    Args:
        files: What to read.
        jobs: How many processes summarise; one for each core, where the program is large enough, when None.
        kept: Summaries of an earlier run, to be used where they fit, and what keeps those of this one.
    """
    listed = list(files)
    read = {file.module: file for file in listed}
    texts: dict[int, bytes] = {}
    found: dict[int, ModuleSummary] = {}
    unparsed: dict[str, SourceError] = {}
    for number, file in enumerate(listed):
        try:
            texts[number] = file.read()  # here, where it is noted that this run depends on it
        except OSError as error:
            unparsed[file.module] = unreadable(file, error)
    changed = {} if kept is None else _take_kept(kept, listed, texts, found)
    processes = processes_for(texts.values(), jobs)
    with contextlib.closing(own_share(listed, texts, found, processes=processes)) as numbers:
        for number in numbers:
            try:
                found[number] = summarise(listed[number], texts.pop(number))
            except SourceError as error:
                unparsed[listed[number].module] = error
    if kept is not None:
        for number in changed.keys() & found.keys():
            kept.keep(changed[number], found[number])
    summaries = [found[number] for number in range(len(listed)) if number in found]

    def again(summary: ModuleSummary, varying: frozenset[str]) -> ModuleSummary | None:
        file = read[summary.name]
        try:
            return summarise(file, file.read(), varying)
        except (SourceError, OSError):  # it has changed meanwhile
            return None

    names = [file.module for file in listed if file.module in unparsed]  # in the order of the files
    return Reading(tuple(settle(summaries, again)), {name: unparsed[name] for name in names})


def _take_kept(
    kept: KeptSummaries,
    files: Sequence[SourceFile],
    texts: dict[int, bytes],
    found: dict[int, ModuleSummary],
) -> dict[int, bytes]:
    """Take the summaries that are kept instead of the texts; return the keys of the files that are left."""
    changed: dict[int, bytes] = {}
    for number in list(texts):
        key = key_of(files[number], texts[number])
        summary = kept.of(key)
        if summary is None:
            changed[number] = key
        else:
            found[number] = summary
            del texts[number]
    return changed


Reader = Callable[[Iterable[SourceFile]], Reading]
"""What reads the files of a program: `read_sources`, or one that has some of the summaries already."""
