"""What the planters for the audit share: which names are telemetry, and small questions about the syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from telewire.verify.audit import TelemetryNames

from ..edits import Edit, SourceText
from ..occurrences import Occurrence, Part
from ..plant import Instrument, Plant, Planter
from ..tree import Tree

NAMES = TelemetryNames()
"""What counts as telemetry, as the audit takes it without settings."""


class AuditPlanter(Planter):
    """A fault that no record speaks of."""

    instrument = Instrument.AUDIT


@dataclass(frozen=True, slots=True)
class DeclaredField:
    """A field of a telemetry class whose name no other class declares, with every place that stores or reads it.

    Attributes:
        writes: Attribute stores, and keywords of constructor calls; what `__init__` starts it with is left out.
        reads: Attribute loads.
    """

    owner: ast.ClassDef
    name: str
    path: str
    line: int
    has_default: bool
    writes: tuple[Occurrence, ...]
    reads: tuple[Occurrence, ...]


def telemetry_fields(tree: Tree) -> Iterator[DeclaredField]:
    """Yield the fields that telemetry classes declare in their body.

    Left out: what the methods of a class keep for themselves (`self._count = 0`), names that several classes declare,
    and names that stand in a string (`getattr(x, "name")`).
    """
    for path in tree.planted:
        for node in ast.walk(tree.modules[path]):
            if isinstance(node, ast.ClassDef) and NAMES.is_class(node.name):
                yield from _fields_of(tree, path, node)


def _fields_of(tree: Tree, path: str, owner: ast.ClassDef) -> Iterator[DeclaredField]:
    declared: dict[str, tuple[int, bool]] = {}
    for statement in owner.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                declared[name] = (statement.lineno, value is not None)
            case _:
                pass
    index = tree.occurrences
    for name, (line, has_default) in declared.items():
        if index.of_name(name, Part.STRING, Part.KEY_READ, Part.KEY_WRITTEN, Part.DEFINITION):
            continue
        if len(index.of_name(name, Part.DECLARATION)) > 1 or _is_started_elsewhere(tree, owner, name):
            continue
        stores = [one for one in index.of_name(name, Part.STORE) if not _is_start(tree, one)]
        keywords = [
            one for one in index.of_name(name, Part.KEYWORD) if constructs(tree, one.node, owner.name)
        ]
        reads = index.of_name(name, Part.LOAD)
        yield DeclaredField(owner, name, path, line, has_default, (*stores, *keywords), tuple(reads))


def _is_start(tree: Tree, store: Occurrence) -> bool:
    function = tree.function(store.node)
    statement = tree.statement(store.node)
    return (
        function is not None and function.name == "__init__" and is_literal(getattr(statement, "value", None))
    )


def _is_started_elsewhere(tree: Tree, owner: ast.ClassDef, name: str) -> bool:
    """Whether another class stores into a field of that name on its `self`."""
    return any(
        isinstance(one.node, ast.Attribute)
        and isinstance(one.node.value, ast.Name)
        and one.node.value.id == "self"
        and tree.class_of(one.node) is not owner
        for one in tree.occurrences.of_name(name, Part.STORE)
    )


def constructs(tree: Tree, keyword: ast.AST, name: str) -> bool:
    """Whether a keyword stands in a call of a class of that name."""
    call = tree.parent(keyword)
    return isinstance(call, ast.Call) and last_name(call.func) == name


def last_name(node: ast.AST | None) -> str | None:
    """Return the last part of a dotted name; None for anything else."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return None


def root_name(node: ast.AST) -> str | None:
    """Return what a value is called: its name, attribute, key, or that of what it is computed from alone."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Call(func=ast.Attribute(value=inner, attr="item" | "mean" | "cpu" | "sum"), args=[]):
            return root_name(inner)
        case ast.Call(args=[inner], keywords=[]):
            return root_name(inner)
        case _:
            return None


def is_literal(node: ast.AST | None) -> bool:
    """Whether an expression is made of literals only."""
    if node is None:
        return True
    return all(
        isinstance(
            one, ast.Constant | ast.UnaryOp | ast.USub | ast.List | ast.Dict | ast.Tuple | ast.Set | ast.Load
        )
        for one in ast.walk(node)
    )


def planted_only(tree: Tree, *found: Occurrence) -> bool:
    """Whether all places are in files that faults may be planted in."""
    return all(one.path in tree.planted for one in found)


def plant(
    text: SourceText,
    node: ast.AST,
    names: Iterable[str],
    what: str,
    *edits: Edit,
    declared: Iterable[tuple[str, int]] = (),
    undecidable: str = "",
) -> Plant:
    """Return a plant with all its edits in one file."""
    line: int = node.lineno  # type: ignore[attr-defined]
    return Plant(
        {text.path: tuple(edits)},
        text.path,
        line,
        frozenset(names),
        what,
        frozenset(declared),
        undecidable,
    )


def without(text: SourceText, statement: ast.stmt) -> Edit | None:
    """Return the edit that drops a statement; None where it is the only one that makes a local."""
    match statement:
        case ast.Expr() | ast.AugAssign() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return text.drop(statement)
        case ast.AnnAssign(target=ast.Attribute()):
            return text.drop(statement)
        case _:
            return None
