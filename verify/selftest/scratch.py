"""A copy of what a verification reads of a project, to plant faults in: the project itself is never touched."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...registry.config import Configuration
from ..source import SourceFile


@dataclass(frozen=True)
class Scratch:
    """A folder that holds a copy of a project's sources, records and tests, with the settings that fit it."""

    root: Path
    folder: Path
    configuration: Configuration

    @classmethod
    def of(cls, configuration: Configuration, files: Iterable[SourceFile], folder: Path) -> Scratch:
        """Copy a project; `files` are its sources. Evidence is left behind: it is not of what will stand there."""
        made = cls(configuration.root, folder, configuration)
        modules: set[str] = set()
        for file in files:
            made._copy(file.path)
            modules.add(file.module)
        for path in (*configuration.registry, *configuration.tests, configuration.categories):
            if path is None or not path.exists():
                continue
            made._copy(path)
        settings = dataclasses.replace(
            configuration,
            root=folder,
            sources={name: made.copied(path) for name, path in configuration.sources.items()},
            registry=tuple(map(made.copied, configuration.registry)),
            tests=tuple(map(made.copied, configuration.tests)),
            categories=None if configuration.categories is None else made.copied(configuration.categories),
            entry_points=tuple(
                text for text in configuration.entry_points if text.partition(":")[0].strip() in modules
            ),
            evidence=None,
            requires=None,
        )
        for path in settings.sources.values():
            path.mkdir(parents=True, exist_ok=True)
        return dataclasses.replace(made, configuration=settings)

    def copied(self, path: Path) -> Path:
        """Return where the copy of a file or folder is."""
        path = path.resolve()
        if path.is_relative_to(self.root):
            return self.folder / path.relative_to(self.root)
        return self.folder / "outside" / path.relative_to(path.anchor)

    @contextmanager
    def changed(self, contents: Mapping[Path, bytes]) -> Iterator[Configuration]:
        """Give the copies of files another content while the block runs."""
        before = {path: self.copied(path).read_bytes() for path in contents}
        try:
            for path, content in contents.items():
                self.copied(path).write_bytes(content)
            yield self.configuration
        finally:
            for path, content in before.items():
                self.copied(path).write_bytes(content)

    def _copy(self, path: Path) -> None:
        target = self.copied(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(path, target, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy2(path, target)
