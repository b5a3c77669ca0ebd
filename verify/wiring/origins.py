"""Where the values that enter a carrier begin, by kind: what a diagnosis is made from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..flow import (
    CallSite,
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    KeyCarrier,
    ParameterCarrier,
    ReturnCarrier,
    by_name,
)
from ..flow.holders import without_holders
from ..flow.types import ClassObject, FunctionObject, members
from ..source import FunctionSymbol
from ..source.model import CallShape, Default, EffectKind, Span
from ..source.program import Place


@dataclass
class Origins:
    """Where values begin; each chain of hops runs from the target back to its origin.

    Attributes:
        foreign: At a carrier that another record declares.
        dead_keys: At a mapping's key that nobody writes.
        dead: At a result, a field or a parameter that no value ever enters.
        constants: At a literal that is copied all the way.
        others: Anywhere else.
    """

    foreign: list[list[Hop]] = field(default_factory=list)
    dead_keys: list[list[Hop]] = field(default_factory=list)
    dead: list[list[Hop]] = field(default_factory=list)
    constants: list[list[Hop]] = field(default_factory=list)
    others: list[list[Hop]] = field(default_factory=list)

    @property
    def first_dead(self) -> list[Hop] | None:
        """The chain to a dead carrier that explains the target: it is given directly, or there is nothing else."""
        direct = next((chain for chain in self.dead if len(chain) == 1), None)
        if direct is not None or self.constants or self.others:
            return direct
        return self.dead[0] if self.dead else None


def find_origins(
    flow: Flow, declared: Mapping[Carrier, set[str]], entering: Iterable[Hop], record: str
) -> Origins:
    """Follow hops backwards to where they begin; a carrier that another record declares ends the search."""
    origins = Origins()
    pending: deque[list[Hop]] = deque([hop] for hop in entering)
    seen: set[Carrier] = set()
    while pending:
        chain = pending.popleft()
        source = chain[-1].source
        if isinstance(source, Constant):
            is_computed = any(hop.how is not How.COPY for hop in chain)
            if not source.is_default:
                (origins.others if is_computed else origins.constants).append(chain)
            continue
        owners = declared.get(by_name(source), set())
        if owners and record not in owners:
            origins.foreign.append(chain)
            continue
        if source in seen:
            continue
        seen.add(source)
        if any(hop.source == source and hop.how is How.COMPUTED for hop in flow.entering(source)):
            origins.others.append(chain)  # a counter: it starts as a constant and does not stay one
        before = [
            hop
            for hop in without_holders(flow.entering(source))
            if flow.is_live(hop) and hop.how <= How.COMPUTED and not hop.through and hop.source != source
        ]
        if is_dead(flow, source):
            origins.dead.append(chain)
        elif before:
            pending.extend([*chain, hop] for hop in before)
        elif isinstance(source, KeyCarrier):
            origins.dead_keys.append(chain)
        else:
            origins.others.append(chain)
    return origins


def is_dead(flow: Flow, carrier: Carrier) -> bool:
    """Whether no value but a default ever enters a result, a field or a parameter in code that runs."""
    given = any(
        flow.is_live(hop)
        and hop.how <= How.COMPUTED
        and hop.source != carrier
        and not (isinstance(hop.source, Constant) and hop.source.is_default)
        for hop in flow.entering(carrier)
    )
    match carrier:
        case ReturnCarrier() | FieldCarrier():
            return not given
        case ParameterCarrier():
            return not given and (
                unused_default(flow, carrier) is not None or left_out_by(flow, carrier) is not None
            )
        case _:
            return False


def unused_default(flow: Flow, parameter: ParameterCarrier) -> Default | None:
    """Return the default of a parameter that no call gives; None where there is none, or where nobody calls."""
    calls = [call for call in flow.call_sites(parameter.function) if call.function in flow.reachable]
    if not calls or any(parameter.name in call.names for call in calls):
        return None
    declared = flow.program.function(parameter.function).parameters
    return next((one.default for one in declared if one.name == parameter.name), None)


def left_out_by(flow: Flow, parameter: ParameterCarrier) -> CallSite | None:
    """Return a call that leaves out a parameter which has no default, as every call does; None where some gives it."""
    calls = [call for call in flow.call_sites(parameter.function) if call.function in flow.reachable]
    declared = flow.program.function(parameter.function).parameters
    if not calls or not any(
        one.name == parameter.name and one.default is None and one.kind in {"positional", "keyword"}
        for one in declared
    ):
        return None
    for call in calls:
        node = flow.program.function(call.function).graph.nodes[call.node]
        shape = node.data
        is_open = not isinstance(shape, CallShape) or shape.starred or None in shape.keywords
        called = members(flow.facts.inference.type_of(call.function, node.operands[0]))
        is_direct = any(isinstance(one, FunctionObject | ClassObject) for one in called)
        if is_open or not is_direct or parameter.name in call.names:
            return None
    return calls[0]


def returns_anything(flow: Flow, function: FunctionSymbol) -> bool:
    """Whether a function has a `return` with a value, or a `yield`."""
    effects = flow.program.function(function).graph.effects
    return any(effect.kind in {EffectKind.RETURN, EffectKind.YIELD} for effect in effects)


def place_of_declaration(flow: Flow, carrier: Carrier) -> Place | None:
    """Return where a result's function, a field or a parameter's default is written."""
    program = flow.program
    match carrier:
        case ReturnCarrier(function=function):
            return first_line(program.place(function))
        case FieldCarrier(owner=owner, name=name):
            declared = program.class_(owner).fields.get(name)
            if declared is None:
                return first_line(program.place(owner))
            return Place(program.modules[owner.module].path, declared.span)
        case ParameterCarrier(function=function):
            default = unused_default(flow, carrier)
            if default is None or default.span is None:
                return first_line(program.place(function))
            return Place(program.modules[function.module].path, default.span)
        case _:
            return None


def first_line(place: Place) -> Place:
    """Return the start of a definition: its whole body is no place to point at."""
    span = place.span
    return Place(place.path, Span(span.line, span.column, span.line, span.column))
