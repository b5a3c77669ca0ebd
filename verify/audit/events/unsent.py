"""Events that are made and go nowhere, while the others of their family are all handed to one function, which sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Flow
from ...flow.trail import Spot
from ...source import FunctionSymbol
from ...source.model import Kind, Span
from ..using.entering import leaves
from ..using.handling import Handling
from .events import Event, Family

_FEWEST = 2
"""Other events that one function is handed."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """An event that is made in `function`, and what the others are handed to."""

    event: Event
    function: FunctionSymbol
    span: Span
    sender: FunctionSymbol


def unsent(flow: Flow, handling: Handling, family: Family) -> Iterator[Unsent]:
    """Yield the events of a family of classes that somebody waits for and nobody sends, though they are made."""
    takers: dict[Event, set[FunctionSymbol]] = {}
    followed: set[Event] = set()
    for event in family.traffic:
        made = [Spot(*one) for one in handling.constructions.get(event.cls, ())] if event.name is None else []
        if made:
            trail = flow.facts.whereabouts.follow(made)
            takers[event] = {
                spot.function
                for spot in trail.spots
                if not spot.path
                and flow.program.function(spot.function).graph.nodes[spot.node].kind is Kind.PARAM
            }
            if not leaves(trail):
                followed.add(event)
    counts = Counter(function for reached in takers.values() for function in reached)
    for event, reached in takers.items():
        if event not in followed or not family.traffic[event].handled:
            continue
        others = [one for one in counts if counts[one] >= max(_FEWEST, len(takers) - 1)]
        if others and reached.isdisjoint(others):
            function, node = handling.constructions[event.cls][0]
            span = flow.program.function(function).graph.nodes[node].span
            yield Unsent(event, function, span, min(others, key=str))
