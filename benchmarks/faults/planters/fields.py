"""Faults of telemetry fields with no record: only ever a constant, never written, never read, written too late."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from ..edits import Edit
from ..occurrences import Occurrence
from ..plant import FIELD_OF_BASE, OFFERED, Plant, Planter
from ..tree import Tree
from .audited import NAMES, AuditPlanter, is_literal, plant, planted_only, without
from .stages import has_foreign_base
from .telemetry_fields import Field, telemetry_fields


def why_touched(tree: Tree, field: Field) -> str:
    """Return who beside the program may store or read a field; empty where nobody does."""
    if tree.offers(field.owner.name, field.name):
        return OFFERED
    return FIELD_OF_BASE if not field.is_declared and has_foreign_base(tree, field.owner) else ""


class WrittenOnce(AuditPlanter):
    """A fault at the one place that stores a value into a field that is read."""

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each field of a telemetry class with one writer and some reader."""
        for field in telemetry_fields(tree):
            if len(field.writes) != 1 or not field.reads or not planted_only(tree, *field.writes):
                continue
            (write,) = field.writes
            if not field.is_declared and _constructs(tree, write):
                continue  # a setting, which the object keeps of what its constructor is given
            edit = self.edit(tree, field)
            if edit is not None:
                what = f"{field.owner.name}.{field.name}"
                why = why_touched(tree, field)
                yield plant(tree.texts[write.path], write.node, {field.name}, what, edit, undecidable=why)

    def edit(self, tree: Tree, field: Field) -> Edit | None:
        """Return what to change; None where the fault cannot stand."""
        raise NotImplementedError


class OnlyConstant(WrittenOnce):
    """The only value that is ever stored into a field is a literal.

    Left out: values that are literals already, counters, whose increment is no value, fields that start with another
    literal than the neutral ones (settings, which are overwritten at times), and objects that are asked for something
    of their own, where a literal would fail at once.
    """

    fault = "field only a literal"
    rules = ("TW501", "TW502")

    def edit(self, tree: Tree, field: Field) -> Edit | None:
        """Put what the field starts with in the place of the stored value, a zero where it starts with nothing."""
        (write,) = field.writes
        if (field.start is not None and not field.is_neutral) or _is_asked(tree, field):
            return None
        text = tree.texts[write.path]
        if isinstance(write.node, ast.keyword):
            value = write.node.value
        else:
            statement = tree.statement(write.node)
            if not isinstance(statement, ast.Assign) or statement.targets != [write.node]:
                return None
            value = statement.value
        return None if is_literal(value) else text.replace(value, field.start or "0")


def _is_asked(tree: Tree, field: Field) -> bool:
    """Whether a value is asked for an attribute or an element."""
    return any(isinstance(tree.parent(one.node), ast.Attribute | ast.Subscript) for one in field.reads)


class NeverWritten(WrittenOnce):
    """The only statement that stores into a field with a default is gone."""

    fault = "field never written"
    rules = ("TW502", "TW501")

    def edit(self, tree: Tree, field: Field) -> Edit | None:
        """Drop the statement."""
        (write,) = field.writes
        if isinstance(write.node, ast.keyword) or not field.is_neutral:
            return None
        return without(tree.texts[write.path], tree.statement(write.node))


class Forgotten(AuditPlanter):
    """A constructor call passes a field's siblings and forgets the field, which has a default."""

    fault = "field forgotten in the constructor call"
    rules = ("TW506", "TW502")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each field with a default that one constructor call passes, beside others."""
        for field in telemetry_fields(tree):
            if len(field.writes) != 1 or not field.reads or not field.is_neutral:
                continue
            (write,) = field.writes
            if not isinstance(write.node, ast.keyword) or not planted_only(tree, write):
                continue
            text = tree.texts[write.path]
            what = f"{field.owner.name}.{field.name}"
            yield plant(text, write.node, {field.name}, what, text.drop_keyword(write.node))


class NeverRead(AuditPlanter):
    """The only reader of a field takes a literal instead.

    Left out: fields that may leave with their object, and what an object only keeps of its constructor's arguments.
    """

    fault = "field never read"
    rules: tuple[str, ...] = ("TW503",)
    is_exported = False

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each field of a telemetry class with some writer and one reader."""
        for field in telemetry_fields(tree):
            if not field.writes or len(field.reads) != 1 or not planted_only(tree, *field.reads):
                continue
            if is_exported(tree, field) is not self.is_exported:
                continue
            if not field.is_declared and all(_constructs(tree, one) for one in field.writes):
                continue  # its constructor keeps what it is given
            (read,) = field.reads
            parent = tree.parent(read.node)
            if isinstance(parent, ast.Attribute | ast.Subscript):
                continue
            assert isinstance(read.node, ast.Attribute)
            text = tree.texts[read.path]
            what = f"{field.owner.name}.{field.name}"
            why = why_touched(tree, field)
            edit = text.replace(read.node, "(0)")
            yield plant(text, read.node, {field.name}, what, edit, undecidable=why)


def _constructs(tree: Tree, write: Occurrence) -> bool:
    """Whether a write is one of the constructor, or an argument that a call gives to it."""
    if isinstance(write.node, ast.keyword):
        return True
    function = tree.function(write.node)
    return function is not None and function.name == "__init__"


class ExportedOnly(NeverRead):
    """The only reader of a field takes a literal instead, and something turns objects into mappings as wholes.

    The field may leave with its object, which is worth a note and no fault.
    """

    fault = "field no longer read, perhaps exported"
    rules = ("TW504", "TW503")
    is_exported = True


def is_exported(tree: Tree, field: Field) -> bool:
    """Whether a field may leave with its object as a whole.

    A declared one does where the program turns objects into mappings (`asdict`, `model_dump`), others where their
    file asks for the attributes of an object.
    """
    wholes = tree.occurrences.of_name
    if any(one.path == field.path for name in ("__dict__", "vars", "__getstate__") for one in wholes(name)):
        return True
    return field.is_declared and any(
        wholes(name) for name in ("asdict", "astuple", "model_dump", "__dict__", "vars")
    )


class OnlyInHandler(WrittenOnce):
    """The value is computed and thrown away; a caught exception is all that sets the field, to what it starts with."""

    fault = "field set by an exception only"
    rules = ("TW501", "TW502")

    def edit(self, tree: Tree, field: Field) -> Edit | None:
        """Put the store into an `except` block."""
        (write,) = field.writes
        statement = tree.statement(write.node)
        text = tree.texts[write.path]
        if not isinstance(statement, ast.Assign) or statement.targets != [write.node]:
            return None
        if is_literal(statement.value) or not text.stands_alone(statement):
            return None
        if (field.start is not None and not field.is_neutral) or _is_asked(tree, field):
            return None
        indent = text.indent(statement)
        return text.replace(
            statement,
            f"try:\n{indent}    ({text.of(statement.value)})\n{indent}except Exception:\n"
            f"{indent}    {text.of(statement.targets[0])} = {field.start or 0}",
        )


class GatedOff(WrittenOnce):
    """The only statement that stores into a field with a default stands behind a constant that is false."""

    fault = "field written behind `if False`"
    rules = ("TW502", "TW501")

    def edit(self, tree: Tree, field: Field) -> Edit | None:
        """Wrap the statement."""
        (write,) = field.writes
        statement = tree.statement(write.node)
        text = tree.texts[write.path]
        if isinstance(write.node, ast.keyword) or not field.is_neutral or not text.stands_alone(statement):
            return None
        return text.wrap(statement, "if False:")


class LostInCopy(AuditPlanter):
    """A method that lists the fields of its telemetry class, to a mapping or from one, misses one of them."""

    fault = "field missing in to_dict or from_dict"
    rules = ("TW508",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each entry of a method that lists its class's fields under their own names: three of four at least.

        A method that picks some of them shows nothing by leaving out one more, and neither do two that are left. A
        field without a default cannot be left out of a construction: that fails at once.
        """
        for path in tree.planted:
            for cls in (one for one in ast.walk(tree.modules[path]) if isinstance(one, ast.ClassDef)):
                fields = {
                    one.target.id: one.value is not None
                    for one in cls.body
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
                }
                for method in (one for one in cls.body if isinstance(one, ast.FunctionDef)):
                    is_converter = "dict" in method.name or "json" in method.name
                    is_converter |= method.name in {"serialize", "deserialize"}
                    if is_converter and NAMES.is_class(cls.name):
                        yield from self._entries(tree, path, method, fields, cls.name)

    def _entries(
        self, tree: Tree, path: str, method: ast.FunctionDef, fields: Mapping[str, bool], owner: str
    ) -> Iterator[Plant]:
        text = tree.texts[path]
        for node in ast.walk(method):
            listed: list[tuple[str, Edit, ast.AST]] = []
            may_lack = set(fields)
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in fields:
                        edit = text.drop_item(text.start(key), text.end(value))
                        listed.append((str(key.value), edit, key))
            elif isinstance(node, ast.Call):
                may_lack = {name for name, has_default in fields.items() if has_default}
                listed += [
                    (str(keyword.arg), text.drop_keyword(keyword), keyword)
                    for keyword in node.keywords
                    if keyword.arg in fields
                ]
            if len(listed) >= 4 and 4 * len({name for name, _, _ in listed}) >= 3 * len(fields):
                for name, edit, place in listed:
                    if name not in may_lack:
                        continue
                    yield plant(text, place, {name, method.name}, f"{owner}.{method.name}: {name}", edit)


FIELD_PLANTERS: tuple[Planter, ...] = (
    OnlyConstant(),
    NeverWritten(),
    Forgotten(),
    NeverRead(),
    ExportedOnly(),
    OnlyInHandler(),
    GatedOff(),
    LostInCopy(),
)
"""Faults of fields, found with no record."""
