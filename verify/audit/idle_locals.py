"""Locals that a function computes and does nothing with."""

from __future__ import annotations

from ..flow import Flow
from ..source import FunctionSymbol
from ..source.model import Kind, Span

_SAYS_LOCALS = {"locals", "vars", "eval", "exec"}


def is_given_up_local(flow: Flow, function: FunctionSymbol, name: str, before: Span) -> bool:
    """Whether a local is computed before a place, and is good for nothing but its own next value: `n += 1`."""
    graph = flow.program.function(function).graph
    own = {*graph.bindings.get(name, ())}
    if flow.facts.whereabouts.nested(function) or any(
        node.kind is Kind.GLOBAL and node.data in _SAYS_LOCALS for node in graph.nodes
    ):
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
        graph.nodes[one].kind in {Kind.CALL, Kind.OP} and graph.nodes[one].span.line <= before.line
        for one in own
    )
