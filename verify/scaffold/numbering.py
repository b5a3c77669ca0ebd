"""The ID of a draft: the next free one of its category."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from ...registry.categories import Category


class NumberingError(Exception):
    """No such category, an ID that is taken or belongs to no category, or no ID that is free."""


def next_id(categories: Mapping[str, Category], taken: Collection[str], category: str) -> str:
    """Return the first free ID of a category behind all that are taken, or else the first free one.

    Raises:
        NumberingError: The category does not exist, or all its IDs are taken.
    """
    if category not in categories:
        raise NumberingError(f"no category {category!r}; known: {', '.join(categories)}")
    own = categories[category]
    numbers = {int(one.rpartition("-")[2]) for one in taken if own.owns(one)}
    candidates = [
        *range(max(numbers, default=own.first - 1) + 1, own.last + 1),
        *range(own.first, own.last + 1),
    ]
    for number in candidates:
        if number not in numbers:
            return f"{own.prefix}-{number:03}"
    raise NumberingError(f"no ID of the category {category} is free ({own.ids})")


def category_of(categories: Mapping[str, Category], record_id: str) -> str:
    """Return the category that owns an ID.

    Raises:
        NumberingError: The ID is misspelt, or no category owns it.
    """
    if re.fullmatch(r"[A-Z][A-Z0-9]*-[0-9]{3,6}", record_id):
        for category in categories.values():
            if category.owns(record_id):
                return category.name
    ranges = ", ".join(f"{one.name} {one.ids}" for one in categories.values())
    raise NumberingError(f"no category owns the ID {record_id!r}: {ranges}")


def likely_category(categories: Mapping[str, Category], words: Iterable[str]) -> str:
    """Return the category whose name or meaning shares most words with a metric's names; else the first."""
    wanted = {word.lower() for word in words}

    def shared(category: Category) -> int:
        meaning = {word.removesuffix("s") for word in re.split(r"[^a-z]+", category.meaning.lower())}
        own_name = category.name.lower() in wanted or any(
            word.startswith(category.name[:4]) for word in wanted
        )
        return 3 * own_name + len((meaning - {""}) & wanted)

    return max(categories.values(), key=shared).name
