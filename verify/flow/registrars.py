"""Functions that keep what they are given: a decorator or a call of one registers a class or function."""

from __future__ import annotations

from ..source import FunctionSymbol, Program
from ..source.model import EffectKind, Kind, ValueGraph
from .roots import local_roots

_ADDS = {"append", "add", "insert", "update", "setdefault", "register", "appendleft", "extend", "put"}


def registers(program: Program, function: FunctionSymbol, *, by_call: bool) -> bool:
    """Whether a decorator puts what it decorates into a container, as it is.

    Args:
        program: All sources.
        function: The decorator; `by_call`, what makes it (`@signal("loss")`): then it is a function inside that one.
        by_call: Whether the decorator is written as a call.
    """
    known = program.modules[function.module].functions
    inside = f"{function.qualname}.<locals>."
    graphs = [
        one.graph
        for name, one in known.items()
        if (
            name.startswith(inside) and "." not in name[len(inside) :]
            if by_call
            else name == function.qualname
        )
    ]
    return any(_puts_away_itself(graph) for graph in graphs)


def _puts_away_itself(graph: ValueGraph) -> bool:
    put = [one.value for one in graph.effects if one.kind is EffectKind.STORE_ITEM]
    for node in graph.nodes:
        if node.kind is Kind.CALL and graph.nodes[node.operands[0]].kind is Kind.ATTR:
            put += node.operands[1:] if graph.nodes[node.operands[0]].data in _ADDS else ()
    return any(graph.nodes[one].kind is Kind.PARAM and graph.nodes[one].data != "self" for one in put)


def keeps_what_it_gets(program: Program, function: FunctionSymbol) -> bool:
    """Whether a function, or one inside it, puts something that it is given into a container."""
    known = program.modules[function.module].functions
    inside = f"{function.qualname}.<locals>."
    bodies = (
        one.graph for name, one in known.items() if name == function.qualname or name.startswith(inside)
    )
    return any(_puts_away(graph) for graph in bodies)


def _puts_away(graph: ValueGraph) -> bool:
    """Whether a body puts something that it is given into a container."""
    stores = (one for one in graph.effects if one.kind is EffectKind.STORE_ITEM)
    return any(is_given(graph, one.value) for one in stores) or adds(graph)


def adds(graph: ValueGraph) -> bool:
    """Whether a body hands something that it is given to a method that adds it, or sets an attribute to it."""
    for node in graph.nodes:
        if node.kind is Kind.CALL and node.operands:
            callee = graph.nodes[node.operands[0]]
            adds = callee.kind is Kind.ATTR and callee.data in _ADDS
            if (adds or callee.data == "setattr") and any(is_given(graph, one) for one in node.operands[1:]):
                return True
    return False


def is_given(graph: ValueGraph, index: int) -> bool:
    """Whether a value is one of a function's parameters, or made of one."""
    roots = [graph.nodes[root] for root in local_roots(graph, index, every=True)]
    inner = (graph.nodes[one] for root in roots for one in root.operands)
    return any(one.kind is Kind.PARAM and one.data != "self" for one in (*roots, *inner))
