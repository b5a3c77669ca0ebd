"""What a program records in its metric instruments, function by function, and what the recorded values are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...flow import FieldCarrier, Flow, ModuleCarrier, Site
from ...flow.instruments import Instrument
from ...source import FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from ..transfers.transfers import Names, Origin
from ..words.time_spans import is_span

_TERMS = 8
"""How many parts of a formula are looked at."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One value that a statement records in an instrument, itself or by way of a helper.

    Attributes:
        instrument: The field or module name that holds the instrument there.
        called: What the value is called, or what it is computed from: locals, fields, keys.
        own: Those of them that are locals of the function.
        is_span: It is the difference of two readings of a clock.
    """

    instrument: str
    site: Site
    called: frozenset[str]
    own: frozenset[str]
    is_span: bool


def recorded_by_function(flow: Flow) -> Iterator[tuple[FunctionSymbol, list[Recorded]]]:
    """Yield what each function that can run records, where it records in two instruments at least."""
    names = _held(flow.facts.instruments)
    sites = {
        (recording.site.function, recording.site.span)
        for instrument in flow.facts.instruments
        for recording in instrument.recordings
        if not recording.gated
    }
    modules = {module for module, _ in names}
    for function in flow.program.functions():
        if function.module not in modules or function not in flow.reachable:
            continue
        graph = flow.program.function(function).graph
        values = Names(graph)
        found: list[Recorded] = []
        for effect in graph.effects:
            if effect.kind is not EffectKind.DROP or effect.gated:
                continue
            node = graph.nodes[effect.value]
            if node.kind is not Kind.CALL or len(node.operands) < 2:
                continue
            is_direct = (function, effect.span) in sites
            held, value = _direct(graph, node) if is_direct else _through_helper(graph, node)
            if held is None or (function.module, held) not in names:
                continue
            origins = list(_origins(graph, values, value))
            if origins:
                site = Site(function, flow.program.modules[function.module].path, effect.span)
                own = frozenset(one.name for one in origins if not one.base)
                called = frozenset(one.name for one in origins)
                found.append(Recorded(held, site, called, own, is_span(graph, value)))
        if len({one.instrument for one in found}) > 1:
            yield function, found


def _held(instruments: Sequence[Instrument]) -> Mapping[tuple[str, str], Instrument]:
    """Return the names that hold an instrument, with the module that they are used under."""
    found: dict[tuple[str, str], Instrument] = {}
    for instrument in instruments:
        for place in instrument.kept_in:
            if isinstance(place, FieldCarrier | ModuleCarrier):
                for site in (instrument.site, *(one.site for one in instrument.recordings)):
                    found[(site.function.module, place.name)] = instrument
    return found


def _direct(graph: ValueGraph, node: Node) -> tuple[str | None, int]:
    """Return the name that holds the instrument of `X.inc(value)` or `X.labels(…).inc(value)`, and the value.

    What it belongs to may follow: `X.add(value, attributes)`.
    """
    shape = node.data
    assert isinstance(shape, CallShape)
    callee = graph.nodes[node.operands[0]]
    if callee.kind is not Kind.ATTR or shape.positional not in {1, 2} or shape.starred:
        return None, -1
    receiver = graph.nodes[callee.operands[0]]
    if receiver.kind is Kind.CALL:
        chosen = graph.nodes[receiver.operands[0]]
        receiver = graph.nodes[chosen.operands[0]] if chosen.kind is Kind.ATTR else receiver
    return _name(receiver), node.operands[1]


def _through_helper(graph: ValueGraph, node: Node) -> tuple[str | None, int]:
    """Return the name that holds the instrument of `log_gauge(X, value)`, and the value."""
    shape = node.data
    assert isinstance(shape, CallShape)
    if shape.positional != 2 or shape.starred:
        return None, -1
    return _name(graph.nodes[node.operands[1]]), node.operands[2]


def _origins(graph: ValueGraph, values: Names, index: int) -> Iterator[Origin]:
    """Yield the names of a value, and of what arithmetic makes it from."""
    pending = [index]
    for _ in range(_TERMS):
        if not pending:
            return
        current = pending.pop()
        known = [one for one in values.origins(current) if not one.is_derived]
        yield from known
        node = graph.nodes[current]
        if node.kind is Kind.CALL and len(node.operands) == 2 and not known:
            pending.append(node.operands[1])  # `float(a - b)`
        elif node.kind is Kind.OP and not known:
            pending += node.operands


def _name(node: Node) -> str | None:
    if node.kind in {Kind.ATTR, Kind.GLOBAL, Kind.FREE} and isinstance(node.data, str):
        return node.data
    return None
