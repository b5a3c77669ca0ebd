"""The ways that a value can take along an edge: the one that proves it, and others through the same stages.

A proof needs one way. A run takes whichever its branches lead to: a report of one kind of anomaly or of another. So
evidence is looked for on any of them.
"""

from __future__ import annotations

from collections import deque

from ..flow import Carrier, Constant, FieldCarrier, Flow, Hop, How, KeyCarrier, by_name
from ..source import FunctionSymbol
from ..wiring import Edge, StageKind

Way = tuple[Hop, ...]

LONGER = 2
"""How many hops more than the proof another way may have."""

MOST = 16
"""How many ways of one chain are looked at."""

_STEPS = 2000


def chains(proof: tuple[Hop, ...]) -> tuple[Way, ...]:
    """Return the chains that a proof consists of: one for each member of a family of carriers."""
    found: list[list[Hop]] = []
    for hop in proof:
        if found and _leads_on(found[-1][-1].target, hop.source):
            found[-1].append(hop)
        else:
            found.append([hop])
    return tuple(tuple(chain) for chain in found)


def ways(flow: Flow, edge: Edge, chain: Way) -> tuple[Way, ...]:
    """Return the ways from the beginning of a chain of an edge's proof to its end, the chain itself first."""
    start, end = chain[0].source, chain[-1].target
    found = dict.fromkeys([chain])
    here = _here(edge, chain)
    if edge.source is None:
        entering = (hop for hop in flow.entering(end) if hop.site.function in here)
        found |= dict.fromkeys((hop,) for hop in entering if _carries(flow, hop))
    elif isinstance(start, Constant):
        pass
    elif edge.target.kind is StageKind.CONSUMER and len(chain) == 1:
        leaving = (hop for hop in flow.leaving(start) if hop.site.function in here)
        found |= dict.fromkeys((hop,) for hop in leaving if _carries(flow, hop))
    else:
        found |= dict.fromkeys(_others(flow, edge, here, start, end, len(chain) + LONGER))
    return tuple(found)[:MOST]


def _here(edge: Edge, chain: Way) -> frozenset[FunctionSymbol]:
    """Return where a way may end: in the stage's own functions if the proof does; others call what they call."""
    own = edge.target.own
    return own if chain[-1].site.function in own else edge.target.functions


def _others(
    flow: Flow, edge: Edge, here: frozenset[FunctionSymbol], start: Carrier, end: Carrier, longest: int
) -> list[Way]:
    left = _distances(flow, end, longest)
    found: list[Way] = []
    pending: deque[tuple[Carrier, Way]] = deque([(start, ())])
    parts = {carrier for carrier in left if _is_part(edge, carrier)}
    pending += [(part, ()) for part in sorted(parts, key=str)]
    for _ in range(_STEPS):
        if not pending or len(found) >= MOST:
            break
        carrier, before = pending.popleft()
        for hop in flow.leaving(carrier):
            if not _carries(flow, hop):
                continue
            if carrier in parts and not before and hop.site.function not in edge.target.functions:
                continue  # read elsewhere
            way = (*before, hop)
            if by_name(hop.target) == by_name(end) and hop.site.function in here:
                found.append(way)
            elif hop.through and before:
                continue  # each caller gets its own argument back
            elif len(way) + left.get(hop.target, longest) <= longest and all(
                hop.target not in (one.source, one.target) for one in before
            ):
                pending.append((hop.target, way))
    return found


def _is_part(edge: Edge, carrier: Carrier) -> bool:
    """Whether a carrier is a field of the metric's own type: where that is read, the value is."""
    if not isinstance(carrier, FieldCarrier) or carrier.name not in edge.record.fields:
        return False
    return carrier.owner.qualname.rpartition(".")[2] == str(edge.record.type).rpartition(".")[2]


def _distances(flow: Flow, end: Carrier, longest: int) -> dict[Carrier, int]:
    """Return how many hops it is at least to the end, from every carrier that is near enough."""
    found: dict[Carrier, int] = {end: 0, by_name(end): 0}
    pending = deque(found)
    while pending and len(found) < _STEPS:
        carrier = pending.popleft()
        if found[carrier] >= longest:
            continue
        for hop in flow.entering(carrier):
            if isinstance(hop.source, Constant) or not _carries(flow, hop):
                continue
            sources = [hop.source, *(flow.same_key(hop.source) if isinstance(hop.source, KeyCarrier) else ())]
            for source in sources:
                if source not in found:
                    found[source] = found[carrier] + 1
                    pending.append(source)
    return found


def _carries(flow: Flow, hop: Hop) -> bool:
    return not isinstance(hop.source, Constant) and hop.how <= How.COMPUTED and flow.is_live(hop)


def _leads_on(target: Carrier, source: Carrier | Constant) -> bool:
    if isinstance(source, Constant):
        return False
    if isinstance(target, KeyCarrier) and isinstance(source, KeyCarrier):
        return target.key == source.key
    return target == source
