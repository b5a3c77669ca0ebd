"""What the planters for the audit share: which names are telemetry, and small questions about the syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from telewire.verify.audit import TelemetryNames

from ..edits import Edit, SourceText
from ..occurrences import Occurrence, Part
from ..plant import NEVER_RUN, Instrument, Plant, Planter
from ..tree import Function, Tree

NAMES = TelemetryNames()
"""What counts as telemetry, as the audit takes it without settings."""


class AuditPlanter(Planter):
    """A fault that no record speaks of."""

    instrument = Instrument.AUDIT


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


def why_not_run(tree: Tree, node: ast.AST) -> str:
    """Return why it is not known that a place runs; empty where it is: a private function that nothing names."""
    function = next((one for one in tree.ancestors(node) if isinstance(one, Function)), None)
    if function is None or not function.name.startswith("_") or function.name.startswith("__"):
        return ""
    named = tree.occurrences.of_name(function.name, Part.NAME, Part.LOAD, Part.STRING, Part.IMPORT)
    return "" if named else NEVER_RUN


def without(text: SourceText, statement: ast.stmt) -> Edit | None:
    """Return the edit that drops a statement; None where it is the only one that makes a local."""
    match statement:
        case ast.Expr() | ast.AugAssign() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return text.drop(statement)
        case ast.AnnAssign(target=ast.Attribute()):
            return text.drop(statement)
        case _:
            return None
