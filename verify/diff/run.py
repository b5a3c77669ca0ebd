"""One comparison from start to end: two revisions in, what lost its wire out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...registry.config import Configuration, find_root, load_configuration
from ..collector import collector_paused
from ..flow import Flow
from ..git import Repository, blob_name
from ..source import FunctionSymbol, Program, SourceError, SourceFile, settle, summarise
from ..source.model import ModuleSummary
from .compare import compare
from .listing import Layout
from .model import WiringDiff
from .snapshot import Snapshot


class NothingToCompareError(Exception):
    """A revision holds no Python source of the project, or none that can be analysed."""


def diff_revisions(project: Path, base: str, head: str | None = None) -> WiringDiff:
    """Compare two revisions of the project that a folder lies in; `head` None stands for its work tree.

    Neither the work tree nor the index is touched. The settings are those of the work tree.

    Raises:
        GitError: There is no repository or no such revision.
        ConfigurationError: The project's configuration cannot be used.
        NothingToCompareError: A state holds no source.
    """
    started = time.perf_counter()
    root = find_root(project.resolve())
    configuration = load_configuration(root)
    has_settings = any((root / name).is_file() for name in ("pyproject.toml", "telewire.toml"))
    layout = Layout.of(configuration, has_settings=has_settings)
    repository = Repository.around(root)
    old_files = repository.files(repository.commit(base))
    reader = _Reader()
    with collector_paused():
        if head is None:
            listed = layout.files(repository.work_tree_files())
            contents, new_files = _work_tree(listed, like=next(iter(old_files.values()), ""))
        else:
            new_files = repository.files(repository.commit(head))
            contents = {}
        states = []
        for name, files in ((base, old_files), (head or "the work tree", new_files)):
            wanted = layout.files(files)
            if not wanted:
                raise NothingToCompareError(f"{name} holds no Python source below {root}")
            missing = [files[file.shown] for file in wanted if files[file.shown] not in contents]
            contents |= repository.blobs(missing)
            states.append(reader.read(wanted, files, contents))
        for name, state in zip((base, head or "the work tree"), states, strict=True):
            if not state:
                raise NothingToCompareError(
                    f"none of the files of {name} can be analysed: {reader.skipped[0]}"
                )
        old, new = (Snapshot(_flow(summaries, configuration)) for summaries in states)
        comparison = compare(old, new)
    shown_old = {file.shown: old_files[file.shown] for file in layout.files(old_files)}
    shown_new = {file.shown: new_files[file.shown] for file in layout.files(new_files)}
    return WiringDiff(
        base=base,
        head=head,
        lost=comparison.lost,
        gained=comparison.gained,
        changed=sum(
            shown_old.get(path) != shown_new.get(path) for path in shown_old.keys() | shown_new.keys()
        ),
        files=len(shown_new),
        skipped=tuple(reader.skipped),
        seconds=time.perf_counter() - started,
    )


@dataclass
class _Reader:
    """Summarises contents, each file that is the same in both states once."""

    skipped: list[SourceError] = field(default_factory=list)
    _known: dict[tuple[str, str, str], ModuleSummary | SourceError] = field(default_factory=dict)

    def read(
        self, wanted: list[SourceFile], files: Mapping[str, str], contents: Mapping[str, bytes]
    ) -> list[ModuleSummary]:
        """Return the summaries of a state's files; what cannot be analysed is in `skipped`."""
        found: list[ModuleSummary] = []
        for file in wanted:
            key = (files[file.shown], file.module, file.shown)
            if key not in self._known:
                try:
                    self._known[key] = summarise(file, contents[key[0]])
                except SourceError as error:
                    self._known[key] = error
                    self.skipped.append(error)
            summary = self._known[key]
            if isinstance(summary, ModuleSummary):
                found.append(summary)
        by_module = {file.module: file for file in wanted}

        def again(summary: ModuleSummary, varying: frozenset[str]) -> ModuleSummary:
            file = by_module[summary.name]
            return summarise(file, contents[files[file.shown]], varying)

        return settle(found, again)


def _work_tree(files: list[SourceFile], *, like: str) -> tuple[dict[str, bytes], dict[str, str]]:
    """Read files of the work tree: their contents by the name that git would give them, and that name by path."""
    contents: dict[str, bytes] = {}
    names: dict[str, str] = {}
    for file in files:
        try:
            content = file.path.read_bytes()
        except OSError:
            continue  # deleted, and not yet from the index
        name = blob_name(content, like=like)
        contents[name] = content
        names[file.shown] = name
    return contents, names


def _flow(summaries: list[ModuleSummary], configuration: Configuration) -> Flow:
    """Return a state's flow. Where the project names no entry points, every function may be called by somebody."""
    program = Program.link(summaries)
    found: list[FunctionSymbol] = []
    for text in configuration.entry_points:
        module, _, name = (part.strip() for part in text.partition("[")[0].partition(":"))
        symbol = program.resolve(module, name) if module in program.modules else None
        if isinstance(symbol, FunctionSymbol):
            found.append(symbol)
    return Flow.of(program, entry_points=found or list(program.functions()))
