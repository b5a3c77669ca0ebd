"""Where the drive of a probe is defined, by the name of its module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DriveFiles:
    """The folders in which modules of tests are looked for, and the files of the program, by module."""

    root: Path
    tests: Sequence[Path]
    program: Mapping[str, str]

    def file(self, module: str) -> Path | None:
        """Return the file of a module: of the program, or below the project's folder or one that holds tests."""
        if module in self.program:
            return Path(self.program[module])
        parts = module.split(".")
        for folder in dict.fromkeys((self.root, *(one.parent for one in self.tests), *self.tests)):
            base = folder.joinpath(*parts)
            for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
                if path.is_file():
                    return path
        return None
