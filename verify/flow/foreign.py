"""Module-level names that another module sets: `flags.ENABLED = True`, `setattr(flags, "ENABLED", True)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..source import FunctionSymbol, ModuleSymbol, Program
from ..source.model import EffectKind, Kind, Node, ValueGraph


@dataclass(frozen=True, slots=True)
class ForeignStore:
    """A store into a name of `module`, None for any name of it: which function, which node is stored."""

    module: str
    name: str | None
    function: FunctionSymbol
    value: int


def foreign_stores(program: Program) -> Iterator[ForeignStore]:
    """Yield the stores into names of other modules. Only files that are known to have some are looked through."""
    for summary in program.summaries():
        paths = {store.receiver for store in summary.sets if store.receiver is not None}
        targets = {path: program.resolve(summary.name, path) for path in paths}
        modules = {path: one.name for path, one in targets.items() if isinstance(one, ModuleSymbol)}
        for qualname, body in summary.functions.items() if modules else ():
            function = FunctionSymbol(summary.name, qualname)
            for path, name, value in _stores(body.graph):
                if path in modules:
                    yield ForeignStore(modules[path], name, function, value)


def set_by_computed_names(program: Program) -> Iterator[tuple[FunctionSymbol, int]]:
    """Yield each function with the node of an object whose attributes it sets by names that are not literal."""
    for summary in program.summaries():
        if not any(store.name is None for store in summary.sets):
            continue
        for qualname, body in summary.functions.items():
            for node in body.graph.nodes:
                if node.kind is Kind.CALL and len(node.operands) > 1:
                    called = body.graph.nodes[node.operands[0]].data
                    is_text = len(node.operands) > 2 and _text(body.graph.nodes[node.operands[2]]) is not None
                    if called == "vars" or (called == "setattr" and not is_text):
                        yield FunctionSymbol(summary.name, qualname), node.operands[1]
                elif node.kind is Kind.ATTR and node.data == "__dict__":
                    yield FunctionSymbol(summary.name, qualname), node.operands[0]


def _stores(graph: ValueGraph) -> Iterator[tuple[str | None, str | None, int]]:
    """Yield for each attribute store, and each `setattr`, the receiver's path, the name and the value."""
    for effect in graph.effects:
        if effect.kind is EffectKind.STORE_ATTR:
            yield _path(graph, effect.base), effect.name, effect.value
    for node in graph.nodes:
        if node.kind is Kind.CALL and len(node.operands) == 4:
            callee, receiver, name, value = node.operands
            if graph.nodes[callee].data == "setattr":
                yield _path(graph, receiver), _text(graph.nodes[name]), value


def _path(graph: ValueGraph, index: int) -> str | None:
    node = graph.nodes[index]
    if node.kind is Kind.GLOBAL:
        return str(node.data)
    if node.kind is Kind.ATTR:
        base = _path(graph, node.operands[0])
        return None if base is None else f"{base}.{node.data!s}"
    return None


def _text(node: Node) -> str | None:
    return node.data if node.kind is Kind.CONST and isinstance(node.data, str) else None
