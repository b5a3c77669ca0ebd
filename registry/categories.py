"""Categories: which exist, and which IDs each of them owns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .problems import Problem, problem
from .yaml_source import Document, read_document

SHIPPED_CATEGORIES = Path(__file__).with_name("categories.yaml")
"""The categories of this package."""

_RANGE = re.compile(r"([A-Z][A-Z0-9]*)-([0-9]{3,6})\.\.([A-Z][A-Z0-9]*)-([0-9]{3,6})")


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of telemetry, with the IDs from `prefix`-`first` to `prefix`-`last`, both included."""

    name: str
    prefix: str
    first: int
    last: int
    meaning: str

    def owns(self, record_id: str) -> bool:
        """Whether an ID lies in the category's range."""
        prefix, _, number = record_id.rpartition("-")
        return prefix == self.prefix and self.first <= int(number) <= self.last

    @property
    def ids(self) -> str:
        """The range of IDs, as it is written."""
        return f"{self.prefix}-{self.first:03}..{self.prefix}-{self.last:03}"


def load_categories(path: Path) -> tuple[Mapping[str, Category], list[Problem]]:
    """The categories that a file declares, by name (none if any is faulty), and all that is wrong."""
    document = read_document(path)
    problems = list(document.problems)
    categories: dict[str, Category] = {}
    if problems:
        return categories, problems
    if not isinstance(document.data, dict):
        problems.append(_bad(document, (), "the file holds no mapping of categories"))
        return categories, problems
    for name, entry in document.data.items():
        category = _category(document, name, entry, problems)
        if category is None:
            continue
        problems += [
            _bad(document, (name,), f"{name} shares IDs with {other.name}: {other.ids}, {category.ids}")
            for other in categories.values()
            if other.prefix == category.prefix
            and other.first <= category.last
            and category.first <= other.last
        ]
        categories[name] = category
    return ({} if problems else categories), problems


def _category(document: Document, name: str, entry: object, problems: list[Problem]) -> Category | None:
    if not isinstance(entry, dict) or set(entry) != {"ids", "meaning"}:
        problems.append(_bad(document, (name,), f"{name} has not exactly the keys `ids` and `meaning`"))
        return None
    ids, meaning = entry["ids"], entry["meaning"]
    match = _RANGE.fullmatch(ids) if isinstance(ids, str) else None
    if match is None or match[1] != match[3] or int(match[2]) > int(match[4]) or not isinstance(meaning, str):
        problems.append(_bad(document, (name, "ids"), f"{name} has no range of IDs in {ids!r}"))
        return None
    return Category(name, match[1], int(match[2]), int(match[4]), meaning)


def _bad(document: Document, path: tuple[str, ...], message: str) -> Problem:
    mark = document.value_mark(path)
    return problem(
        "bad-categories",
        document.path,
        (mark.line, mark.column),
        message,
        "write `name: {ids: TELE-300..TELE-399, meaning: ...}`",
    )
