"""What a probe that fails says: how far its value came, what was seen where it stopped, and what to do next."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .arrival import Arrived, EdgeArrival
from .crossings import Crossing
from .expected import spelt
from .wires import ProbePlan


def stopped(
    probe: ProbePlan,
    value: object,
    found: Sequence[EdgeArrival],
    last: EdgeArrival,
    constant: Collection[str],
) -> str:
    """Say that a value stopped at the last edge; `constant` are other values at which the same was seen there."""
    reached = [one for one in found[: found.index(last)] if one.arrived is Arrived.YES]
    said = spelt(value)
    place = f" ({last.place})" if last.place else ""
    if last.edge.before is None and last.arrived is Arrived.NO:
        sentence = f"{said} does not arrive at the emitter: {_saw(last)}{place}; the drive does not drive it"
    elif last.arrived is Arrived.UNKNOWN:
        arrives = f"{said} arrives at {_named(reached)}; nobody" if reached else "nobody"
        sentence = f"{arrives} can tell whether {'it' if reached else said} arrives at {last.carrier}{place}"
    elif not reached:
        sentence = f"{said} stops: {_saw(last)}{place}; whether it came before that nobody can tell"
    else:
        sentence = f"{said} arrives at {_named(reached)}, and stops there: {_saw(last)}{place}"
    lines = [sentence]
    if constant:
        lines.append(f"it saw the same for {_listed(constant)}: a constant")
    if last.why:
        lines.append(last.why)
    wanted = f" {last.expected}" if str(last.expected) != said else " it"
    lines.append(f"expected{wanted} at {last.carrier}: {last.edge.at}")
    lines.append(f"next: {_next(probe, last)}")
    return "\n  ".join(lines)


def crossed(record: str, value: object, found: Sequence[Crossing]) -> str:
    """Say on which other wires a record's sentinel came out."""
    lines = [
        f"{record}'s value arrives at {one.carrier}{f' ({one.place})' if one.place else ''}, "
        f"which is {one.record}'s: the wires are crossed"
        for one in found
    ]
    lines.append(f"the value is {spelt(value)}, which no other record is driven with")
    return "\n  ".join(lines)


def _saw(one: EdgeArrival) -> str:
    if one.edge.is_consumer:
        if not one.saw:
            return f"{one.edge.stage} never reads {one.carrier}"
        return f"{one.edge.stage} read {', '.join(one.saw)} from {one.carrier}"
    if not one.saw:
        return f"nothing passed at {one.carrier}"
    return f"{one.carrier} saw {', '.join(one.saw)}"


def _named(reached: Sequence[EdgeArrival]) -> str:
    """Return the carriers that a value reached, each once and with its place."""
    places: dict[str, str] = {}
    for one in reached:
        if not one.edge.is_consumer:
            places.setdefault(one.carrier, one.place)
    named = [f"{carrier} ({place})" if place else carrier for carrier, place in places.items()]
    consumers = list(dict.fromkeys(one.edge.stage for one in reached if one.edge.is_consumer))
    return _listed([*named, *consumers])


def _listed(names: Collection[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _next(probe: ProbePlan, last: EdgeArrival) -> str:
    if last.edge.problem:
        return "repair the edge; `verify-wiring` shows where the value is lost"
    if last.edge.before is None and last.arrived is Arrived.NO:
        return f"let {probe.drive} lead the value to the emitter ({probe.at})"
    if last.arrived is Arrived.UNKNOWN:
        return "let a point of the wire be seen there, or say what the consumer displays"
    if not last.saw:
        return f"let {probe.drive} call what leads there, or repair the wire ({probe.at})"
    is_copy = all(hop.is_copy for ways in last.edge.chains for way in ways for hop in way)
    if is_copy or last.edge.transform is not None:
        return f"see what is stored at {last.place}" if not last.edge.is_consumer else f"see {last.place}"
    return f"see {last.place}; if the stage makes something else of the value, say so by `transform`: {last.edge.at}"
