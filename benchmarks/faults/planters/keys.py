"""Faults of string keys with no record: never written, renamed on one side, masked by a default."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..edits import Edit
from ..occurrences import Occurrence, Part
from ..plant import Plant, Planter
from ..tree import Function, Tree
from .audited import AuditPlanter, last_name, plant, planted_only


@dataclass(frozen=True, slots=True)
class Key:
    """A string key that one place writes and some read; its text stands nowhere else in the program."""

    name: str
    write: Occurrence
    reads: tuple[Occurrence, ...]


def keys(tree: Tree) -> Iterator[Key]:
    """Yield the keys with one writer, of mappings that are made and read in the program.

    A mapping that comes from elsewhere (a file, a library, an argument) may hold any key: only those count that a
    display in the same function makes, one that the called function returns, or one in a field of the same object.
    Left out: keys whose text is also another string, or a keyword that makes a mapping (`dict(a=1)`), and mappings
    that others are merged into.
    """
    index = tree.occurrences
    for name in index.names():
        writes = index.of_name(name, Part.KEY_WRITTEN)
        reads = index.of_name(name, Part.KEY_READ)
        if len(writes) != 1 or not reads or not planted_only(tree, *writes, *reads):
            continue
        if index.of_name(name, Part.STRING) or not name.isidentifier():
            continue
        if any(_makes_mapping(tree, one.node) for one in index.of_name(name, Part.KEYWORD)):
            continue
        if all(_is_made_here(tree, read.node, writes[0].node) for read in reads):
            yield Key(name, writes[0], tuple(reads))


def _makes_mapping(tree: Tree, keyword: ast.AST) -> bool:
    call = tree.parent(keyword)
    return isinstance(call, ast.Call) and last_name(call.func) in {
        "dict",
        "update",
        "defaultdict",
        "OrderedDict",
    }


def _is_made_here(tree: Tree, read: ast.AST, write: ast.AST) -> bool:
    """Whether the mapping that a key is read from is the one that the key is written into, by the syntax alone."""
    holder = tree.parent(read)
    match holder:
        case ast.Subscript(value=base) | ast.Call(func=ast.Attribute(value=base)):
            pass
        case _:
            return False
    match base:
        case ast.Name(id=name):
            function = tree.function(read)
            return (
                function is not None
                and not _is_filled(function, base)
                and _holds_key(tree, function, name, write)
            )
        case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
            owner = tree.class_of(read)
            values = [] if owner is None else _assigned_to_self(owner, attribute)
            return (
                bool(values)
                and owner is not None
                and not _is_filled(owner, base)
                and all(isinstance(value, ast.Dict) for value in values)
                and (
                    any(_holds(value, write) for value in values)
                    or _is_self_attribute(tree, write, attribute)
                )
            )
        case _:
            return False


def _is_filled(scope: ast.AST, mapping: ast.expr) -> bool:
    """Whether a mapping is merged with another one, which may hold any key: `m.update(other)`, `m |= other`."""
    written = ast.unparse(mapping)
    for node in ast.walk(scope):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="update", value=base), args=arguments, keywords=keywords
            ) if ast.unparse(base) == written:
                is_literal = all(isinstance(one, ast.Dict) and None not in one.keys for one in arguments)
                if not is_literal or any(keyword.arg is None for keyword in keywords):
                    return True
            case ast.AugAssign(target=base, op=ast.BitOr()) if ast.unparse(base) == written:
                return True
            case _:
                pass
    return False


def _holds_key(tree: Tree, function: Function, name: str, write: ast.AST, depth: int = 3) -> bool:
    """Whether a local holds the mapping: made here, returned to here, or passed on by the one caller."""
    values = _assigned(function, name)
    if values:
        return any(_gives(tree, value, write) for value in values)
    calls = [
        tree.parent(one.node)
        for one in tree.occurrences.of_name(function.name, Part.NAME, Part.LOAD)
        if tree.parent(one.node) is not None
    ]
    made = tree.occurrences.of_name(function.name, Part.DEFINITION)
    if len(made) != 1 or len(calls) != 1 or not isinstance(calls[0], ast.Call) or not depth:
        return False
    passed = next((one.value for one in calls[0].keywords if one.arg == name), None)
    caller = tree.function(calls[0])
    if not isinstance(passed, ast.Name) or caller is None:
        return passed is not None and _gives(tree, passed, write)
    return _holds_key(tree, caller, passed.id, write, depth - 1)


def _gives(tree: Tree, value: ast.expr, write: ast.AST) -> bool:
    """Whether a value is the display that a key stands in, or a call of the function that returns it."""
    if isinstance(value, ast.Await):
        value = value.value
    match value:
        case ast.Dict():
            return _holds(value, write)
        case ast.Call(func=func):
            made = tree.occurrences.of_name(last_name(func) or "", Part.DEFINITION)
            if len(made) != 1 or tree.function(write) is not made[0].node:
                return False
            display = tree.parent(write)
            if not isinstance(display, ast.Dict):
                return False
            place = tree.parent(display)
            if isinstance(place, ast.Return):
                return True
            match place:
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    return any(
                        isinstance(one, ast.Return)
                        and isinstance(one.value, ast.Name)
                        and one.value.id == name
                        for one in ast.walk(made[0].node)
                    )
                case _:
                    return False
        case _:
            return False


def _assigned(function: ast.AST, name: str) -> list[ast.expr]:
    found: list[ast.expr] = []
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                found.append(value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                found.append(value)
            case _:
                pass
    return found


def _assigned_to_self(owner: ast.ClassDef, attribute: str) -> list[ast.expr]:
    found: list[ast.expr] = []
    for node in ast.walk(owner):
        match node:
            case (
                ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value)
                | ast.AnnAssign(
                    target=ast.Attribute(value=ast.Name(id="self"), attr=name), value=ast.expr() as value
                )
            ) if name == attribute:
                found.append(value)
            case _:
                pass
    return found


def _is_self_attribute(tree: Tree, write: ast.AST, attribute: str) -> bool:
    match tree.parent(write):
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id="self"), attr=name)):
            return name == attribute
        case _:
            return False


def _holds(tree: ast.AST, node: ast.AST) -> bool:
    return any(one is node for one in ast.walk(tree))


class KeyDropped(AuditPlanter):
    """The only place that writes a key is gone; it is read as before."""

    fault = "key never written"
    rules = ("TW505",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each key."""
        for key in keys(tree):
            edit = dropped(tree, key.write)
            if edit is not None:
                yield plant(tree.texts[key.write.path], key.write.node, {key.name}, key.name, edit)


class KeyMasked(AuditPlanter):
    """The only place that writes a key is gone, and every reader has a default that hides it."""

    fault = "default masks a key that is never written"
    rules = ("TW505",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each key that is read by subscript or `get`, all reads with a default then."""
        for key in keys(tree):
            edit = dropped(tree, key.write)
            masked = [_masked(tree, read) for read in key.reads]
            if edit is None or any(one is None for one in masked):
                continue
            edits: dict[str, list[Edit]] = {key.write.path: [edit]}
            for read, one in zip(key.reads, masked, strict=True):
                if one is not None and one.text:
                    edits.setdefault(read.path, []).append(one)
            line = key.reads[0].node.lineno  # type: ignore[attr-defined]
            changed = {path: tuple(sorted(found)) for path, found in edits.items()}
            yield Plant(changed, key.reads[0].path, line, frozenset({key.name}), key.name)


class KeyRenamedAtWriter(AuditPlanter):
    """A key is renamed where it is written, and not where it is read."""

    fault = "key renamed by its writer only"
    rules = ("TW516", "TW505")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each key."""
        for key in keys(tree):
            text = tree.texts[key.write.path]
            assert isinstance(key.write.node, ast.Constant)
            edit = text.replace(key.write.node, repr(f"{key.name}_total"))
            yield plant(text, key.write.node, {key.name, f"{key.name}_total"}, key.name, edit)


class KeyRenamedAtReader(AuditPlanter):
    """A key is renamed where it is read, and not where it is written."""

    fault = "key renamed by its reader only"
    rules = ("TW516", "TW505")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each key with one reader."""
        for key in keys(tree):
            if len(key.reads) == 1:
                text = tree.texts[key.reads[0].path]
                node = key.reads[0].node
                assert isinstance(node, ast.Constant)
                edit = text.replace(node, repr(f"last_{key.name}"))
                yield plant(text, node, {key.name, f"last_{key.name}"}, key.name, edit)


def dropped(tree: Tree, write: Occurrence) -> Edit | None:
    """Return the edit that takes a key's entry or store away."""
    text = tree.texts[write.path]
    holder = tree.parent(write.node)
    match holder:
        case ast.Dict(keys=found, values=values) if write.node in found:
            value = values[found.index(write.node)]
            assert isinstance(write.node, ast.expr)
            return text.drop_item(text.start(write.node), text.end(value))
        case ast.Subscript():
            statement = tree.statement(holder)
            if isinstance(statement, ast.Assign | ast.AugAssign) and text.stands_alone(statement):
                return text.drop(statement)
    return None


def _masked(tree: Tree, read: Occurrence) -> Edit | None:
    """Return the edit that gives a read a default; one without text where it has one; None if it cannot have one."""
    text = tree.texts[read.path]
    holder = tree.parent(read.node)
    match holder:
        case ast.Subscript(value=mapping, slice=key) if not isinstance(tree.parent(holder), ast.Delete):
            return text.replace(holder, f"{text.of(mapping)}.get({text.of(key)}, 0)")
        case ast.Call(func=ast.Attribute(attr="get")):
            return Edit(0, 0, "")
        case _:
            return None


KEY_PLANTERS: tuple[Planter, ...] = (KeyDropped(), KeyMasked(), KeyRenamedAtWriter(), KeyRenamedAtReader())
"""Faults of string keys, found with no record."""
