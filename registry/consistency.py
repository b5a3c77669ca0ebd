"""Consistency: what records must be together. One ID, one slug, declared categories, sound dependencies."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping, Sequence

from .categories import Category
from .loading import LoadedRecord, did_you_mean
from .problems import Problem, problem
from .record import Record


def problems_together(
    loaded: Sequence[LoadedRecord], categories: Mapping[str, Category], *, are_all_loaded: bool = True
) -> list[Problem]:
    """Every problem of the records as a set. Dangling dependencies are judged only if `are_all_loaded`."""
    problems = [*_duplicates(loaded), *_category_problems(loaded, categories)]
    if are_all_loaded:  # else the missing record may be one of those that could not be
        problems += _dangling(loaded)
    return [*problems, *_cycles(loaded)]


def _duplicates(loaded: Sequence[LoadedRecord]) -> list[Problem]:
    problems: list[Problem] = []
    for name, key in (("duplicate-id", "id"), ("duplicate-slug", "slug")):
        first: dict[str, LoadedRecord] = {}
        for one in loaded:
            value = one.record.id if key == "id" else one.record.slug
            other = first.setdefault(value, one)
            if other is one or (key == "slug" and other.record.id == one.record.id):
                continue
            path = (key,) if key == "id" or ("slug",) in one.document.values else ("schema", "field")
            mark = one.document.value_mark(path)
            if key == "id":
                advice = "give one of them a free ID"
            else:
                advice = f"give one of them a `slug`, or correct `schema.field`; {other.record.id} has it too"
            problems.append(
                problem(
                    name,
                    one.document.path,
                    (mark.line, mark.column),
                    f"the {key} {value!r} is taken by {other.document.path}",
                    advice,
                    record=one.record.id,
                    value=value,
                    other=str(other.document.path),
                )
            )
    return problems


_OWN_TABLE = 'declare your own: `categories = "FILE.yaml"` in [tool.telewire] (`telewire explain TW118`)'


def _category_problems(loaded: Sequence[LoadedRecord], categories: Mapping[str, Category]) -> list[Problem]:
    problems: list[Problem] = []
    if not categories:
        return problems  # its own problems were reported
    for one in loaded:
        record = one.record
        category = categories.get(record.category)
        if category is None:
            mark = one.document.value_mark(("category",))
            advice = (
                did_you_mean(record.category, categories)
                or f"use one of {', '.join(categories)}, or {_OWN_TABLE}"
            )
            problems.append(
                problem(
                    "unknown-category",
                    one.document.path,
                    (mark.line, mark.column),
                    f"unknown category {record.category!r}",
                    advice,
                    record=record.id,
                    found=record.category,
                    known=list(categories),
                )
            )
        elif not category.owns(record.id):
            mark = one.document.value_mark(("id",))
            owner = next((other.name for other in categories.values() if other.owns(record.id)), None)
            belongs = f", and {record.id} belongs to {owner}" if owner else ""
            problems.append(
                problem(
                    "id-outside-category",
                    one.document.path,
                    (mark.line, mark.column),
                    f"{record.id} is outside the IDs of {category.name}: {category.ids}{belongs}",
                    f"correct the ID or the category, or {_OWN_TABLE}",
                    record=record.id,
                    category=category.name,
                    ids=category.ids,
                )
            )
    return problems


Edge = tuple[str, str, tuple[str | int, ...]]
"""Record, record that depends on it, and where this is written in the latter or the former."""


def dependency_edges(records: Iterable[Record]) -> list[Edge]:
    """Every dependency between records, as declared upstream or downstream."""
    edges: list[Edge] = []
    for record in records:
        for index, dependency in enumerate(record.dependencies.upstream):
            if dependency.record_id is not None:
                edges.append((dependency.record_id, record.id, ("dependencies", "upstream", index, "on")))
        for index, dependency in enumerate(record.dependencies.downstream):
            if dependency.record_id is not None:
                edges.append((record.id, dependency.record_id, ("dependencies", "downstream", index, "on")))
    return edges


def _dangling(loaded: Sequence[LoadedRecord]) -> list[Problem]:
    known = {one.record.id for one in loaded}
    problems: list[Problem] = []
    for one in loaded:
        for source, target, path in dependency_edges([one.record]):
            other = source if path[1] == "upstream" else target
            if other in known:
                continue
            mark = one.document.value_mark(path)
            problems.append(
                problem(
                    "unknown-dependency",
                    one.document.path,
                    (mark.line, mark.column),
                    f"no record has the ID {other}",
                    did_you_mean(other, known) or "correct the ID, or write the record",
                    record=one.record.id,
                    found=other,
                )
            )
    return problems


def _cycles(loaded: Sequence[LoadedRecord]) -> list[Problem]:
    documents = {one.record.id: one.document for one in loaded}
    edges = {
        (source, target): (one.document, one.record.id, path)
        for one in loaded
        for source, target, path in dependency_edges([one.record])
        if source in documents and target in documents
    }
    problems: list[Problem] = []
    while True:
        sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
        for source, target in edges:
            sorter.add(target, source)
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            cycle: list[str] = error.args[1]
            document, record_id, path = edges.pop((cycle[0], cycle[1]))  # told once, then cut
            mark = document.value_mark(path)
            problems.append(
                problem(
                    "dependency-cycle",
                    document.path,
                    (mark.line, mark.column),
                    "records depend on each other in a circle: " + " -> ".join(cycle),
                    "remove one of these dependencies",
                    record=record_id,
                    cycle=cycle,
                )
            )
        else:
            return problems
