"""Where the drive of a probe is defined, by the name of its module, and which other files of tests it depends on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..hook import digest_of_source


@dataclass(frozen=True)
class DriveFiles:
    """The folders in which modules of tests are looked for, and the files of the program, by module."""

    root: Path
    tests: Sequence[Path]
    program: Mapping[str, str]
    _uses: dict[Path, dict[str, str]] = field(default_factory=dict, compare=False)

    def file(self, module: str) -> Path | None:
        """Return the file of a module: of the program, or below the project's folder or one that holds tests."""
        if module in self.program:
            return Path(self.program[module])
        return _below(dict.fromkeys((self.root, *(one.parent for one in self.tests), *self.tests)), module)

    def used_by(self, drive: Path) -> dict[str, str]:
        """Return the digest of each file that a drive depends on, by its path from the project's folder.

        These are the files of tests that its own imports, those that they import in turn, and every conftest.py above
        it. Files of the program are left out: of them, functions count.
        """
        if drive not in self._uses:
            self._uses[drive] = self._used_by(drive)
        return self._uses[drive]

    def _used_by(self, drive: Path) -> dict[str, str]:
        own = {Path(path) for path in self.program.values()}
        above = [one for one in drive.parents if one == self.root or one.is_relative_to(self.root)]
        pending = [drive, *(path for one in above if (path := one / "conftest.py").is_file())]
        found: dict[Path, str] = {}
        while pending:
            file = pending.pop()
            if file in found or file in own:
                continue
            source = file.read_bytes()
            found[file] = digest_of_source(source)
            pending += self._imported(file, source)
        found.pop(drive, None)
        return dict(sorted((self._named(file), digest) for file, digest in found.items()))

    def _imported(self, file: Path, source: bytes) -> Iterator[Path]:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found = [self._module(file, one.name, 0) for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                named = [f"{module}.{one.name}".strip(".") for one in node.names]
                found = [self._module(file, one, node.level) for one in (module, *named) if one]
            else:
                continue
            yield from (one for one in found if one is not None)

    def _module(self, file: Path, module: str, level: int) -> Path | None:
        """Return the file that an import means: relative to a folder, or beside the file that imports it."""
        if level:
            return _below([file.parents[level - 1]], module) if level <= len(file.parents) else None
        return self.file(module) or _below([file.parent], module)

    def _named(self, file: Path) -> str:
        return (file.relative_to(self.root) if file.is_relative_to(self.root) else file).as_posix()


def _below(folders: Mapping[Path, None] | Sequence[Path], module: str) -> Path | None:
    parts = module.split(".")
    for folder in folders:
        base = folder.joinpath(*parts)
        for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None
