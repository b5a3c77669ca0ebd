"""Faults of logged series with no record: crossed, collected and never logged, logged and never collected."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..edits import SourceText
from ..plant import Plant, Planter
from ..tree import Function, Tree
from .audited import AuditPlanter, is_literal, last_name, plant, root_name

LOGGERS = {
    "record",
    "record_mean",
    "log",
    "log_metric",
    "log_scalar",
    "log_value",
    "add_scalar",
    "track_data",
    "set_value",
}
"""Methods that log a value under a key, in that order."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A statement that logs one value under a literal key."""

    text: SourceText
    statement: ast.Expr
    call: ast.Call
    key: str
    value: ast.expr


def logged(tree: Tree) -> Iterator[Logged]:
    """Yield the logger calls with a literal key and a value."""
    for path in tree.planted:
        for node in ast.walk(tree.modules[path]):
            match node:
                case ast.Expr(
                    value=ast.Call(
                        func=ast.Attribute(attr=attr), args=[ast.Constant(value=str(key)), value, *_]
                    )
                ) if attr in LOGGERS:
                    assert isinstance(node.value, ast.Call)
                    yield Logged(tree.texts[path], node, node.value, key, value)
                case _:
                    pass


class SeriesLiteral(AuditPlanter):
    """A logged series is only ever a literal.

    Left out: the only series that a function logs. It may be a mark of an event, as well as a lost measurement.
    """

    fault = "logged series only a literal"
    rules = ("TW521",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each logged value that is computed, beside another one."""
        computed = [one for one in logged(tree) if not is_literal(one.value)]
        together = Counter(id(tree.function(one.statement)) for one in computed)
        for one in computed:
            if together[id(tree.function(one.statement))] > 1:
                edit = one.text.replace(one.value, "0.0")
                yield plant(one.text, one.statement, {one.key}, one.key, edit)


class SeriesCrossed(AuditPlanter):
    """Two logged series are swapped, and their names show it.

    Left out: pairs in which a key and its value are not alike: nobody could tell from the names.
    """

    fault = "logged series crossed"
    rules = ("TW517", "TW513")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each pair of logger calls in a row whose values are called like their keys."""
        blocks: dict[tuple[str, ast.AST], list[Logged]] = {}
        for one in logged(tree):
            if _alike(one.key, root_name(one.value)):
                blocks.setdefault((one.text.path, tree.parent(one.statement)), []).append(one)
        for found in blocks.values():
            for one, other in itertools.pairwise(found):
                if root_name(one.value) == root_name(other.value):
                    continue
                edits = (
                    one.text.replace(one.value, one.text.of(other.value)),
                    one.text.replace(other.value, one.text.of(one.value)),
                )
                what = f"{one.key} and {other.key}"
                yield plant(one.text, one.statement, {one.key, other.key}, what, *edits)


def _alike(key: str, value: str | None) -> bool:
    """Whether a value is called like the last part of a key, singular or plural."""
    if value is None:
        return False
    bare = key.rpartition("/")[2].strip().lower().replace(" ", "_")
    value = value.lstrip("_").lower()
    return bare == value or value in {f"{bare}s", f"{bare}es"}


class CollectedNeverLogged(AuditPlanter):
    """A list is collected and nothing is made of it any more."""

    fault = "list collected and never logged"
    rules = ("TW520", "TW503")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each logger call that is the only reader of a list which is appended to."""
        for one, name, _ in _reduced(tree):
            yield plant(
                one.text, one.statement, {name, one.key}, f"{name} → {one.key}", one.text.drop(one.statement)
            )


class LoggedNeverCollected(AuditPlanter):
    """A list is logged that nothing is appended to any more: its mean is no number."""

    fault = "list logged and never collected"
    rules = ("TW523",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each list with one append."""
        for one, name, appends in _reduced(tree):
            if len(appends) == 1:
                text = one.text
                yield plant(text, appends[0], {name, one.key}, f"{name} → {one.key}", text.drop(appends[0]))


def _reduced(tree: Tree) -> Iterator[tuple[Logged, str, list[ast.Expr]]]:
    """Yield the logger calls of a list that starts empty, is appended to, and is read nowhere else."""
    for one in logged(tree):
        name = root_name(one.value)
        function = tree.function(one.statement)
        if name is None or function is None or not _starts_empty(function, name):
            continue
        uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
        appends = [
            tree.statement(node)
            for node in uses
            if isinstance(tree.parent(node), ast.Attribute)
            and last_name(tree.parent(node)) in {"append", "extend"}
        ]
        loads = [node for node in uses if isinstance(node.ctx, ast.Load)]
        inside = [node for node in loads if tree.statement(node) is one.statement]
        statements = [node for node in appends if isinstance(node, ast.Expr)]
        if statements and len(loads) == len(statements) + len(inside):
            yield one, name, statements


def _starts_empty(function: Function, name: str) -> bool:
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[target], value=value):
                pairs = [(target, value)]
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                    pairs = list(zip(target.elts, value.elts, strict=False))
                for one, given in pairs:
                    if (
                        isinstance(one, ast.Name)
                        and one.id == name
                        and isinstance(given, ast.List)
                        and not given.elts
                    ):
                        return True
            case ast.AnnAssign(target=ast.Name(id=found), value=ast.List(elts=[])) if found == name:
                return True
            case _:
                pass
    return False


SERIES_PLANTERS: tuple[Planter, ...] = (
    SeriesLiteral(),
    SeriesCrossed(),
    CollectedNeverLogged(),
    LoggedNeverCollected(),
)
"""Faults of logged series, found with no record."""
