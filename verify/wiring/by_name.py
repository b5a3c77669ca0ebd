"""Wires through functions that are called only if an object of unknown type has a method of their name for theirs."""

from __future__ import annotations

from collections.abc import Iterable

from ..flow import Flow, Hop
from ..source import FunctionSymbol
from ..source.model import Kind
from ..source.program import Place
from .causes import Cause, Diagnosis


def called_by_name(
    flow: Flow, carrier: str, functions: Iterable[FunctionSymbol], proof: tuple[Hop, ...]
) -> Diagnosis:
    """A proof that holds only if a call on a receiver of unknown type reaches one of `functions`, or of the proof."""
    on_the_way = dict.fromkeys([*(hop.site.function for hop in proof), *sorted(functions, key=str)])
    for function in on_the_way:
        if function not in flow.by_name:
            continue
        named = _first_by_name(flow, function)
        if named is not None:
            method, place = named
            context = {
                "carrier": carrier,
                "by_name": method.qualname,
                "at": f"{place.path}:{place.span.line}",
                "method": method.name,
            }
            return Diagnosis(Cause.UNRESOLVED, carrier, place, context=context, hops=proof)
    site = proof[0].site
    context = {"carrier": carrier, "expression": f"{proof[0].source} → {proof[0].target}"}
    return Diagnosis(Cause.UNRESOLVED, carrier, Place(site.path, site.span), context=context, hops=proof)


def _first_by_name(flow: Flow, function: FunctionSymbol) -> tuple[FunctionSymbol, Place] | None:
    """Return the method through which a function is reached by name alone, and the call that names it."""
    callers: dict[FunctionSymbol, list[FunctionSymbol]] = {}
    for caller in sorted(flow.by_name, key=str):
        for callee in flow.facts.calls.get(caller, ()):
            callers.setdefault(callee, []).append(caller)
    pending, seen = [function], {function}
    for one in pending:  # it grows meanwhile
        place = _call_of(flow, one.name)
        if place is not None:
            return one, place
        found = [caller for caller in callers.get(one, ()) if caller not in seen]
        seen.update(found)
        pending += found
    return None


def _call_of(flow: Flow, name: str) -> Place | None:
    """Return where code that runs for certain, else any that runs, calls a method on a receiver of unknown type."""
    naming = [
        caller
        for caller, names in flow.facts.called_names.items()
        if name in names and caller in flow.reachable
    ]
    for caller in sorted(naming, key=lambda one: (one in flow.by_name, str(one))):
        nodes = flow.program.function(caller).graph.nodes
        for node in nodes:
            if node.kind is Kind.CALL and not node.gated:
                callee = nodes[node.operands[0]]
                if callee.kind is Kind.ATTR and callee.data == name:
                    return Place(flow.program.modules[caller.module].path, node.span)
    return None
