"""Which files of a program are no Python: found out beside the analysis, on another core where there is one."""

from __future__ import annotations

import ast
import contextlib
import gc
import json
import os
import signal
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from .files import SourceFile
from .summarise import SourceError, invalid

_Found = dict[str, tuple[str, int, int, str]]


@dataclass
class SyntaxCheck:
    """Files that are being parsed by another process, or will be by this one when it is asked for the result."""

    _files: Sequence[SourceFile]
    _texts: Sequence[bytes]
    _process: int | None = None
    _pipe: int | None = None

    @classmethod
    def start(cls, files: Sequence[SourceFile], texts: Sequence[bytes]) -> SyntaxCheck:
        """Begin to parse files, given with their content."""
        check = cls(files, texts)
        if files and hasattr(os, "fork") and (os.cpu_count() or 1) > 1 and threading.active_count() == 1:
            with contextlib.suppress(OSError):
                check._fork()
        return check

    def _fork(self) -> None:
        reading, writing = os.pipe()
        try:
            process = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if process == 0:
            status = 1
            try:
                os.close(reading)
                with os.fdopen(writing, "wb") as stream:
                    stream.write(json.dumps(self._parse()).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        self._process, self._pipe = process, reading

    def result(self) -> dict[str, SourceError]:
        """Return by module name the files that cannot be parsed, and why."""
        found = self._received()
        if found is None:
            found = self._parse()
        return {module: SourceError(*parts) for module, parts in found.items()}

    def stop(self) -> None:
        """Give up the check; nobody asks for its result."""
        if self._pipe is not None:
            os.close(self._pipe)
            if self._process is not None:
                os.kill(self._process, signal.SIGKILL)
            self._reap()

    def _received(self) -> _Found | None:
        """Return what the other process found; None where there is none, or it did not end well."""
        if self._pipe is None:
            return None
        with os.fdopen(self._pipe, "rb") as stream:
            content = stream.read()
        if self._reap() != 0:
            return None
        found: _Found = json.loads(content)
        return found

    def _reap(self) -> int:
        process, self._process, self._pipe = self._process, None, None
        assert process is not None
        return os.waitpid(process, 0)[1]

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
