"""What every part of a comparison asks: both states, where things have moved to, and what is lost already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..flow import Carrier, Constant, Hop, InstrumentCarrier, KeyCarrier
from ..source import FunctionSymbol
from ..source.program import Place
from ..trace.names import Names
from .moves import Moves
from .questions import is_known_key
from .snapshot import Snapshot, place_name

_SPECIFIC = re.compile(r"[a-z0-9][_/.-][a-z0-9]", re.IGNORECASE)


@dataclass(eq=False)
class Between:
    """An old state and a new one.

    Attributes:
        follows: What lost its wire because of another loss, by that loss.
        uncalled: What only a lost function leads to, with that function.
    """

    old: Snapshot
    new: Snapshot
    follows: dict[object, list[str]] = field(default_factory=dict)
    uncalled: dict[FunctionSymbol, FunctionSymbol] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.moves = Moves(self.old, self.new)
        self._names = Names(self.new.flow)

    def place(self, carrier: Carrier) -> Place | None:
        """Return where a carrier is defined, or else touched, in the new state."""
        if isinstance(carrier, InstrumentCarrier):  # compared wherever it is made
            made = (one for one in self.new.flow.facts.instruments if place_name(one.carrier) == carrier)
            first = min((one.site for one in made), key=lambda site: (site.path, site.span), default=None)
            place = None if first is None else Place(first.path, first.span)
        else:
            place = self._names.place(carrier)
        if place is None:
            hops = (*self.new.reads.get(carrier, ()), *self.new.writes.get(carrier, ()))
            return Place(hops[0].site.path, hops[0].site.span) if hops else None
        return place

    def is_one_wire(self, gone: Iterable[Hop], kept: Iterable[Hop]) -> bool:
        """Whether reads and writes of a key's name concern one mapping.

        It is the same, or both stand in one module and the name is none that two mappings share by chance.
        """
        gone, kept = list(gone), list(kept)
        functions = {hop.site.function for hop in kept}
        modules = {function.module for function in functions}
        names = {end.key for hop in gone for end in (hop.source, hop.target) if isinstance(end, KeyCarrier)}
        if any(map(_SPECIFIC.search, names)) and any(hop.site.function.module in modules for hop in gone):
            return True
        before = [
            hop
            for hops in (self.old.flow.into, self.old.flow.out_of)
            for one in {end for hop in gone for end in (hop.source, hop.target) if is_known_key(end)}
            if not isinstance(one, Constant)
            for hop in hops(one)
        ]
        return any(hop.site.function in functions for hop in before)
