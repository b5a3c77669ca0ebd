"""Faults of declarations that records describe: another default, type or name (TW201, TW208, TW213)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from telewire.registry import Record
from telewire.verify.source import ClassSymbol
from telewire.verify.wiring import StageKind

from ..occurrences import Part
from ..plant import Instrument, Plant, Planter
from ..tree import Tree
from ..wire_places import definition
from .stages import rename_everywhere


def schema_fields(tree: Tree) -> Iterator[tuple[Record, str, ast.AnnAssign]]:
    """Yield the declaration of each record's schema field, with its path."""
    assert tree.verification is not None
    for wire in tree.verification.wiring.wires:
        schema = wire.record.schema_
        name = schema.field
        for stage in wire.stages:
            if stage.kind is StageKind.CONSUMER or not isinstance(stage.carriers, tuple):
                continue
            for owner in {getattr(member.carrier, "owner", None) for member in stage.carriers}:
                if not isinstance(owner, ClassSymbol) or owner.name != schema.at.parts[-1]:
                    continue
                found = definition(tree, owner)
                if found is None or not isinstance(found[1], ast.ClassDef):
                    continue
                for statement in found[1].body:
                    match statement:
                        case ast.AnnAssign(target=ast.Name(id=declared)) if declared == name:
                            yield wire.record, found[0], statement


class OtherDefault(Planter):
    """The schema's field starts with another value than its record says."""

    fault = "another default declared"
    rules = ("TW208",)
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each declaration with a literal default."""
        for record, path, statement in schema_fields(tree):
            value = statement.value
            if not isinstance(value, ast.Constant):
                continue
            edit = tree.texts[path].replace(value, "-1" if value.value != -1 else "1")
            what = f"{record.schema_.field} = -1"
            yield Plant({path: (edit,)}, path, statement.lineno, frozenset({record.id}), what)


class OtherType(Planter):
    """The schema's field is annotated with another type than its record says."""

    fault = "another type declared"
    rules = ("TW213",)
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each declaration, as text, or as a number where it is to be text."""
        for record, path, statement in schema_fields(tree):
            other = "int" if record.type.text.startswith("str") else "str"
            edit = tree.texts[path].replace(statement.annotation, other)
            what = f"{record.schema_.field}: {other}"
            yield Plant({path: (edit,)}, path, statement.lineno, frozenset({record.id}), what)


class FieldRenamed(Planter):
    """A schema's field is renamed in all sources; the record names the old one."""

    fault = "field renamed, record not"
    rules = ("TW201",)
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each schema field whose name stands in no string."""
        for record, path, statement in schema_fields(tree):
            name = record.schema_.field
            if not tree.occurrences.of_name(name, Part.STRING, Part.KEY_READ, Part.KEY_WRITTEN):
                edits = rename_everywhere(tree, name, f"{name}_v2")
                if edits is not None:
                    yield Plant(edits, path, statement.lineno, frozenset({record.id}), f"{name} → {name}_v2")


DECLARATION_PLANTERS: tuple[Planter, ...] = (OtherDefault(), OtherType(), FieldRenamed())
"""Faults of declarations that records describe."""
