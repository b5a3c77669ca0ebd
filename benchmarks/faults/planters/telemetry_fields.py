"""The fields of telemetry that one class declares or keeps, with every place that stores or reads them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from telewire.verify.audit.words.flags import is_config_class
from telewire.verify.flow.neutral import is_neutral

from ..occurrences import Occurrence, Part
from ..tree import Tree
from .audited import NAMES, constructs, is_literal

_NO_FIELDS = ("Enum", "Flag", "Protocol", "TypedDict", "Exception", "Error", "Warning")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of telemetry whose name no other class has.

    Attributes:
        start: What it starts with as text, `None` where it starts with no literal: the default in the class body, or
            what `__init__` gives it.
        writes: Attribute stores, and keywords of constructor calls; what `__init__` starts it with is left out.
        reads: Attribute loads. One that is called (`x.std()`) reads no value of this field.
        is_declared: It stands in the class body with its type.
    """

    owner: ast.ClassDef
    name: str
    path: str
    start: str | None
    writes: tuple[Occurrence, ...]
    reads: tuple[Occurrence, ...]
    is_declared: bool

    @property
    def is_neutral(self) -> bool:
        """Whether it starts with what says nothing (0, None, an empty list), so that it waits for a value."""
        return self.start is not None and is_neutral(self.start)


def telemetry_fields(tree: Tree) -> Iterator[Field]:
    """Yield the fields of telemetry classes, and those elsewhere whose own name is one of telemetry.

    Left out: names that several classes declare or store into on `self`, names that stand in a string
    (`getattr(x, "name")`) or in `cls(name=…)`, constants, and settings.
    """
    for path in tree.planted:
        for node in ast.walk(tree.modules[path]):
            if isinstance(node, ast.ClassDef) and not is_config_class(node.name):
                bases = [ast.unparse(base).partition("[")[0] for base in node.bases]
                if not any(base.endswith(_NO_FIELDS) for base in bases):
                    yield from _fields_of(tree, path, node)


def _fields_of(tree: Tree, path: str, owner: ast.ClassDef) -> Iterator[Field]:
    index = tree.occurrences
    is_telemetry = NAMES.is_class(owner.name)
    declared = {
        statement.target.id: statement.value
        for statement in owner.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
    kept = dict(_kept(tree, owner))
    for name in declared | kept:
        if not (is_telemetry or NAMES.is_field(name)) or name.isupper():
            continue
        if index.of_name(name, Part.STRING, Part.KEY_READ, Part.KEY_WRITTEN, Part.DEFINITION):
            continue
        elsewhere = [
            one for one in index.of_name(name, Part.DECLARATION) if tree.class_of(one.node) is not owner
        ]
        if elsewhere or _is_kept_elsewhere(tree, owner, name):
            continue
        stores = [one for one in index.of_name(name, Part.STORE) if not _is_start(tree, one)]
        keywords = [
            one for one in index.of_name(name, Part.KEYWORD) if constructs(tree, one.node, owner.name)
        ]
        if any(_is_of_class_method(tree, one.node) for one in index.of_name(name, Part.KEYWORD)):
            continue
        reads = [one for one in index.of_name(name, Part.LOAD) if not _is_called(tree, one.node)]
        start = kept.get(name) or declared.get(name)
        text = None if start is None or not is_literal(start) else ast.unparse(start)
        yield Field(owner, name, path, text, (*stores, *keywords), tuple(reads), name in declared)


def _kept(tree: Tree, owner: ast.ClassDef) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield what the methods of a class store on `self`, with the literal that `__init__` starts it with."""
    for node in ast.walk(owner):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()) if (
                tree.class_of(node) is owner
            ):
                statement, function = tree.statement(node), tree.function(node)
                value = getattr(statement, "value", None)
                is_start = function is not None and function.name == "__init__" and is_literal(value)
                if is_start and not isinstance(statement, ast.AugAssign):
                    yield name, value
                else:
                    yield name, None
            case _:
                pass


def _is_start(tree: Tree, store: Occurrence) -> bool:
    function, statement = tree.function(store.node), tree.statement(store.node)
    if function is None or function.name != "__init__" or isinstance(statement, ast.AugAssign):
        return False
    return is_literal(getattr(statement, "value", None))


def _is_of_class_method(tree: Tree, keyword: ast.AST) -> bool:
    """Whether a keyword stands in `cls(…)`: another writer, of which the syntax does not say the class."""
    call = tree.parent(keyword)
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "cls"


def _is_called(tree: Tree, load: ast.AST) -> bool:
    parent = tree.parent(load)
    return isinstance(parent, ast.Call) and parent.func is load


def _is_kept_elsewhere(tree: Tree, owner: ast.ClassDef, name: str) -> bool:
    """Whether another class stores into a field of that name on its `self`."""
    return any(
        isinstance(one.node, ast.Attribute)
        and isinstance(one.node.value, ast.Name)
        and one.node.value.id == "self"
        and tree.class_of(one.node) is not owner
        for one in tree.occurrences.of_name(name, Part.STORE)
    )
