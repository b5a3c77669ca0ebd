"""Faults at the places where a wire stores its value: TW203 to TW207, TW210 to TW212."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from telewire.verify.flow import FieldCarrier

from ..edits import Edit
from ..occurrences import Part
from ..plant import Instrument, Plant, Planter
from ..tree import Tree
from ..wire_places import Write, writes


class OnWire(Planter):
    """A fault at each place where a proved wire stores its value under a name."""

    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield the fault at every write that it can stand at."""
        for write in writes(tree):
            edits = self.edits(tree, write)
            if edits:
                what = f"{write.name}: {write.text.of(write.value)[:40]}"
                yield Plant({write.text.path: edits}, write.text.path, write.line, write.records, what)

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Return what to change; nothing where the fault cannot stand."""
        raise NotImplementedError


class Hardcoded(OnWire):
    """A literal is stored instead of the value."""

    fault = "literal instead of the value"
    rules = ("TW204",)

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Put a zero in the value's place."""
        return (write.text.replace(write.value, "0"),)


class HardcodedDefault(OnWire):
    """`None` is stored instead of the value, as where nothing was collected."""

    fault = "None instead of the value"
    rules = ("TW204",)

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Put None in the value's place."""
        return (write.text.replace(write.value, "None"),)


class DroppedStore(OnWire):
    """The statement that stores a field is gone."""

    fault = "store dropped"
    rules = ("TW205", "TW201")  # TW201 where the statement was all that made the field

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Drop the assignment to the attribute."""
        if write.part is not Part.STORE or not isinstance(write.holder, ast.stmt):
            return ()
        return (write.text.drop(write.holder),)


class DroppedKeyword(OnWire):
    """A constructor or function is called without the keyword."""

    fault = "keyword dropped"
    rules = ("TW205", "TW204")  # TW204 where the parameter's default then is all that arrives

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Drop the keyword."""
        return (write.text.drop_keyword(write.holder),) if isinstance(write.holder, ast.keyword) else ()


class DroppedKey(OnWire):
    """A mapping is made without the key; who reads it names it still."""

    fault = "key dropped"
    rules = ("TW206", "TW205")  # TW205 where the key is what the stage itself has to carry

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Drop the entry, or the statement that stores it."""
        if write.part is not Part.KEY_WRITTEN:
            return ()
        if isinstance(write.holder, ast.Dict):
            return (drop_entry(write),)
        return (write.text.drop(write.holder),) if isinstance(write.holder, ast.stmt) else ()


class RenamedKey(OnWire):
    """A mapping's key is written under another name; who reads it names the old one."""

    fault = "key renamed where it is written"
    rules = ("TW206", "TW205")

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Write the key under another name."""
        if write.part is not Part.KEY_WRITTEN:
            return ()
        key = key_node(write)
        return (write.text.replace(key, repr(f"{write.name}_total")),)


class RenamedRead(OnWire):
    """A mapping is read by another key than the one that is written, and a default hides it."""

    fault = "another key read, with a default"
    rules = ("TW206",)

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Read `m.get("old_k", 0)` instead of `m["k"]`."""
        match write.value:
            case ast.Subscript(value=mapping, slice=ast.Constant(value=str(key))):
                return (
                    write.text.replace(write.value, f"{write.text.of(mapping)}.get({'last_' + key!r}, 0)"),
                )
        return ()


class Gated(Planter):
    """The statement that stores a value, or passes it on, stands behind a constant that is false.

    Left out: assignments to a local, which later statements would miss.
    """

    fault = "store behind `if False`"
    rules = ("TW211", "TW202")  # TW202 where the statement is the only call of a stage
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each statement with a write on a wire."""
        together: dict[ast.stmt, list[Write]] = {}
        for write in writes(tree):
            together.setdefault(tree.statement(write.value), []).append(write)
        for statement, found in together.items():
            text = found[0].text
            if text.stands_alone(statement) and is_plain_store(statement):
                records = frozenset().union(*(write.records for write in found))
                edits = {text.path: (text.wrap(statement, "if False:"),)}
                what = ", ".join(sorted({write.name for write in found}))
                yield Plant(edits, text.path, statement.lineno, records, what)


class OnlyInHandler(OnWire):
    """The value is computed and thrown away; a caught exception is all that sets the field."""

    fault = "only an exception sets it"
    rules = ("TW210",)

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Put the store into an `except` block, with a zero."""
        statement = write.holder
        if not isinstance(statement, ast.Assign) or not write.text.stands_alone(statement):
            return ()
        indent = write.text.indent(statement)
        target = write.text.of(statement.targets[0])
        return (
            write.text.replace(
                statement,
                f"try:\n{indent}    ({write.text.of(write.value)})\n"
                f"{indent}except Exception:\n{indent}    {target} = 0",
            ),
        )


class OnlyThroughBranch(OnWire):
    """What is stored is a constant; only whether it is depends on the value."""

    fault = "only a branch depends on it"
    rules = ("TW212",)

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Store 1 if the value is true."""
        statement = write.holder
        if not isinstance(statement, ast.Assign) or not write.text.stands_alone(statement):
            return ()
        indent = write.text.indent(statement)
        target = write.text.of(statement.targets[0])
        return (write.text.replace(statement, f"if {write.text.of(write.value)}:\n{indent}    {target} = 1"),)


class UnknownReceiver(OnWire):
    """The object whose field is read comes back from code outside the program that says nothing of its class."""

    fault = "read from an object of unknown class"
    rules = ("TW203",)

    def edits(self, tree: Tree, write: Write) -> tuple[Edit, ...]:
        """Hand the object through a function of an unknown library before its field is read."""
        source = write.hop.source
        if not isinstance(source, FieldCarrier):
            return ()
        reads = [
            node.value
            for node in ast.walk(write.value)
            if isinstance(node, ast.Attribute)
            and node.attr == source.name
            and isinstance(node.value, ast.Name)
        ]
        return tuple(
            write.text.replace(one, f'__import__("outside").restored({write.text.of(one)})') for one in reads
        )


class Swapped(Planter):
    """Two values that are stored side by side are swapped: each arrives under the other's name.

    Left out: the emitter's own work. A record says what an emitter makes and not what from.
    """

    fault = "two values swapped"
    rules = ("TW207",)
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each pair of writes that stand next to each other in one call, mapping or block."""
        for path, found in side_by_side(tree):
            for one, other in itertools.pairwise(found):
                if one.records == other.records or one.text.of(one.value) == one.text.of(other.value):
                    continue
                edits = (
                    one.text.replace(one.value, one.text.of(other.value)),
                    one.text.replace(other.value, one.text.of(one.value)),
                )
                what = f"{one.name} and {other.name}"
                yield Plant({path: edits}, path, one.line, one.records | other.records, what)


class OtherField(Planter):
    """A neighbour's value is stored instead: one is shown twice, and the other nowhere. Emitters as above."""

    fault = "a neighbour's value stored"
    rules = ("TW207",)
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each write whose expression reads one attribute or key, with the one of the write before it."""
        for path, found in side_by_side(tree):
            for one, other in itertools.pairwise(found):
                value = one.text.of(one.value)
                if one.records == other.records or value == one.text.of(other.value):
                    continue
                edits = (one.text.replace(other.value, value),)
                yield Plant({path: edits}, path, other.line, other.records, f"{other.name}: {value[:40]}")


def side_by_side(tree: Tree) -> list[tuple[str, list[Write]]]:
    """Return the writes of each call, mapping or block, those of emitters left out, with the path."""
    together: dict[ast.AST, list[Write]] = {}
    for write in writes(tree, emitters=False):
        holder = write.holder if isinstance(write.holder, ast.Dict) else tree.parent(write.holder)
        together.setdefault(holder, []).append(write)
    return [(found[0].text.path, found) for found in together.values()]


def is_plain_store(statement: ast.stmt) -> bool:
    """Whether a statement defines no local that later statements would miss."""
    match statement:
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.AugAssign() | ast.Expr():
            return True
        case _:
            return False


def key_node(write: Write) -> ast.expr:
    """Return the constant that is a write's key."""
    if isinstance(write.holder, ast.Dict):
        key = write.holder.keys[write.holder.values.index(write.value)]
        assert key is not None
        return key
    assert isinstance(write.holder, ast.Assign)
    target = write.holder.targets[0]
    assert isinstance(target, ast.Subscript)
    return target.slice


def drop_entry(write: Write) -> Edit:
    """Take an entry out of a dict."""
    return write.text.drop_item(write.text.start(key_node(write)), write.text.end(write.value))


STORED_VALUE_PLANTERS: tuple[Planter, ...] = (
    Hardcoded(),
    HardcodedDefault(),
    DroppedStore(),
    DroppedKeyword(),
    DroppedKey(),
    RenamedKey(),
    RenamedRead(),
    Swapped(),
    OtherField(),
    Gated(),
    OnlyInHandler(),
    OnlyThroughBranch(),
    UnknownReceiver(),
)
"""Faults where a wire stores its value."""
