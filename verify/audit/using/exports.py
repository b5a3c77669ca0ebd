"""What a module says that it offers, and no more: the names in its `__all__`."""

from __future__ import annotations

from ...source.model import EffectKind, ValueGraph

_LISTS = {"__all__", "__slots__"}


def exported_nodes(graph: ValueGraph) -> frozenset[int]:
    """Return the nodes of a module's top level that `__all__` is made of, and `__slots__`, which lists as well."""
    pending = [
        effect.value
        for effect in graph.effects
        if effect.kind is EffectKind.STORE_GLOBAL and effect.name in _LISTS
    ]
    seen: set[int] = set()
    while pending:
        index = pending.pop()
        if index not in seen:
            seen.add(index)
            pending += graph.nodes[index].operands
    return frozenset(seen)
