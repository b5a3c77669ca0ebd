"""What is no longer handed on: arguments that no call gives any more, places that no copy joins any more."""

from __future__ import annotations

from collections.abc import Iterator

from ..flow import Carrier, Constant, KeyCarrier, ParameterCarrier
from ..source import FunctionSymbol
from .between import Between
from .model import Loss, LostWire
from .questions import MANY, alike, hop_order, joined, some_functions, some_names
from .snapshot import place_name


class Paths:
    """Finds what is no longer handed on."""

    def __init__(self, between: Between) -> None:
        self._between = between
        self._old = between.old
        self._new = between.new

    def arguments(self) -> Iterator[tuple[object, LostWire]]:
        """Parameters that calls gave, and that no call gives any more though the function is called."""
        for carrier, was in self._old.writes.items():
            if not isinstance(carrier, ParameterCarrier):
                continue
            now = self._between.moves.carrier(carrier)
            if not isinstance(now, ParameterCarrier) or not self._new.declares(now):
                continue
            calls = self._new.flow.call_sites(now.function)
            declared = {one.name: one for one in self._new.program.function(now.function).parameters}[
                now.name
            ]
            given = any(now.name in call.names for call in calls)
            was_given = any(
                carrier.name in call.names for call in self._old.flow.call_sites(carrier.function)
            )
            if not calls or given or not was_given or declared.default is None or self._new.writes.get(now):
                continue
            if any(not call.names for call in calls) and self._spreads(now.function):
                continue
            yield (
                (Loss.SUPPLY, now),
                LostWire(
                    Loss.SUPPLY,
                    str(now),
                    self._between.place(now),
                    f"no call gives it any more, so that it is always {declared.default.text}; "
                    f"it was given by {some_functions([hop.site.function for hop in was])}",
                    was=tuple(sorted(was, key=hop_order)[:MANY]),
                ),
            )

    def _spreads(self, function: FunctionSymbol) -> bool:
        """Whether a call hands over arguments that cannot be told apart, `f(*args)` or `f(**options)`."""
        for caller in self._new.callers.get(function, ()):
            for node in self._new.program.function(caller).graph.nodes:
                shape = node.data
                if getattr(shape, "starred", ()) or None in getattr(shape, "keywords", ()):
                    return True
        return False

    def copies(self, found: dict[object, LostWire]) -> Iterator[tuple[object, LostWire]]:
        """Places of one name that were joined, are both still alive, and are no longer joined by any path."""
        told = {wire.subject for wire in found.values()}
        for source, target, hops in joined(self._old):
            start, end = self._between.moves.carrier(source), self._between.moves.carrier(target)
            if start is None or end is None or start == end or {str(start), str(end)} & told:
                continue
            if not (start in self._new.alive and end in self._new.alive and self._new.reads.get(start)):
                continue
            if not alike(start, end) or self._reaches(start, end):
                continue
            instead = [hop for hop in self._new.writes.get(end, ()) if not isinstance(hop.source, Constant)]
            if any(
                alike(place_name(hop.source), end) for hop in instead if not isinstance(hop.source, Constant)
            ):
                continue  # it comes another way
            given = f"; it is now given {some_names([str(hop.source) for hop in instead])}" if instead else ""
            yield (
                (Loss.PATH, start, end),
                LostWire(
                    Loss.PATH,
                    str(end),
                    self._between.place(end),
                    f"{start} does not get into it any more{given}",
                    was=hops[:MANY],
                    now=tuple(sorted(instead, key=hop_order)[:MANY]),
                ),
            )

    def _reaches(self, start: Carrier, end: Carrier) -> bool:
        starts = [start]
        if isinstance(start, KeyCarrier):
            starts += self._new.flow.same_key(start)
        return (
            self._new.flow.path(starts, lambda carrier, _: place_name(carrier) == end, dead=False) is not None
        )
