"""Parameters that nothing uses, although a function that is called inside takes one of the name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Flow
from ...flow.classes import receiver_name
from ...source import FunctionSymbol
from ...source.model import CallShape, Default, Kind, Span
from ..words.flags import is_given_up, uses_parameter
from .transfers import Group, Transfers


@dataclass(frozen=True, slots=True)
class NotHandedOn:
    """A parameter of a function that ends there: which call could take it on, and what that is given instead."""

    function: FunctionSymbol
    name: str
    callee: FunctionSymbol
    default: str
    span: Span


def not_handed_on(flow: Flow, transfers: Transfers) -> Iterator[NotHandedOn]:
    """Yield each parameter that a body leaves alone, at the first call that could take it on."""
    told: set[tuple[FunctionSymbol, str]] = set()
    for group in transfers.groups:
        for name, default in _left_out(flow, group).items():
            place = (group.function, name)
            if place not in told and _ends_here(flow, *place):
                told.add(place)
                assert isinstance(group.owner, FunctionSymbol)
                span = flow.program.function(group.function).graph.nodes[group.node].span
                yield NotHandedOn(group.function, name, group.owner, default.text, span)


def _left_out(flow: Flow, group: Group) -> dict[str, Default]:
    """Return the optional parameters that a call leaves out, and its function takes as well."""
    program, callee = flow.program, group.owner
    if not isinstance(callee, FunctionSymbol) or group.node < 0 or callee == group.function:
        return {}
    shape = program.function(group.function).graph.nodes[group.node].data
    if not isinstance(shape, CallShape) or shape.starred or None in shape.keywords:
        return {}
    taken = {one.name for one in program.function(group.function).parameters if _is_named(one.kind)}
    summary = program.function(callee)
    return {
        one.name: one.default
        for one in summary.parameters
        if one.default is not None
        and _is_named(one.kind)
        and one.name in taken
        and one.name not in group.sinks
        and uses_parameter(summary, one.name)
    }


def _ends_here(flow: Flow, function: FunctionSymbol, name: str) -> bool:
    summary = flow.program.function(function)
    if name.startswith("_") or name == receiver_name(summary):
        return False
    if uses_parameter(summary, name) or is_given_up(name, summary):
        return False
    given = summary.graph.bindings.get(name, ())
    is_anew = any(summary.graph.nodes[one].kind is not Kind.PARAM for one in given)
    return not is_anew and not _is_read_inside(flow, function, name)


def _is_read_inside(flow: Flow, function: FunctionSymbol, name: str) -> bool:
    pending = list(flow.facts.whereabouts.nested(function))
    while pending:
        inner = pending.pop()
        pending += flow.facts.whereabouts.nested(inner)
        if any(
            one.kind is Kind.FREE and one.data == name for one in flow.program.function(inner).graph.nodes
        ):
            return True
    return False


def _is_named(kind: str) -> bool:
    return kind in {"positional", "keyword"}
