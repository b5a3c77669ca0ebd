"""One comparison from start to end: two revisions in, what lost its wire out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ...registry.config import Configuration, find_root, load_configuration
from ..collector import collector_paused
from ..flow import Flow
from ..git import Repository, blob_name
from ..own_log_sinks import own_log_sinks
from ..source import FunctionSymbol, Program, SourceError, SourceFile, settle, summarise
from ..source.files import LARGEST
from ..source.model import ModuleSummary
from .compare import Comparison, compare
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
    configuration = load_configuration(root, assumes_sources=False)  # each state has its own
    has_settings = any((root / name).is_file() for name in ("pyproject.toml", "telewire.toml"))
    layout = Layout.of(configuration, has_settings=has_settings)
    repository = Repository.around(root)
    old_files = repository.files(repository.commit(base))
    reader = _Reader(layout)
    with collector_paused():
        old_wanted = layout.files(old_files, partial(reader.content, repository, old_files))
        if head is None:
            new_wanted = layout.files(repository.work_tree_files(), partial(_content_below, root))
            new_files = reader.work_tree(new_wanted, like=next(iter(old_files.values()), ""))
            new_wanted = [file for file in new_wanted if layout.path(file) in new_files]
        else:
            new_files = repository.files(repository.commit(head))
            new_wanted = layout.files(new_files, partial(reader.content, repository, new_files))
        states: list[list[ModuleSummary]] = []
        blobs: list[dict[str, str]] = []
        for name, files, wanted in (
            (base, old_files, old_wanted),
            (head or "the work tree", new_files, new_wanted),
        ):
            if not wanted:
                raise NothingToCompareError(f"{name} holds no Python source below {root}")
            blobs.append({file.shown: files[layout.path(file)] for file in wanted})
            reader.fetch(repository, blobs[-1].values())
            states.append(reader.summaries(wanted, blobs[-1]))
            if not states[-1]:
                raise NothingToCompareError(
                    f"none of the files of {name} can be analysed: {reader.skipped[0]}"
                )
        old_blobs, new_blobs = blobs
        if old_blobs == new_blobs:
            comparison = Comparison((), ())  # nothing that is analysed differs
        else:
            old, new = (Snapshot(_flow(summaries, configuration)) for summaries in states)
            reader.skipped += [one for one in new.flow.not_followed() if one not in reader.skipped]
            comparison = compare(old, new)
    return WiringDiff(
        base=base,
        head=head,
        lost=comparison.lost,
        gained=comparison.gained,
        changed=sum(
            old_blobs.get(path) != new_blobs.get(path) for path in old_blobs.keys() | new_blobs.keys()
        ),
        files=len(new_blobs),
        skipped=tuple(reader.skipped),
        seconds=time.perf_counter() - started,
    )


@dataclass
class _Reader:
    """Reads and summarises contents by the names that git gives them, each file that is the same in both states once.

    What cannot be read or analysed is in `skipped`.
    """

    layout: Layout
    skipped: list[SourceError] = field(default_factory=list)
    _contents: dict[str, bytes] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], ModuleSummary | SourceError] = field(default_factory=dict)

    def work_tree(self, files: list[SourceFile], *, like: str) -> dict[str, str]:
        """Read files of the work tree, and return by path the name that git would give to each content.

        A link is no file in a commit, and none here.
        """
        names: dict[str, str] = {}
        for file in files:
            if file.path.is_symlink():
                continue
            try:
                content = file.read()
            except FileNotFoundError:
                continue  # deleted, and not yet from the index
            except OSError as error:
                self.skipped.append(SourceError(file.shown, 1, 1, f"cannot be read: {error.strerror}"))
                continue
            name = blob_name(content, like=like)
            self._contents[name] = content
            names[self.layout.path(file)] = name
        return names

    def fetch(self, repository: Repository, names: Iterable[str]) -> None:
        """Read the contents that are not known yet.

        Raises:
            GitError: One is not in the repository.
        """
        self._contents |= repository.blobs(name for name in names if name not in self._contents)

    def content(self, repository: Repository, files: Mapping[str, str], path: str) -> bytes | None:
        """Return the content of one file of a state; None for a path that it does not have."""
        if path not in files:
            return None
        self.fetch(repository, [files[path]])
        return self._contents[files[path]]

    def summaries(self, wanted: list[SourceFile], blobs: Mapping[str, str]) -> list[ModuleSummary]:
        """Return the summaries of a state's files; `blobs` has the name of each content by the path that is shown."""
        found: list[ModuleSummary] = []
        for file in wanted:
            key = (blobs[file.shown], file.module, file.shown)
            if key not in self._known:
                try:
                    self._known[key] = self._summarise(file, key[0])
                except SourceError as error:
                    self._known[key] = error
                    self.skipped.append(error)
            summary = self._known[key]
            if isinstance(summary, ModuleSummary):
                found.append(summary)
        by_module = {file.module: file for file in wanted}

        def again(summary: ModuleSummary, varying: frozenset[str]) -> ModuleSummary:
            file = by_module[summary.name]
            return summarise(file, self._contents[blobs[file.shown]], varying)

        return settle(found, again)

    def _summarise(self, file: SourceFile, name: str) -> ModuleSummary:
        content = self._contents[name]
        if len(content) > LARGEST:
            raise SourceError(file.shown, 1, 1, f"cannot be read: it is larger than {LARGEST >> 20} MiB")
        return summarise(file, content)


def _content_below(root: Path, path: str) -> bytes | None:
    try:
        return (root / path).read_bytes()
    except OSError:
        return None


def _flow(summaries: list[ModuleSummary], configuration: Configuration) -> Flow:
    """Return a state's flow. Where the project names no entry points, every function may be called by somebody."""
    program = Program.link(summaries)
    found: list[FunctionSymbol] = []
    for text in configuration.entry_points:
        module, _, name = (part.strip() for part in text.partition("[")[0].partition(":"))
        symbol = program.resolve(module, name) if module in program.modules else None
        if isinstance(symbol, FunctionSymbol):
            found.append(symbol)
    return Flow.of(
        program, entry_points=found or list(program.functions()), log_sinks=own_log_sinks(configuration)
    )
