"""What a project's folder says of the project: whether others install it, and whether something in it is started."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

TEST_GLOBS = ("test_*.py", "*/test_*.py", "*_test.py", "conftest.py", "*/conftest.py")
"""Tests, by their names."""

_OF_DISTRIBUTIONS = {
    "setup.py": rb"",
    "setup.cfg": rb"^\[metadata\]",
    "pyproject.toml": rb"^\[(?:project|build-system|tool\.poetry|tool\.flit)\b",
}
"""What lies beside packages that are to be installed, and what it says."""
_OF_INSTALLED = ("*.dist-info", "*.egg-info")
"""What lies beside packages that have been."""
_STARTED = re.compile(rb"""^if __name__ == ["']__main__["']""", re.MULTILINE)


def is_distribution(folder: Path) -> bool:
    """Whether the packages in a folder are set up to be installed, or have been."""
    if any(next(folder.glob(pattern), None) is not None for pattern in _OF_INSTALLED):
        return True
    return any(
        _says(folder / name, re.compile(text, re.MULTILINE)) for name, text in _OF_DISTRIBUTIONS.items()
    )


def has_script(files: Iterable[Path]) -> bool:
    """Whether one of some modules is in no package and does something when it is started."""
    return any(not (file.parent / "__init__.py").exists() and _says(file, _STARTED) for file in files)


def _says(file: Path, text: re.Pattern[bytes]) -> bool:
    """Whether a file can be read, and has a text in it."""
    try:
        return text.search(file.read_bytes()) is not None
    except OSError:
        return False
