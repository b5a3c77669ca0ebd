"""Labelled series of an instrument that are kept in fields, each to be recorded in by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import FieldCarrier
from ...flow.instruments import Instrument
from ...source.model import Kind
from ...source.program import Place
from ..using.usage import Usage


@dataclass(frozen=True, slots=True)
class IdleChild:
    """A field that holds a series which nobody takes from there, and one beside it that is taken."""

    field: FieldCarrier
    sibling: FieldCarrier
    place: Place


def idle_children(usage: Usage, instrument: Instrument) -> Iterator[IdleChild]:
    """Yield the fields that hold a series of an instrument and are never read, while others of their class are."""
    if not instrument.kind.parts or instrument.kind.labels_record:
        return
    kept = [one for one in instrument.kept_in if isinstance(one, FieldCarrier)]
    for field in kept:
        place = _made_for(usage, instrument, field)
        if place is None or any(usage.places_that_read(field)) or _may_be_taken(usage, field):
            continue
        beside = (
            one
            for one in kept
            if one.owner == field.owner and one != field and _made_for(usage, instrument, one) is not None
        )
        sibling = next((one for one in beside if any(usage.places_that_read(one))), None)
        if sibling is not None:
            yield IdleChild(field, sibling, place)


def _made_for(usage: Usage, instrument: Instrument, field: FieldCarrier) -> Place | None:
    """Return where a field is given a series of its own, None where it may hold anything else."""
    program = usage.flow.program
    found: Place | None = None
    for function, value in usage.handling.stored_values(field):
        nodes = program.function(function).graph.nodes
        node = nodes[value]
        callee = nodes[node.operands[0]] if node.kind is Kind.CALL else None
        if callee is None or callee.kind is not Kind.ATTR or callee.data not in instrument.kind.parts:
            return None
        found = found or Place(program.modules[function.module].path, node.span)
    return found


def _may_be_taken(usage: Usage, field: FieldCarrier) -> bool:
    """Whether somebody may get at a field without naming it."""
    owner, name, handling = field.owner, field.name, usage.handling
    if handling.names_computed(owner, name):
        return True
    return handling.takes_whole(owner, name) is not None or usage.audience.sees_field(owner, name)
