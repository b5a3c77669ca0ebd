"""What an emitter makes: a computed value, a flag that it chooses, or how often something happened."""

from __future__ import annotations

from collections.abc import Iterable

from ..flow import Carrier, Constant, FieldCarrier, Flow, Hop, How, KeyCarrier, UnresolvedCarrier
from ..flow.carriers import MappingOrigin
from ..flow.holders import without_holders
from ..flow.neutral import is_neutral, plain_literal, say_something
from ..flow.trail import Spot, UseKind
from ..source import ClassSymbol, FunctionSymbol
from ..source.model import Kind
from .origins import find_origins


def produced(flow: Flow, functions: frozenset[FunctionSymbol], carrier: Carrier) -> list[Hop] | None:
    """Return what shows that functions give a carrier a value of their own making; None where one literal is all."""
    given = [
        hop
        for hop in flow.entering(carrier)
        if hop.site.function in functions and hop.how <= How.COMPUTED and flow.is_live(hop)
    ]
    literals: dict[Carrier, list[Hop]] = {}
    for hop in without_holders(given):
        if not isinstance(hop.source, Constant):
            if not _is_only_literal(flow, hop):
                return [hop]
        elif not hop.source.is_default and hop.source.masks is None:
            literals.setdefault(hop.target, []).append(hop)
    for stored in literals.values():
        chosen = _counted(stored) or _chosen(flow, stored)
        if chosen is not None:
            return [chosen]
    return None


def _is_only_literal(flow: Flow, hop: Hop) -> bool:
    """Whether what a hop brings is one literal, copied all the way."""
    if hop.source == hop.target and hop.how is How.COPY:
        return True  # what it holds stays
    origins = find_origins(flow, {}, [hop], "")
    literals = {plain_literal(str(chain[-1].source)) for chain in origins.constants}
    is_one = len(literals) == 1 and not (origins.others or origins.dead or origins.dead_keys)
    passed = {one.source for chain in origins.constants for one in chain}
    return is_one and not any(_may_be_given(flow, one) for one in passed)


def _may_be_given(flow: Flow, carrier: Carrier | Constant) -> bool:
    """Whether somebody who is not seen may give a carrier a value: by its name alone, or by having what it is in."""
    match carrier:
        case FieldCarrier(owner=owner, name=name):
            is_seen = flow.facts.inference.is_closed(owner)
            by_name = any(not isinstance(hop.source, Constant) for hop in flow.into(UnresolvedCarrier(name)))
            return not is_seen or by_name or _is_handed_outside(flow, _constructions(flow, owner))
        case KeyCarrier(mapping=MappingOrigin(function=function, node=node)):
            is_open = flow.facts.sources.keys.is_open(function, node)
            return is_open or _is_handed_outside(flow, [Spot(function, node)])
        case KeyCarrier(function=None):
            return True
        case _:
            return False


def _constructions(flow: Flow, cls: ClassSymbol) -> list[Spot]:
    return [
        Spot(function, index)
        for function in flow.program.functions()
        for index, node in enumerate(flow.program.function(function).graph.nodes)
        if node.kind is Kind.CALL
        and cls in flow.facts.inference.own_class.made_at(function, node.operands[0])
    ]


def _is_handed_outside(flow: Flow, made: list[Spot]) -> bool:
    return bool(flow.facts.whereabouts.follow(made).of_kind(UseKind.LEAVES))


def _counted(stored: Iterable[Hop]) -> Hop | None:
    """A local that starts with a literal, and to which another is added as often as some code runs."""
    held = {(hop.target, hop.site) for hop in stored if hop.how is How.COPY}
    return next(
        (
            hop
            for hop in stored
            if hop.how is How.COMPUTED and (hop.target, hop.site) in held and not is_neutral(str(hop.source))
        ),
        None,
    )


def _chosen(flow: Flow, stored: list[Hop]) -> Hop | None:
    """One of several literals: held by the same local, or stored under a condition over another.

    What a handler of exceptions puts in the place of a literal is no choice, unless the two are True and False.
    """
    held = [hop for hop in stored if hop.how is How.COPY and (_is_truth(hop) or not _in_handler(hop))]
    for hop in held:
        others = [one for one in held if one.site == hop.site or _is_conditional(flow, hop)]
        if say_something({plain_literal(str(one.source)) for one in others}):
            return hop
    return None


def _is_conditional(flow: Flow, stored: Hop) -> bool:
    return any(
        hop.how is How.CONTROL and hop.site == stored.site and not isinstance(hop.source, Constant)
        for hop in flow.into(stored.target)
    )


def _in_handler(hop: Hop) -> bool:
    return isinstance(hop.source, Constant) and hop.source.in_handler


def _is_truth(hop: Hop) -> bool:
    return str(hop.source) in {"True", "False"}
