"""Where values are graded: which carrier is given to which record's thresholds.

A grading is a call of `grade` or `grade_many` on something that a record's ID or slug leads to:
`registry["TELE-301"].grade(state.inf_grad_count)`, the ID as a literal, as a named constant, or handed to a helper.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from ..flow import CallSite, Carrier, Constant, FieldCarrier, Flow, How, ModuleCarrier, ParameterCarrier, Site
from ..flow.drawn import Source
from ..flow.extract import room_to_recurse
from ..source import FunctionSymbol
from ..source.model import CallShape, Kind

GRADERS = ("grade", "grade_many")
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Grading:
    """Values of `carriers` are graded at `site` by what the names in `records` (IDs or slugs) lead to."""

    carriers: frozenset[Carrier]
    records: frozenset[str]
    site: Site


@room_to_recurse()
def gradings(flow: Flow, helpers: set[FunctionSymbol] | None = None) -> list[Grading]:
    """Return every grading of live code, through helpers that are given the value or the ID.

    Those helpers are added to `helpers`: what is graded there depends on who calls them.
    """
    helpers = set() if helpers is None else helpers
    found: list[Grading] = []
    for name in GRADERS:
        for call in flow.facts.method_calls.get(name, ()):
            if call.function not in flow.reachable:
                continue
            graph = flow.program.function(call.function).graph
            node = graph.nodes[call.node]
            shape = node.data
            assert isinstance(shape, CallShape)
            if not node.operands[1:]:
                continue
            values = flow.facts.sources.of(call.function, node.operands[1])
            receiver = graph.nodes[node.operands[0]].operands[0]
            keys = _draws_on(flow, call.function, receiver)
            site = Site(call.function, flow.program.modules[call.function.module].path, node.span)
            found += _resolve(flow, call.function, values, keys, site, _DEPTH, helpers)
    return found


def _resolve(
    flow: Flow,
    function: FunctionSymbol,
    values: Iterable[Source],
    keys: Iterable[Source],
    site: Site,
    depth: int,
    helpers: set[FunctionSymbol],
) -> list[Grading]:
    """Return the grading of a call, and where value or key is the function's parameter, that of each caller."""
    values, keys = list(values), list(keys)
    carriers = {
        s.carrier
        for s in values
        if s.how is How.COPY and not s.partial and not isinstance(s.carrier, Constant)
    }
    names = _names(flow, keys)
    handed = {
        carrier.name
        for source in (*values, *keys)
        if isinstance(carrier := source.carrier, ParameterCarrier) and carrier.function == function
    }
    found = [Grading(frozenset(carriers), frozenset(names), site)] if carriers and names else []
    if not handed or depth == 0:
        return found
    helpers.add(function)
    for call in flow.call_sites(function):
        if call.function not in flow.reachable:
            continue
        outer_values = _substituted(flow, values, call)
        outer_keys = _substituted(flow, keys, call)
        found += _resolve(flow, call.function, outer_values, outer_keys, call.site, depth - 1, helpers)
    return found


def _substituted(flow: Flow, sources: Iterable[Source], call: CallSite) -> list[Source]:
    """Put what a call gives in the place of the parameters."""
    result: list[Source] = []
    for source in sources:
        carrier = source.carrier
        if isinstance(carrier, ParameterCarrier) and carrier.function == call.callee:
            result += [
                Source(
                    given.carrier, max(given.how, source.how), given.origin, given.partial or source.partial
                )
                for given in flow.facts.given(call, carrier.name) or ()
            ]
        else:
            result.append(source)
    return result


def _names(flow: Flow, keys: Iterable[Source]) -> set[str]:
    """Return the strings among what a receiver draws on, named constants included."""
    names: set[str] = set()
    for source in keys:
        text: str | None = None
        match source.carrier:
            case Constant(value=written):
                text = _string(written)
            case ModuleCarrier(module=module, name=name):
                declared = flow.program.modules[module].variables.get(name)
                text = _string(declared.default.text) if declared and declared.default else None
            case FieldCarrier(owner=owner, name=name):
                field = flow.program.field(owner, name)
                text = _string(field[1].default.text) if field and field[1].default else None
            case _:
                pass  # no constant
        if text is not None:
            names.add(text)
    return names


def _string(written: str) -> str | None:
    try:
        value = ast.literal_eval(written)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, str) else None


def _draws_on(flow: Flow, function: FunctionSymbol, index: int) -> list[Source]:
    """Return what a receiver is made of, the keys and arguments of its lookups included.

    A receiver held in a module-level name or a field is followed to what was stored there.
    """
    found: list[Source] = []
    pending, seen = [(function, index)], set[tuple[FunctionSymbol, int]]()
    while pending:
        here, current = pending.pop()
        if (here, current) in seen:
            continue
        seen.add((here, current))
        node = flow.program.function(here).graph.nodes[current]
        sources = flow.facts.sources.of(here, current)
        found += sources
        if node.kind in {Kind.ITEM, Kind.CALL, Kind.ATTR, Kind.PHI, Kind.NARROW}:
            pending += [(here, operand) for operand in node.operands]
        for source in sources:
            if isinstance(source.carrier, ModuleCarrier | FieldCarrier):
                pending += _stored(flow, source.carrier)
    return found


def _stored(flow: Flow, carrier: ModuleCarrier | FieldCarrier) -> list[tuple[FunctionSymbol, int]]:
    inference = flow.facts.inference
    if isinstance(carrier, ModuleCarrier):
        stores = inference.global_stores(carrier.module, carrier.name)
    else:
        stores = inference.field_stores(carrier.owner, carrier.name)
    return [(store.function, store.value) for store in stores]
