"""Reads of every key of a mapping at once: `for key, value in metrics.items()`.

They name no key, so they are no hops of one: a program has many mappings, and keys of them that only get copied on.
What reads a certain key in this way is looked for when somebody asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Set

from ..source import FunctionSymbol
from ..source.model import Kind, Node, ValueGraph
from ..source.packed import unpacked
from .carriers import Carrier, Hop, How, KeyCarrier, UseCarrier
from .graph import Flow

_ALL = {"items", "values"}
_ONE = {"get", "pop"}


def reads_of_all(flow: Flow, held: Collection[Carrier], functions: Set[FunctionSymbol]) -> Iterator[Hop]:
    """Yield where functions go through all values of a mapping that holds one of these keys."""
    yield from _reads(flow, held, functions, of_all=True)


def reads_of_any(flow: Flow, held: Collection[Carrier], functions: Set[FunctionSymbol]) -> Iterator[Hop]:
    """Yield where functions read such a mapping under a key that is not known: it may be one of these."""
    yield from _reads(flow, held, functions, of_all=False)


def _reads(
    flow: Flow, held: Collection[Carrier], functions: Set[FunctionSymbol], *, of_all: bool
) -> Iterator[Hop]:
    keys = flow.facts.sources.keys
    wanted = {one for one in held if isinstance(one, KeyCarrier) and one.mapping is not None}
    for function in sorted(functions & flow.reachable, key=str) if wanted else ():
        graph = flow.program.function(function).graph
        for node in graph.nodes:
            base = None if node.gated else _read_of_all(graph, node) if of_all else _read_of_one(graph, node)
            if base is None:
                continue
            found = next((one for one in keys.held(function, base) if one in wanted), None)
            if found is not None:
                site = flow.facts.site(function, node.place)
                yield Hop(found, UseCarrier(function), How.COPY, site, unpacked(node.place))


def _read_of_all(graph: ValueGraph, node: Node) -> int | None:
    """Return the node of the mapping of which a node gives all values."""
    if node.kind is not Kind.CALL or len(node.operands) != 1:
        return None
    callee = graph.nodes[node.operands[0]]
    return callee.operands[0] if callee.kind is Kind.ATTR and callee.data in _ALL else None


def _read_of_one(graph: ValueGraph, node: Node) -> int | None:
    """Return the node of the mapping that a node reads under a key that it does not spell out."""
    if node.kind is Kind.ITEM:
        return None if graph.nodes[node.operands[1]].kind is Kind.CONST else node.operands[0]
    if node.kind is not Kind.CALL or len(node.operands) < 2:
        return None
    callee = graph.nodes[node.operands[0]]
    is_named = graph.nodes[node.operands[1]].kind is Kind.CONST
    is_read = callee.kind is Kind.ATTR and callee.data in _ONE and not is_named
    return callee.operands[0] if is_read else None
