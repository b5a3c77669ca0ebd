"""Mappings in lists, sets and queues: `rows.append({"loss": loss})`, `for row in rows: row["loss"]`.

A list is told apart by the place that makes it, as a mapping is; what is in it is held under a key that is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..source import Program
from ..source.model import CallShape, Kind, Node, ValueGraph
from .carriers import MappingOrigin
from .inference import Inference
from .types import MAPPINGS, UNKNOWN, External, ExternalObject, Type, members

LISTS = {
    "list",
    "set",
    "generator",
}  # sequences whose elements are alike; a tuple's are told by their positions
QUEUES = {
    "collections.deque",
    "queue.Queue",
    "queue.SimpleQueue",
    "queue.LifoQueue",
    "asyncio.Queue",
    "multiprocessing.Queue",
}
COPIES_OF_LISTS = {
    "builtins.list",
    "builtins.set",
    "builtins.tuple",
    "builtins.sorted",
    "builtins.reversed",
    "builtins.iter",
    "collections.deque",
}
_MADE = QUEUES | COPIES_OF_LISTS
_TAKERS = {"get", "get_nowait", "pop", "popleft"}
_ONE_OF = {"next", "min", "max"}
_PUTS = {"append": 0, "appendleft": 0, "add": 0, "put": 0, "put_nowait": 0, "insert": 1}
_SPREADS = {"extend", "extendleft"}
_NEVER_MAPPINGS = {Kind.CONST, Kind.COMPARE, Kind.FUNCTION, Kind.OP}


def container_of(graph: ValueGraph, node: Node) -> int | None:
    """Return the node of the container that a value is an element of: of a loop, a comprehension, `queue.get()`."""
    match node.kind:
        case Kind.ELEMENT:
            called = _named(graph, node.operands[0])
            return None if called in {"enumerate", "zip", "items", "keys"} else node.operands[0]
        case Kind.UNPACK:
            element = graph.nodes[node.operands[0]]
            if element.kind is not Kind.ELEMENT:
                return None
            called = _named(graph, element.operands[0])
            rows = graph.nodes[element.operands[0]].operands[1:]
            if called == "enumerate" and node.data == 1:
                return rows[0] if rows else None
            if called == "zip" and isinstance(node.data, int) and node.data < len(rows):
                return rows[node.data]
            return None
        case Kind.CALL:
            callee = graph.nodes[node.operands[0]]
            shape = node.data
            assert isinstance(shape, CallShape)
            if callee.kind is Kind.ATTR and callee.data in _TAKERS and not shape.positional:
                return callee.operands[0]
            if callee.kind is Kind.GLOBAL and callee.data in _ONE_OF and shape.positional == 1:
                return node.operands[1]
            return None
        case _:
            return None


def puts_of(graph: ValueGraph, node: Node) -> Iterator[tuple[int, int, bool]]:
    """Yield what a call puts into which container, and whether all elements of it go in."""
    callee = graph.nodes[node.operands[0]]
    shape = node.data
    assert isinstance(shape, CallShape)
    if callee.kind is not Kind.ATTR:
        return
    position = _PUTS.get(str(callee.data))
    if position is not None and shape.positional > position:
        value = node.operands[1 + position]
        if graph.nodes[value].kind not in _NEVER_MAPPINGS:
            yield callee.operands[0], value, False
    elif callee.data in _SPREADS and shape.positional == 1:
        yield callee.operands[0], node.operands[1], True


def may_be_mapping(node: Node, type_: Type) -> bool:
    """Whether a value may be a mapping, or hold some."""
    if node.kind in _NEVER_MAPPINGS:
        return False
    return node.kind is Kind.DICT or any(
        one is UNKNOWN
        or (isinstance(one, External) and one.dotted.rpartition(".")[2] in MAPPINGS | {"list", "TypedDict"})
        for one in members(type_)
    )


def is_list(program: Program, inference: Inference, origin: MappingOrigin) -> bool:
    """Whether what is made at a place is no mapping, but may hold some."""
    node = program.function(origin.function).graph.nodes[origin.node]
    if node.kind is not Kind.CALL:
        return node.kind is Kind.SEQUENCE
    made = members(inference.type_of(origin.function, node.operands[0]))
    return any(isinstance(one, ExternalObject) and one.dotted in _MADE for one in made)


def is_values(graph: ValueGraph, index: int) -> bool:
    """Whether a node is `mapping.values()`."""
    node = graph.nodes[index]
    callee = graph.nodes[node.operands[0]] if node.kind is Kind.CALL else node
    return node.kind is Kind.CALL and callee.kind is Kind.ATTR and callee.data == "values"


def is_slice(graph: ValueGraph, node: Node) -> bool:
    """Whether an item is a part of a list, which has the same elements."""
    index = graph.nodes[node.operands[1]]
    return index.kind is Kind.OP and index.data == "slice"


def _named(graph: ValueGraph, index: int) -> str | None:
    """Return the name that a call calls."""
    node = graph.nodes[index]
    if node.kind is not Kind.CALL:
        return None
    callee = graph.nodes[node.operands[0]]
    return str(callee.data) if callee.kind in {Kind.GLOBAL, Kind.ATTR} else None
