"""Which files of a tree belong to the program, told from their paths and from what lies beside packages."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...registry.config import Configuration
from ...registry.layout import TEST_GLOBS, is_script, is_set_up
from ..source.files import SourceFile, is_entered, module_name, one_for_each_module
from ..source.printable import printable

_TEST_FOLDERS = ("tests", "test", "testing_suite")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the files of a project's folder are imported.

    Attributes:
        root: The folder; paths are relative to it.
        sources: Import name -> folder relative to the root; None where it is told from the files.
        exclude: Globs over paths.
        tests: Folders of tests, relative to the root.
    """

    root: Path
    sources: Mapping[str, PurePosixPath] | None
    exclude: Sequence[str] = ()
    tests: Sequence[PurePosixPath] = ()

    @classmethod
    def of(cls, configuration: Configuration, *, has_settings: bool) -> Layout:
        """Return the layout that a configuration states; without settings tests are told by their names."""
        root = configuration.root
        sources = None
        if not configuration.assumes("sources"):
            sources = {name: _relative(folder, root) for name, folder in configuration.sources.items()}
        if has_settings:
            tests = [_relative(folder, root) for folder in configuration.tests]
            return cls(root, sources, configuration.exclude, tests)
        globs = [glob for name in _TEST_FOLDERS for glob in (f"{name}/*", f"*/{name}/*")]
        return cls(root, sources, (*TEST_GLOBS, *globs))

    def files(self, paths: Iterable[str], read: Callable[[str], bytes | None]) -> list[SourceFile]:
        """Return the program's files among paths, in the order of their modules.

        Args:
            paths: All files of the tree, relative to the root.
            read: Returns the content of one, None for what is not there; asked where the sources have to be told.
        """
        python = [PurePosixPath(path) for path in paths if path.endswith(".py")]
        python = [path for path in python if all(is_entered(folder) for folder in path.parts[:-1])]
        sources = self._told_from(python, read) if self.sources is None else self.sources
        exclude = (*self.exclude, *TEST_GLOBS) if self.sources is None and "" in sources else self.exclude
        found: list[SourceFile] = []
        for import_name, folder in sources.items():
            for path in python:
                if not path.is_relative_to(folder) or self._is_left_out(path, exclude):
                    continue
                module, is_package = module_name(import_name, path.relative_to(folder))
                if module:
                    shown = printable(path.as_posix())
                    found.append(SourceFile(module, self.root / path, shown, is_package))
        return one_for_each_module(found)

    def path(self, file: SourceFile) -> str:
        """Return a file's path below the root, as git lists it."""
        return file.path.relative_to(self.root).as_posix()

    def _is_left_out(self, path: PurePosixPath, exclude: Sequence[str]) -> bool:
        shown = path.as_posix()
        if any(fnmatch.fnmatch(shown, pattern) for pattern in exclude):
            return True
        return any(path.is_relative_to(folder) for folder in self.tests)

    def _told_from(
        self, paths: Sequence[PurePosixPath], read: Callable[[str], bytes | None]
    ) -> dict[str, PurePosixPath]:
        """A package by itself, the packages of a folder (perhaps `src`), or the whole folder.

        The whole folder where there are no packages, or scripts beside them that use what they define.
        """
        known = set(paths)
        here = PurePosixPath()
        if here / "__init__.py" in known:
            return {self.root.name: here}
        base = here / "src" if any(path.parts[0] == "src" for path in paths) else here
        tops = {path.relative_to(base).parts[0] for path in paths if path.is_relative_to(base)}
        packages = {name: base / name for name in sorted(tops) if base / name / "__init__.py" in known}
        packages.pop("tests", None)
        if base is here and packages and not is_set_up(read):
            beside = (read(path.name) for path in paths if len(path.parts) == 1)
            if any(content is not None and is_script(content) for content in beside):
                return {"": here}
        return packages or {"": base}


def _relative(folder: Path, root: Path) -> PurePosixPath:
    """Return a folder relative to the root; one outside of it has no files among those of the root."""
    try:
        return PurePosixPath(folder.relative_to(root).as_posix())
    except ValueError:
        return PurePosixPath("..") / folder.name
