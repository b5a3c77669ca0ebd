"""What of a file of mutants still holds: the functions, the tests and the coverage that it was made with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from ....registry import Record
from ..dependencies import changed
from ..hook import file_digest
from ..plan import PointKey
from ..probes.files import DriveFiles
from .document import MutantResult, MutantsModel
from .mutant import State
from .sights import PASSED, Sights


@dataclass
class Files:
    """Digests of files of tests as they are now, each read once.

    Attributes:
        uses: What a file of tests depends on.
        drives: The file of each record's drive, by the record's ID, with which the IDs of its probes begin.
    """

    uses: DriveFiles
    drives: Mapping[str, Path]
    _known: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, uses: DriveFiles, records: Iterable[Record]) -> Files:
        """Look for the drives of records."""
        probed = {one.id: uses.file(one.probe.drive.module) for one in records if one.probe is not None}
        return cls(uses, {record: file for record, file in probed.items() if file is not None})

    def digest(self, file: str) -> str | None:
        """Return the digest of a file, None where there is none."""
        if file not in self._known:
            self._known[file] = file_digest(self.uses.root / file)
        return self._known[file]

    def note(self, tests: Iterable[str]) -> None:
        """Read the files of some tests now, whatever becomes of them later."""
        for test in tests:
            for file in self.files_of(test):
                self.digest(file)

    def files_of(self, test: str) -> Iterator[str]:
        """Yield the files that a test depends on: its own, every conftest.py that it may use, and what they import.

        A probe's own file is that of its drive. Files of the program are left out: of them, functions count.
        """
        name = test.partition("::")[0]
        file = self.drives.get(name, self.uses.root / name)
        own = file.relative_to(self.uses.root) if file.is_relative_to(self.uses.root) else file
        yield own.as_posix()
        for folder in PurePosixPath(own).parents:
            yield (folder / "conftest.py").as_posix()
        if file.is_file():
            yield from self.uses.used_by(file)


@dataclass(frozen=True)
class Standing:
    """Says which results of a file still hold.

    Attributes:
        document: What the mutants left.
        functions: The digest of each function that a wire crosses, as it is now.
        files: The files of tests, as they are now.
        sights: What the last run of the tests saw; None where nothing is known of it.
    """

    document: MutantsModel
    functions: Mapping[tuple[str, str], str]
    files: Files
    sights: Sights | None = None

    def changed_function(self, keys: Iterator[tuple[str, str]]) -> str | None:
        """Return the first of some functions that is not as it was when the mutants ran."""
        for key in keys:
            what = changed(key, self._digests.get(key), self.functions.get(key))
            if what is not None:
                return what
        return None

    def outdated(self, result: MutantResult) -> str | None:
        """Say why the tests that a result comes from are not the ones of today; None where they are."""
        if result.killed_by is not None and self.sights is not None:
            killer = self.document.tests[result.killed_by]
            if self.sights.outcomes.get(killer, PASSED) != PASSED:
                return f"{killer} does not pass any more"
        by = result.tests if result.killed_by is None else [result.killed_by]
        for test in by:
            for file in self.files.files_of(self.document.tests[test]):
                if self.files.digest(file) != self.document.files.get(file):
                    return f"{file} has changed since the mutants ran"
        if result.state is not State.KILLED and self.sights is not None:
            known = {self.document.tests[test] for test in result.tests}
            more = set(self.sights.tests(self.key(result))) - known
            if more:
                return f"{min(more)} passes it too since"
        return None

    def key(self, result: MutantResult) -> PointKey:
        """Return the point that a result belongs to."""
        return self._keys[result.point]

    @cached_property
    def results(self) -> dict[PointKey, list[MutantResult]]:
        """The results by their point."""
        found: dict[PointKey, list[MutantResult]] = {key: [] for key in self._keys}
        for result in self.document.mutants:
            found[self.key(result)].append(result)
        return found

    @cached_property
    def _keys(self) -> list[PointKey]:
        functions = self.document.functions
        return [
            PointKey(
                functions[one.function].module,
                functions[one.function].function,
                one.number,
                one.parameter,
                one.key,
            )
            for one in self.document.points
        ]

    @cached_property
    def _digests(self) -> dict[tuple[str, str], str]:
        return {(one.module, one.function): one.digest for one in self.document.functions}
