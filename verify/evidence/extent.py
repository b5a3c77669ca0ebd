"""How far a run of pytest looked, and from where: what it says nothing of must not be taken for what is not there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_CHOOSING = ("lf", "ignore", "ignore_glob")
"""Options that leave out files, or tests of them, without a word. What is deselected is known test by test."""

_FINDING = {"testpaths", "norecursedirs", "python_files", "python_classes", "python_functions"}


@dataclass(frozen=True)
class TestIds:
    """Turns the IDs of pytest's tests, whose files are named from pytest's root, into those of the project.

    Attributes:
        root: Pytest's root folder.
        project: The project's folder, from which everybody else names files.
    """

    __test__ = False  # not a test class of pytest's

    root: Path
    project: Path
    _files: dict[str, str] = field(default_factory=dict, compare=False)

    def of_project(self, test: str) -> str:
        """Return a test's ID with its file as it is seen from the project; one without a file stays as it is."""
        file, separator, rest = test.partition("::")
        if file not in self._files:
            self._files[file] = self._seen(file)
        return self._files[file] + separator + rest

    def _seen(self, file: str) -> str:
        path = os.path.join(self.root.resolve(), file)
        project = self.project.resolve()
        if not file or self.root.resolve() == project or not os.path.isfile(path):
            return file
        try:
            return Path(os.path.relpath(path, project)).as_posix()
        except ValueError:  # on another drive
            return file


@dataclass(frozen=True)
class Extent:
    """How far a run looked.

    Attributes:
        ids: From where it names tests.
        arguments: What it was called with.
        everything: Whether it looked at all files of tests that pytest finds in the project.
        whole_files: Whether it looked at all tests of each file that it looked at.
    """

    ids: TestIds
    arguments: tuple[str, ...]
    everything: bool
    whole_files: bool

    @classmethod
    def of(cls, config: pytest.Config, project: Path) -> Extent:
        """Return how far a run looks in a project."""
        asked = config.invocation_params
        by_hand = config.args_source is pytest.Config.ArgsSource.ARGS
        chosen = any(getattr(config.option, name, None) for name in _CHOOSING) or _finds_others(config)
        around = project.resolve().is_relative_to(asked.dir.resolve())
        parts = any("::" in argument for argument in config.args)
        return cls(
            TestIds(config.rootpath, project),
            tuple(map(str, asked.args)),
            everything=around and not by_hand and not chosen,
            whole_files=not parts and not getattr(config.option, "lf", None),
        )


def _finds_others(config: pytest.Config) -> bool:
    """Whether a setting that says where tests are was put aside for this run."""
    overridden: Iterable[str] = getattr(config.option, "override_ini", None) or ()
    return any(one.partition("=")[0] in _FINDING for one in overridden)
