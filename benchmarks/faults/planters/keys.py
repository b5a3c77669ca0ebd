"""Faults of string keys with no record: never written, renamed on one side, masked by a default."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..edits import Edit
from ..occurrences import Occurrence, Part
from ..plant import Plant, Planter
from ..tree import Tree
from .audited import AuditPlanter, plant, planted_only


@dataclass(frozen=True, slots=True)
class Key:
    """A string key that one place writes and some read; its text stands nowhere else in the program."""

    name: str
    write: Occurrence
    reads: tuple[Occurrence, ...]


def keys(tree: Tree) -> Iterator[Key]:
    """Yield the keys with one writer.

    Left out: keys whose text is also another string, a keyword or a field (`dict(a=1)`, `asdict`), or one that
    only tests presence: those may write it too.
    """
    index = tree.occurrences
    for name in index.names():
        writes = index.of_name(name, Part.KEY_WRITTEN)
        reads = index.of_name(name, Part.KEY_READ)
        if len(writes) != 1 or not reads or not planted_only(tree, *writes, *reads):
            continue
        if index.of_name(name, Part.STRING, Part.KEYWORD, Part.DECLARATION) or not name.isidentifier():
            continue
        yield Key(name, writes[0], tuple(reads))


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
            value = values[found.index(write.node)]  # type: ignore[arg-type]
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
