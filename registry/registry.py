"""Registry: a set of records that fit together, found by ID or slug."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from .categories import SHIPPED_CATEGORIES, Category, load_categories
from .consistency import dependency_edges, problems_together
from .loading import CATEGORIES_FILE, LoadedRecord, did_you_mean, find_files, load_files
from .problems import Problem, RegistryError, problem
from .record import Record
from .threshold_tests import CORRECT_EITHER, disagreements
from .yaml_source import Document

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; line and column from 1."""

    path: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class UnknownRecordError(KeyError):
    """No record has that ID or slug."""

    def __init__(self, key: str, known: Sequence[str]) -> None:
        hint = did_you_mean(key, known)
        super().__init__(f"no record has the ID or slug {key!r}" + (f"; {hint}" if hint else ""))
        self.key = key

    def __str__(self) -> str:
        return str(self.args[0])


class Registry:
    """Records in the order of their IDs. Immutable."""

    def __init__(
        self, records: Iterable[Record], *, categories: Mapping[str, Category] | None = None
    ) -> None:
        """A registry of records made in Python. Raises RegistryError where they do not fit together."""
        placed = [LoadedRecord(record, Document(Path(f"<{record.id}>"))) for record in records]
        declared = categories if categories is not None else _shipped_categories()
        problems = problems_together(placed, declared)
        if problems:
            raise RegistryError(tuple(problems))
        self._fill(placed, declared)

    def _fill(self, loaded: Iterable[LoadedRecord], categories: Mapping[str, Category]) -> None:
        ordered = sorted(loaded, key=lambda one: _id_order(one.record.id))
        self._by_id = {one.record.id: one.record for one in ordered}
        self._by_slug = {one.record.slug: one.record for one in ordered}
        self._documents = {one.record.id: one.document for one in ordered}
        self.categories = dict(categories)

    @classmethod
    def load(
        cls, paths: str | Path | Iterable[str | Path], *, categories: Path | None = None, are_all: bool = True
    ) -> Registry:
        """Read a record file, a folder of them, or several of either.

        `categories` is the file that declares the categories; without it the `categories.yaml` of one of the
        folders, or else the shipped ones. Unless they `are_all` records that there are, an ID that none of them has
        may be that of another. Raises RegistryError with every problem of every file.
        """
        given = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
        files, problems = find_files(given)
        declared, more = _categories_for(given, categories)
        problems += more
        loaded, more = load_files(files)
        problems += more
        if not files and not problems:
            problems.append(
                problem(
                    "no-records", Path(), (1, 1), "no path to any record was given", "give files or folders"
                )
            )
        are_all_loaded = are_all and len(loaded) == len(files)
        problems += problems_together(loaded, declared, are_all_loaded=are_all_loaded)
        if problems:
            raise RegistryError(tuple(problems))
        registry = cls.__new__(cls)
        registry._fill(loaded, declared)
        return registry

    def __getitem__(self, key: str) -> Record:
        """The record with that ID or slug. Raises UnknownRecordError, a KeyError."""
        record = self.get(key)
        if record is None:
            raise UnknownRecordError(key, [*self._by_id, *self._by_slug])
        return record

    def get(self, key: str) -> Record | None:
        """The record with that ID or slug, or None."""
        return self._by_id.get(key) or self._by_slug.get(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def __iter__(self) -> Iterator[Record]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def ids(self) -> tuple[str, ...]:
        """All IDs, in order."""
        return tuple(self._by_id)

    def location(self, record_id: str, *yaml_path: str | int) -> Location:
        """Where the value at a path of keys and indices stands, or the nearest value that encloses it.

        Raises UnknownRecordError. A record made in Python has the position 1:1 of a path in angle brackets.
        """
        record = self[record_id]
        document = self._documents[record.id]
        mark = document.value_mark(yaml_path)
        return Location(document.path, mark.line, mark.column)

    def key_location(self, record_id: str, *yaml_path: str | int) -> Location:
        """Where the key itself stands, rather than its value. Raises UnknownRecordError."""
        record = self[record_id]
        document = self._documents[record.id]
        mark = document.key_mark(yaml_path)
        return Location(document.path, mark.line, mark.column)

    def dependency_graph(self) -> networkx.DiGraph[str]:
        """The records' IDs as nodes, with an edge from each record to those that depend on it."""
        import networkx

        graph: networkx.DiGraph[str] = networkx.DiGraph()
        graph.add_nodes_from(self._by_id)
        graph.add_edges_from(
            (source, target) for source, target, _ in dependency_edges(list(self._by_id.values()))
        )
        return graph

    def threshold_problems(self) -> tuple[Problem, ...]:
        """What the partition proofs and the threshold tests of all records found, placed in their files."""
        problems: list[Problem] = []
        for record in self:
            problems += self._threshold_test_problems(record)
            for found in record.thresholds.prove():
                path: tuple[str | int, ...] = ("thresholds",)
                if found.levels:
                    path = ("thresholds", found.levels[0], "when")
                mark = self._documents[record.id].value_mark(path)
                shift = 0
                if found.offset is not None and mark.text_shift is not None:
                    shift = mark.text_shift + found.offset
                if not found.levels:
                    mark = self._documents[record.id].key_mark(path)
                problems.append(
                    problem(
                        found.name,
                        self._documents[record.id].path,
                        (mark.line, mark.column + shift),
                        found.message,
                        found.help,
                        record=record.id,
                        levels=found.levels,
                        names=found.names,
                        region=found.region,
                        example=dict(found.example),
                    )
                )
        return tuple(problems)

    def _threshold_test_problems(self, record: Record) -> Iterator[Problem]:
        document = self._documents[record.id]
        for number, test in enumerate(record.threshold_tests):
            for wrong in disagreements(test, record.thresholds):
                mark = document.value_mark(("threshold_tests", number, "levels", wrong.index))
                yield problem(
                    "threshold-test-failed",
                    document.path,
                    (mark.line, mark.column),
                    wrong.message,
                    CORRECT_EITHER,
                    record=record.id,
                    value=wrong.value,
                    expected=wrong.expected,
                    found=wrong.found,
                )


@cache
def shipped_registry() -> Registry:
    """The records of this package."""
    specs = resources.files(__package__) / "specs"
    with resources.as_file(specs) as folder:
        return Registry.load([folder])


@cache
def _shipped_categories() -> Mapping[str, Category]:
    categories, problems = load_categories(SHIPPED_CATEGORIES)
    if problems:
        raise RegistryError(tuple(problems))
    return categories


def _categories_for(
    paths: Sequence[Path], given: Path | None
) -> tuple[Mapping[str, Category], list[Problem]]:
    if given is not None:
        return load_categories(given)
    for path in paths:
        candidate = path / CATEGORIES_FILE
        if path.is_dir() and candidate.is_file():
            return load_categories(candidate)
    return _shipped_categories(), []


def _id_order(record_id: str) -> tuple[str, int]:
    prefix, _, number = record_id.rpartition("-")
    return prefix, int(number)
