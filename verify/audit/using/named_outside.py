"""What is named where its uses are not seen: by packaging metadata (scripts, plugins), or by one of several imports."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Iterator
from pathlib import Path

from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.summarise import TOP_LEVEL


def entry_points_at(root: Path) -> tuple[str, ...]:
    """Return every `module:name` that a project's `pyproject.toml` names, or the metadata of what is installed there.

    What cannot be read or parsed names nothing.
    """
    found: dict[str, None] = {}
    for path in (
        *sorted(root.glob("*.dist-info/entry_points.txt")),
        *sorted(root.glob("*.egg-info/entry_points.txt")),
    ):
        found |= dict.fromkeys(_installed(path))
    found |= dict.fromkeys(_of_project(root / "pyproject.toml"))
    return tuple(found)


def named_by(program: Program, entry_points: tuple[str, ...]) -> frozenset[ClassSymbol | FunctionSymbol]:
    """Return the functions and classes that entry points name, and the bodies of the modules that these are in.

    The methods of such classes are left out.
    """
    found: set[ClassSymbol | FunctionSymbol] = set()
    for text in entry_points:
        module, _, name = (part.strip() for part in text.partition("[")[0].partition(":"))
        if module in program.modules:
            found.add(FunctionSymbol(module, TOP_LEVEL))
        symbol = program.resolve(module, name) if name and module in program.modules else None
        if isinstance(symbol, ClassSymbol | FunctionSymbol):
            found.add(symbol)
    return frozenset(found)


def imported_beside(program: Program) -> frozenset[ClassSymbol | FunctionSymbol]:
    """Return the functions, and the classes with their methods, by whose local name another import goes as well.

    On another branch, or in another function: an import there may be the one that counts, and its uses are not known.
    """
    found: set[ClassSymbol | FunctionSymbol] = set()
    for summary in program.summaries():
        for target in summary.other_imports:
            symbol = program.absolute(target)
            if isinstance(symbol, ClassSymbol):
                methods = program.class_(symbol).methods.values()
                found.update(FunctionSymbol(symbol.module, method) for method in methods)
            if isinstance(symbol, ClassSymbol | FunctionSymbol):
                found.add(symbol)
    return frozenset(found)


def _installed(path: Path) -> Iterator[str]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return
    for section in parser.sections():
        yield from (value for _, value in parser.items(section) if value)


def _of_project(path: Path) -> Iterator[str]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return
    project = content.get("project")
    groups = project.get("entry-points") if isinstance(project, dict) else None
    for group in groups.values() if isinstance(groups, dict) else ():
        yield from (
            value for value in (group.values() if isinstance(group, dict) else ()) if isinstance(value, str)
        )
