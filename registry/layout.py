"""What a project's folder says of the project: whether others install it, and whether something in it is started."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
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
    return is_set_up(lambda name: _content(folder / name))


def is_set_up(read: Callable[[str], bytes | None]) -> bool:
    """Whether packages are set up to be installed, where `read` returns the content of a file beside them, or None."""
    found = ((read(name), text) for name, text in _OF_DISTRIBUTIONS.items())
    return any(
        content is not None and re.search(text, content, re.MULTILINE) is not None for content, text in found
    )


def has_script(files: Iterable[Path]) -> bool:
    """Whether one of some modules is in no package and does something when it is started."""
    return any(
        not (file.parent / "__init__.py").exists()
        and (content := _content(file)) is not None
        and is_script(content)
        for file in files
    )


def is_script(content: bytes) -> bool:
    """Whether a module does something when it is started."""
    return _STARTED.search(content) is not None


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
