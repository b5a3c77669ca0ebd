"""Where the hops of proved wires are written in the source: the places that a fault on a wire can stand at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from telewire.registry import Record
from telewire.verify.flow import Hop
from telewire.verify.source import ClassSymbol, FunctionSymbol
from telewire.verify.wiring import Edge, StageKind

from .edits import SourceText
from .occurrences import Part
from .tree import Tree


@dataclass(frozen=True, slots=True)
class Write:
    """One place where a hop of a wire stores its value under a name.

    Attributes:
        value: The expression that is stored.
        holder: The keyword, the dict or the statement that stores it.
        name: The keyword, key or attribute.
        part: Which of them.
        records: The wires that pass here.
    """

    text: SourceText
    value: ast.expr
    holder: ast.keyword | ast.Dict | ast.Assign
    name: str
    part: Part
    hop: Hop
    records: frozenset[str]

    @property
    def line(self) -> int:
        """The line of the value."""
        return self.value.lineno


def writes(tree: Tree, *, emitters: bool = True) -> list[Write]:
    """Return every write on a proved wire whose name is written once in its file.

    Of two writes of one name each may keep the wire when the other is cut, and then nothing is broken. Without
    `emitters`, what proves an emitter's own work is left out.
    """
    found: dict[tuple[str, int, int], tuple[Write, set[str]]] = {}
    nodes = {path: _by_span(tree.modules[path]) for path in tree.planted}
    for record, edge, hop in hops(tree):
        kind = edge.target.kind
        if kind is StageKind.CONSUMER or (kind is StageKind.EMITTER and not emitters):
            continue  # a consumer has other reads
        if hop.site.path not in nodes:
            continue
        span = hop.site.span
        for node in nodes[hop.site.path].get((span.line, span.column, span.end_line, span.end_column), ()):
            write = _write(tree, hop, node)
            if write is None:
                continue
            same = tree.occurrences.of_name(write.name, write.part)
            if sum(one.path == hop.site.path for one in same) == 1:
                key = (hop.site.path, write.value.lineno, write.value.col_offset)
                found.setdefault(key, (write, set()))[1].add(record)
    return [
        Write(one.text, one.value, one.holder, one.name, one.part, one.hop, frozenset(records))
        for one, records in found.values()
    ]


def hops(tree: Tree) -> Iterator[tuple[str, Edge, Hop]]:
    """Yield every hop of every proof, with the record's ID and the edge."""
    assert tree.verification is not None
    for edge in tree.verification.wiring.edges:
        for hop in edge.proof:
            yield edge.record.id, edge, hop


def _by_span(module: ast.Module) -> dict[tuple[int, int, int, int], list[ast.AST]]:
    found: dict[tuple[int, int, int, int], list[ast.AST]] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.expr | ast.stmt) and node.end_lineno and node.end_col_offset is not None:
            span = (node.lineno, node.col_offset + 1, node.end_lineno, node.end_col_offset + 1)
            found.setdefault(span, []).append(node)
    return found


def _write(tree: Tree, hop: Hop, node: ast.AST) -> Write | None:
    text = tree.texts[hop.site.path]
    match node:
        case ast.Assign(targets=[ast.Attribute(attr=name)], value=value):
            return Write(text, value, node, name, Part.STORE, hop, frozenset())
        case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=value):
            return Write(text, value, node, name, Part.KEY_WRITTEN, hop, frozenset())
        case ast.expr():
            holder = tree.parent(node)
            if isinstance(holder, ast.keyword) and holder.arg is not None:
                return Write(text, node, holder, holder.arg, Part.KEYWORD, hop, frozenset())
            if isinstance(holder, ast.Dict) and node in holder.values:
                key = holder.keys[holder.values.index(node)]
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    return Write(text, node, holder, key.value, Part.KEY_WRITTEN, hop, frozenset())
    return None


# -- records ------------------------------------------------------------------------------------------------------


def functions_at(tree: Tree) -> dict[FunctionSymbol, set[str]]:
    """Return the functions that records name as a stage or consumer, each with the IDs of the records."""
    found: dict[FunctionSymbol, set[str]] = {}
    for record, definition in _definitions(tree):
        if isinstance(definition, FunctionSymbol):
            found.setdefault(definition, set()).add(record.id)
    return found


def consumers(tree: Tree) -> Iterator[tuple[Record, ClassSymbol | FunctionSymbol, Hop]]:
    """Yield each Python consumer with the hop that proves its read."""
    assert tree.verification is not None
    for edge in tree.verification.wiring.edges:
        at = edge.target.definition
        if (
            edge.target.kind is StageKind.CONSUMER
            and isinstance(at, ClassSymbol | FunctionSymbol)
            and edge.proof
        ):
            yield edge.record, at, edge.proof[0]


def _definitions(tree: Tree) -> Iterator[tuple[Record, object]]:
    assert tree.verification is not None
    for wire in tree.verification.wiring.wires:
        for stage in wire.stages:
            if stage.definition is not None:
                yield wire.record, stage.definition


def definition(tree: Tree, symbol: ClassSymbol | FunctionSymbol) -> tuple[str, ast.AST] | None:
    """Return where a symbol is defined: the path, and the definition's node."""
    assert tree.verification is not None
    place = tree.verification.wiring.flow.program.place(symbol)
    if place.path not in tree.planted:
        return None
    name = symbol.qualname.rpartition(".")[2]
    for one in tree.occurrences.of_name(name, Part.DEFINITION):
        if one.path == place.path and _stands_at(one.node, place.span.line):
            return place.path, one.node
    return None


def _stands_at(node: ast.AST, line: int) -> bool:
    """Whether a definition's head, decorators included, has a line."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return min([node.lineno, *(one.lineno for one in node.decorator_list)]) <= line <= node.lineno
