"""Which files belong to a program, and under which module name."""

from __future__ import annotations

import errno
import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from .printable import printable

LARGEST = 1 << 24
"""Bytes of the largest file that is taken for a source."""

_NEVER = {"__pycache__", "node_modules", "site-packages", "build", "dist"}


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """A folder whose files are imported under `import_name` (`telewire` -> the repository's root)."""

    import_name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file with its module name; `shown` is its path relative to the project, as reports print it.

    What cannot be printed of the path stands in `shown` as an escape.
    """

    module: str
    path: Path
    shown: str
    is_package: bool

    def read(self) -> bytes:
        """Return the file's content.

        Raises:
            OSError: It cannot be read, is no regular file (a pipe would block for ever), or larger than any source.
        """
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(self.path, flags), "rb") as stream:
            info = os.fstat(stream.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            if info.st_size > LARGEST:
                raise OSError(errno.EFBIG, f"it is larger than {LARGEST >> 20} MiB")
            return stream.read(LARGEST)


def discover(sources: Mapping[str, Path], *, root: Path, exclude: Sequence[str] = ()) -> list[SourceFile]:
    """Return the Python files of all source folders in a stable order.

    `exclude` holds glob patterns over the path relative to the project's `root`. Hidden folders, virtual
    environments, caches and build output are never entered, links to folders are not followed.
    """
    found: list[SourceFile] = []
    for import_name, folder in sources.items():
        for path in _python_files(folder):
            shown = _shown(path, root)
            if any(fnmatch.fnmatch(shown, pattern) for pattern in exclude):
                continue
            module, is_package = module_name(import_name, path.relative_to(folder))
            if module:
                found.append(SourceFile(module, path, shown, is_package))
    return one_for_each_module(found)


def one_for_each_module(files: Iterable[SourceFile]) -> list[SourceFile]:
    """Return the first file of each module, in the order of names; a package wins over the module beside it."""
    found: dict[str, SourceFile] = {}
    for file in files:
        other = found.setdefault(file.module, file)
        if file.is_package and not other.is_package and file.path.parent.parent == other.path.parent:
            found[file.module] = file  # as Python imports it
    return [found[name] for name in sorted(found)]


def module_name(import_name: str, path: PurePath) -> tuple[str, bool]:
    """Return the module that a file below a source folder is, and whether it is a package."""
    *parts, name = path.parts
    parts.append(name.rpartition(".")[0] or name)  # `with_suffix` refuses "..py" on Python 3.13
    is_package = parts[-1] == "__init__"
    if is_package:
        parts.pop()
    return ".".join([*filter(None, [import_name]), *parts]), is_package


def is_entered(folder: str) -> bool:
    """Whether sources are looked for in a folder of that name."""
    return not folder.startswith(".") and folder not in _NEVER


def _python_files(folder: Path) -> Iterator[Path]:
    for current, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if is_entered(name) and not os.path.exists(os.path.join(current, name, "pyvenv.cfg"))
        )
        for name in sorted(names):
            if name.endswith(".py"):
                yield Path(current, name)


def _shown(path: Path, root: Path) -> str:
    try:
        return printable(path.relative_to(root).as_posix())
    except ValueError:
        return printable(path.as_posix())
