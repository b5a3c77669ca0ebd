"""What the files of a program hold, read once; which of them are no Python is found out beside what comes next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .cache.inputs import digest
from .cache.parsed import read_parsed, write_parsed
from .source import SourceError, SourceFile, discover
from .source.summarise import unreadable
from .source.syntax_check import SyntaxCheck

if TYPE_CHECKING:
    from ..registry.config import Configuration


def project_files(configuration: Configuration) -> list[SourceFile]:
    """Return the files of a project that are no tests."""
    found = discover(configuration.sources, root=configuration.root, exclude=configuration.exclude)
    return [
        file for file in found if not any(file.path.is_relative_to(tests) for tests in configuration.tests)
    ]


class SourceTexts:
    """The files of a program with their content, some of which another process is parsing meanwhile.

    To be made as soon as it is known which files they are: loading the rest of an analysis takes as long as parsing
    does. Use it as a context manager, which forgets the content, and gives up the check that nobody has asked for.

    Args:
        files: The program's files.
        cache: A folder where to keep which contents are known to be Python; None for none.
        jobs: How many processes may share the work; what suits the machine when None.
    """

    def __init__(self, files: Sequence[SourceFile], *, cache: str | None, jobs: int | None = None) -> None:
        self.files: tuple[SourceFile, ...] = tuple(files)
        self._cache: str | None = cache
        texts: dict[str, bytes] = {}
        unread: dict[str, SourceError] = {}
        for file in files:
            try:
                texts[file.module] = file.read()
            except OSError as error:
                unread[file.module] = unreadable(file, error)
        self.texts: Mapping[str, bytes] = texts
        self.unread: Mapping[str, SourceError] = unread
        self.read: Mapping[str, SourceFile] = {file.module: file for file in files if file.module in texts}
        self._digests = {} if cache is None else {name: digest(text) for name, text in texts.items()}
        parsed = frozenset() if cache is None else read_parsed(cache)
        self._unknown: Collection[str] = [name for name in texts if self._digests.get(name) not in parsed]
        self._check: SyntaxCheck = SyntaxCheck.start(
            [self.read[name] for name in self._unknown], [texts[name] for name in self._unknown], jobs=jobs
        )

    @classmethod
    def of(cls, configuration: Configuration, *, cache: str | None, jobs: int | None = None) -> Self:
        """Return those of a project."""
        return cls(project_files(configuration), cache=cache, jobs=jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._check.stop()
        self.texts, self.read = {}, {}

    def broken(self) -> Mapping[str, SourceError]:
        """Return by module name which files are no Python, and why: to be asked once, when all else is done."""
        broken = self._check.result()
        if self._cache is not None and self._unknown:
            write_parsed(self._cache, {found for name, found in self._digests.items() if name not in broken})
        return broken
