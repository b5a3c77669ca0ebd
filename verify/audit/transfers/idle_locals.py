"""Locals that a function computes and does nothing with."""

from __future__ import annotations

from collections.abc import Collection

from ...flow import Flow
from ...flow.roots import local_roots
from ...source import FunctionSymbol
from ...source.model import Kind, Span, ValueGraph

_SAYS_LOCALS = {"locals", "vars", "eval", "exec"}
_COMPUTED = {Kind.CALL, Kind.OP, Kind.COMPARE, Kind.ATTR, Kind.ITEM}


def is_given_up_local(flow: Flow, function: FunctionSymbol, name: str, before: Span) -> bool:
    """Whether a local is computed before a place, and is good for nothing but its own next value: `n += 1`."""
    graph = flow.program.function(function).graph
    own = {*graph.bindings.get(name, ())}
    if any(node.kind is Kind.GLOBAL and node.data in _SAYS_LOCALS for node in graph.nodes):
        return False
    if _is_said_inside(flow, function, name):
        return False
    if any(name != other and not own.isdisjoint(given) for other, given in graph.bindings.items()):
        return False  # it has another name as well
    users, effects = flow.facts.whereabouts.users(function)
    pending = [*own]
    while pending:
        current = pending.pop()
        if any(effects.get(current, ())):
            return False
        for user in users.get(current, ()):
            if user in own:
                continue
            if graph.nodes[user].kind is not Kind.PHI:
                return False
            own.add(user)
            pending.append(user)
    return any(
        graph.nodes[one].span.line <= before.line and _is_computed(graph, one)
        for one in graph.bindings.get(name, ())
    )


def idle_local_for(
    flow: Flow, function: FunctionSymbol, field: str, taken: Collection[str], before: Span
) -> str | None:
    """Return the local that is called like the end of a field's name and is good for nothing: `norms`.

    None where several are, and where another name of those `taken` is as near to it.
    """
    bindings = flow.program.function(function).graph.bindings
    ends = [name for name in bindings if len(name) > 1 and field.endswith(f"_{name}") and name not in taken]
    if not ends or any(one != field and one.endswith(f"_{name}") for name in ends for one in taken):
        return None
    found = [name for name in ends if is_given_up_local(flow, function, name, before)]
    return found[0] if len(found) == 1 else None


def _is_said_inside(flow: Flow, function: FunctionSymbol, name: str) -> bool:
    """Whether a function inside reads a local or sets it by `nonlocal`."""
    if any(
        node.kind is Kind.REBOUND and isinstance(node.data, tuple) and node.data[1] == name
        for node in flow.program.function(function).graph.nodes
    ):
        return True
    pending = list(flow.facts.whereabouts.nested(function))
    while pending:
        inner = pending.pop()
        pending += flow.facts.whereabouts.nested(inner)
        if any(
            node.kind is Kind.FREE and node.data == name for node in flow.program.function(inner).graph.nodes
        ):
            return True
    return False


def _is_computed(graph: ValueGraph, index: int) -> bool:
    """Whether a value is worked out, and neither written down nor one of many that a loop goes through."""
    return any(
        (graph.nodes[one].kind in _COMPUTED and graph.nodes[one].data != "except")
        or (graph.nodes[one].kind in {Kind.DICT, Kind.SEQUENCE} and bool(graph.nodes[one].operands))
        for one in local_roots(graph, index, every=True)
    )
