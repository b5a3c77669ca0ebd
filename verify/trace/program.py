"""The program that a trace runs through: read from whatever folders and files are named."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit.target import Target, find_targets
from ..cache.summaries import read_changed
from ..collector import collector_paused
from ..flow import Flow
from ..source import FunctionSymbol, Program, SourceError, SourceFile
from ..source.reading import Reader


class NothingReadableError(Exception):
    """No file of the program can be analysed."""


@dataclass(frozen=True, slots=True)
class ReadProgram:
    """A program that was read. Paths in it are relative to `root`; what is `skipped` is no part of it."""

    root: Path
    flow: Flow
    targets: tuple[Target, ...]
    skipped: tuple[SourceError, ...]
    files: int
    lines: int


def read_program(paths: Sequence[Path], *, read: Reader = read_changed) -> ReadProgram:
    """Read the programs that paths belong to, as one.

    Where a project names the functions that it starts from, what they do not reach is known never to run. Otherwise
    every function may be called by somebody.

    Raises:
        NothingToAuditError: A path does not exist or holds no Python source.
        ConfigurationError: The project's configuration cannot be used.
        NothingReadableError: None of the files can be analysed.
    """
    targets = find_targets(paths)
    root = Path(os.path.commonpath([target.root for target in targets]))
    files = [
        dataclasses.replace(file, shown=_shown(target.root, file, root))
        for target in targets
        for file in target.files
    ]
    with collector_paused():
        reading = read(files)
        if not reading.summaries:
            reasons = "; ".join(str(error) for error in list(reading.unparsed.values())[:3])
            raise NothingReadableError(f"none of {len(files)} files can be analysed: {reasons}")
        program = Program.link(reading.summaries)
        own = [sink for target in targets for sink in target.log_sinks]
        flow = Flow.of(program, entry_points=_entry_points(program, targets), log_sinks=own)
    skipped = (*reading.unparsed.values(), *flow.not_followed())
    return ReadProgram(root, flow, tuple(targets), skipped, len(files), reading.lines)


def _shown(folder: Path, file: SourceFile, root: Path) -> str:
    """Return how reports show a file; one that lies outside of its project is shown with its whole path."""
    place = folder / file.shown
    return place.relative_to(root).as_posix() if place.is_relative_to(root) else file.shown


def _entry_points(program: Program, targets: Sequence[Target]) -> list[FunctionSymbol]:
    found: list[FunctionSymbol] = []
    for text in (text for target in targets for text in target.entry_points):
        module, _, name = (part.strip() for part in text.partition("[")[0].partition(":"))
        symbol = program.resolve(module, name) if module in program.modules else None
        if isinstance(symbol, FunctionSymbol):
            found.append(symbol)
    return found or list(program.functions())
