"""The nodes that a local value is, alternatives and narrowings looked through."""

from __future__ import annotations

from ..source.model import Kind, ValueGraph


def local_roots(graph: ValueGraph, index: int, *, every: bool = False) -> list[int]:
    """Return the nodes that a value is, alternatives and narrowings looked through.

    Only containers made in this function are returned, or every root with `every`.
    """
    found: list[int] = []
    seen: set[int] = set()
    pending = [index]
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        node = graph.nodes[current]
        if node.kind in {Kind.PHI, Kind.NARROW}:
            pending.extend(node.operands)
        elif every or node.kind in {Kind.SEQUENCE, Kind.DICT, Kind.CALL}:
            found.append(current)
    return found
