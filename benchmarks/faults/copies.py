"""A copy of a project on disk, in which the files of a planted fault are changed and put back."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from telewire.registry.config import Configuration

_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*_cache", "*.dist-info", "*.so")


@dataclass
class ProjectCopy:
    """A project that can be changed: each process copies it once, when it is needed.

    Attributes:
        root: The project.
        parts: The files and folders in it that are copied.
        settings: What returns the settings of the project that a folder holds.
    """

    root: Path
    parts: tuple[str, ...]
    settings: Callable[[Path], Configuration]
    _copies: Path = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._copies = Path(tempfile.mkdtemp(prefix="telewire-faults-")).resolve()
        weakref.finalize(self, shutil.rmtree, self._copies, ignore_errors=True)

    @contextmanager
    def changed(self, contents: Mapping[str, bytes]) -> Iterator[Configuration]:
        """Give files, by their path in the project, another content while the block runs."""
        folder = self._folder()
        before = {path: (folder / path).read_bytes() for path in contents}
        try:
            for path, content in contents.items():
                (folder / path).write_bytes(content)
            yield self.settings(folder)
        finally:
            for path, content in before.items():
                (folder / path).write_bytes(content)

    def _folder(self) -> Path:
        copy = self._copies / str(os.getpid())
        if not copy.exists():
            copy.mkdir()
            for part in self.parts:
                if (self.root / part).is_dir():
                    shutil.copytree(self.root / part, copy / part, ignore=_LEFT_OUT)
                else:
                    shutil.copy2(self.root / part, copy / part)
        return copy
