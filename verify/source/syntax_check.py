"""Which files of a program are no Python: found out beside the analysis, on another core where there is one."""

from __future__ import annotations

import ast
import gc
import marshal
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from ..forked import Forked, cores
from .files import SourceFile
from .summarise import SourceError, invalid

_Found = dict[str, tuple[str, int, int, str]]


@dataclass
class SyntaxCheck:
    """Files that are being parsed by another process, or will be by this one when it is asked for the result."""

    _files: Sequence[SourceFile]
    _texts: Sequence[bytes]
    _copy: Forked | None = None

    @classmethod
    def start(
        cls, files: Sequence[SourceFile], texts: Sequence[bytes], *, jobs: int | None = None
    ) -> SyntaxCheck:
        """Begin to parse files, given with their content; in this process if there are to be no more `jobs`."""
        check = cls(files, texts)
        if files and (cores() if jobs is None else jobs) > 1:
            check._copy = Forked.start(lambda: marshal.dumps(check._parse()))
        return check

    def result(self) -> dict[str, SourceError]:
        """Return by module name the files that cannot be parsed, and why."""
        content = None if self._copy is None else self._copy.result()
        found: _Found = self._parse() if content is None else marshal.loads(content)
        return {module: SourceError(*parts) for module, parts in found.items()}

    def stop(self) -> None:
        """Give up the check; nobody asks for its result."""
        if self._copy is not None:
            self._copy.stop()

    def _parse(self) -> _Found:
        found: _Found = {}
        gc.disable()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for file, text in zip(self._files, self._texts, strict=True):
                    try:
                        ast.parse(text, filename=file.shown)
                    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                        wrong = invalid(file, error)
                        found[file.module] = (wrong.path, wrong.line, wrong.column, wrong.reason)
        finally:
            gc.enable()
        return found
