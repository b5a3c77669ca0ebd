"""The modules of a program that are read when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .files import SourceFile
from .model import ModuleSummary
from .summarise import SourceError, summarise


class ModulesOnDemand(Mapping[str, ModuleSummary]):
    """Summaries by module name; `read` holds those that were asked for so far.

    A file that cannot be analysed is not there, and `unparsed` says why.
    """

    def __init__(self, files: Mapping[str, SourceFile], texts: Mapping[str, bytes]) -> None:
        self._files = files
        self._texts = texts
        self.read: dict[str, ModuleSummary] = {}
        self.unparsed: dict[str, SourceError] = {}

    def __getitem__(self, name: str) -> ModuleSummary:
        summary = self.read.get(name)
        if summary is not None:
            return summary
        if name in self.unparsed:
            raise KeyError(name)
        file = self._files[name]
        try:
            summary = summarise(file, self._texts[name])
        except SourceError as error:
            self.unparsed[name] = error
            raise KeyError(name) from None
        self.read[name] = summary
        return summary

    def __contains__(self, name: object) -> bool:
        if name in self.read:
            return True
        if name not in self._files or not isinstance(name, str):
            return False
        return self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._files if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
