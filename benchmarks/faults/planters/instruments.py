"""Faults of metric instruments with no record: declared and never recorded, swapped, labelled and not recorded."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ..edits import Edit
from ..occurrences import Part
from ..plant import Plant, Planter
from ..tree import Tree, is_inside
from .audited import NAMES, AuditPlanter, last_name, plant

_KINDS = {"Counter", "Gauge", "Histogram", "Summary"}
_RECORDS = {
    "inc",
    "dec",
    "set",
    "observe",
    "set_to_current_time",
    "time",
    "track_inprogress",
    "count_exceptions",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """A statement that records into an instrument: `X.inc()`, `X.labels(…).observe(1)`, `self.log_gauge(X, 1)`.

    Attributes:
        method: What is called.
        values: What is recorded.
    """

    path: str
    statement: ast.Expr
    instrument: ast.Name | ast.Attribute
    method: str
    values: tuple[ast.expr, ...] = ()


@dataclass(frozen=True, slots=True)
class DeclaredInstrument:
    """An instrument of prometheus_client that one name holds, with every place that records into it."""

    name: str
    declared: frozenset[tuple[str, int]]
    recordings: tuple[Recording, ...]


def instruments(tree: Tree) -> Iterator[DeclaredInstrument]:
    """Yield the instruments whose every use is a recording statement.

    Left out: instruments that are passed on, returned or listed, and those that a module offers in `__all__`:
    others may record into them.
    """
    for path in tree.planted:
        imported = _kinds(tree.modules[path])
        declared: dict[str, set[tuple[str, int]]] = {}
        for node in ast.walk(tree.modules[path]):
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name) | ast.Attribute(attr=name)],
                    value=ast.Call(func=ast.Name(id=kind)),
                ) if kind in imported:
                    declared.setdefault(name, set()).add((path, node.lineno))
                case _:
                    pass
        for name, places in declared.items():
            if not tree.occurrences.of_name(name, Part.STRING):
                yield from _uses(tree, path, name, places)


def _kinds(module: ast.Module) -> set[str]:
    """Return the names under which a file has classes of instruments: imported, or a local that may be one."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client")
        for alias in node.names
        if alias.name in _KINDS
    }
    chosen = {
        node.targets[0].id
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.BoolOp)
        and any(isinstance(one, ast.Name) and one.id in imported for one in node.value.values)
    }
    return imported | chosen


def _uses(tree: Tree, path: str, name: str, declared: set[tuple[str, int]]) -> Iterator[DeclaredInstrument]:
    """Split the uses of a local name by the function that declares it: closures of several may share the name."""
    uses = [one for one in tree.occurrences.of_name(name, Part.NAME, Part.LOAD) if one.path in tree.planted]
    scopes: dict[ast.AST | None, list[Recording | None]] = {}
    for use in uses:
        outer = [one for one in tree.ancestors(use.node) if isinstance(one, ast.FunctionDef)]
        scope = outer[-1] if outer and use.path == path and not isinstance(use.node, ast.Attribute) else None
        recording = _recording(tree, use.path, use.node)
        if recording is None and _is_idle(tree, use.node):
            continue
        scopes.setdefault(scope, []).append(recording)
    for around, found in scopes.items():
        recordings = [one for one in found if one is not None]
        if recordings and len(recordings) == len(found):
            here = {place for place in declared if around is None or is_inside(place[1], around)}
            yield DeclaredInstrument(name, frozenset(here), tuple(recordings))


def _recording(tree: Tree, path: str, node: ast.AST) -> Recording | None:
    assert isinstance(node, ast.Name | ast.Attribute)
    statement = tree.statement(node)
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=receiver, attr=method), args=values)) if (
            method in _RECORDS
        ):
            if receiver is node:
                return Recording(path, statement, node, method, tuple(values))
            match receiver:
                case ast.Call(func=ast.Attribute(value=labelled, attr="labels")) if labelled is node:
                    return Recording(path, statement, node, method, tuple(values))
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=method), args=[first, *values])
        ) if first is node and NAMES.is_function(method):
            return Recording(path, statement, node, method, tuple(values))
        case _:
            pass
    return None


def _is_idle(tree: Tree, node: ast.AST) -> bool:
    """Whether a use neither records nor hands on: `X.name`, a test for None."""
    parent = tree.parent(node)
    return isinstance(parent, ast.Compare) or (
        isinstance(parent, ast.Attribute) and last_name(parent) not in _RECORDS | {"labels"}
    )


class NeverRecorded(AuditPlanter):
    """An instrument is declared and exported, and nothing records into it any more."""

    fault = "instrument never recorded"
    rules = ("TW515",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each instrument, all its recordings dropped."""
        for one in instruments(tree):
            edits: dict[str, list[Edit]] = {}
            for recording in one.recordings:
                edits.setdefault(recording.path, []).append(
                    tree.texts[recording.path].drop(recording.statement)
                )
            first = one.recordings[0]
            changed = {path: tuple(found) for path, found in edits.items()}
            yield Plant(
                changed, first.path, first.statement.lineno, frozenset({one.name}), one.name, one.declared
            )


class LabelledOnly(AuditPlanter):
    """A series is picked by its labels and the recording call behind is gone."""

    fault = "instrument labelled and not recorded"
    rules = ("TW515",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each instrument with one recording, behind `labels`."""
        for one in instruments(tree):
            first = one.recordings[0]
            text = tree.texts[first.path]
            call = first.statement.value
            assert isinstance(call, ast.Call)
            if (
                len(one.recordings) == 1
                and isinstance(call.func, ast.Attribute)
                and isinstance(call.func.value, ast.Call)
            ):
                edit = text.replace(call, text.of(call.func.value))
                yield plant(text, first.statement, {one.name}, one.name, edit, declared=one.declared)


class InstrumentsCrossed(AuditPlanter):
    """Two instruments that one function records into are swapped.

    Left out: pairs where not each value has a word that its instrument's name has and the other's has not: nobody
    could tell.
    """

    fault = "instruments crossed"
    rules = ("TW517", "TW513")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each pair of recordings in one function with the same method."""
        by_function: dict[tuple[str, ast.AST | None], list[tuple[str, Recording]]] = {}
        for instrument in instruments(tree):
            for recording in instrument.recordings:
                place = (recording.path, tree.function(recording.statement))
                by_function.setdefault(place, []).append((instrument.name, recording))
        for (path, _), found in by_function.items():
            text = tree.texts[path]
            found.sort(key=lambda pair: pair[1].statement.lineno)
            for (name, one), (other_name, other) in itertools.pairwise(found):
                if name == other_name or one.method != other.method:
                    continue
                if not (
                    _words_of(one) & (words(name) - words(other_name))
                    and _words_of(other) & (words(other_name) - words(name))
                ):
                    continue
                edits = (
                    text.replace(one.instrument, text.of(other.instrument)),
                    text.replace(other.instrument, text.of(one.instrument)),
                )
                yield plant(text, one.statement, {name, other_name}, f"{name} and {other_name}", *edits)


def _words_of(recording: Recording) -> set[str]:
    """Return the words of what is recorded."""
    names = [last_name(one) for argument in recording.values for one in ast.walk(argument)]
    return {word for name in names if name is not None for word in words(name)}


def words(name: str) -> set[str]:
    """Return the words of an identifier that say something."""
    return {word for word in name.lower().split("_") if len(word) > 2} - {
        "total",
        "count",
        "seconds",
        "metric",
    }


INSTRUMENT_PLANTERS: tuple[Planter, ...] = (NeverRecorded(), LabelledOnly(), InstrumentsCrossed())
"""Faults of instruments, found with no record."""
