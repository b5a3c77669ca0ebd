"""Places that a computed value reached in the old state, and that hold none in the new one."""

from __future__ import annotations

from collections.abc import Iterator

from ..audit.using.liveness import Origin
from ..flow import Carrier, Constant, FieldCarrier, Hop, How, KeyCarrier, ReturnCarrier
from ..flow.carriers import InstrumentCarrier
from .between import Between
from .model import Loss, LostWire
from .questions import MANY, computed_sites, hop_order, some_functions
from .snapshot import place_name


class Values:
    """Finds what is no longer computed."""

    def __init__(self, between: Between) -> None:
        self._between = between
        self._old = between.old
        self._new = between.new

    def gone(self) -> Iterator[tuple[object, LostWire]]:
        """Places that a computed value reached, and that now hold a constant, a default, or nothing."""
        gone: dict[Carrier, Carrier] = {}
        for carrier in self._old.alive:
            if not isinstance(carrier, FieldCarrier | KeyCarrier | ReturnCarrier | InstrumentCarrier):
                continue
            now = self._between.moves.carrier(carrier)
            if now is not None and now not in self._new.alive and self._is_waited_for(carrier, now):
                gone[now] = carrier
        for now, carrier in gone.items():
            cause = self._cause(now, gone)
            if cause is not None:
                self._between.follows.setdefault(cause, []).append(str(now))
                continue
            if not self._is_sure(carrier, now):
                continue
            hops = self._new.writes.get(now, [])
            if any(not isinstance(hop.source, Constant) for hop in hops):
                continue  # what it is given is constant as far as can be seen: nobody took anything away here
            constants = [hop for hop in self._new.flow.entering(now) if self._is_literal(hop)]
            was = tuple(sorted(self._old.writes.get(carrier, ()), key=hop_order))
            yield (
                now,
                LostWire(
                    Loss.VALUES,
                    str(now),
                    self._between.place(now),
                    self._what_is_left(now, constants),
                    was=was[:MANY],
                    now=tuple(sorted(constants, key=hop_order)[:MANY]),
                ),
            )

    def _is_literal(self, hop: Hop) -> bool:
        """Whether code that runs stores a literal here, and not only the default of its declaration."""
        is_constant = isinstance(hop.source, Constant) and not hop.source.is_default
        return is_constant and hop.how is How.COPY and self._new.flow.is_live(hop)

    def _is_waited_for(self, carrier: Carrier, now: Carrier) -> bool:
        """Whether somebody still relies on a place that nothing computed reaches any more."""
        if self._new.reads.get(now):
            return not isinstance(now, ReturnCarrier) or now.function in self._new.callers
        if isinstance(now, InstrumentCarrier):
            return self._new.declares(now)
        return False

    def _is_sure(self, carrier: Carrier, now: Carrier) -> bool:
        """Whether the audit agrees: it knows of ways to fill a field that no hop shows."""
        if isinstance(now, ReturnCarrier):
            return self._new.usage.liveness.production((now,)).origin <= Origin.CONSTANT
        if isinstance(now, KeyCarrier):
            return self._between.is_one_wire(self._old.writes.get(now, ()), self._new.reads.get(now, ()))
        if not (isinstance(carrier, FieldCarrier) and isinstance(now, FieldCarrier)):
            return True
        if self._new.stores_at_random(now.name) > self._old.stores_at_random(carrier.name):
            return False
        was, is_now = self._old.usage.production(carrier), self._new.usage.production(now)
        doubts = set(self._new.usage.doubts_about_writes(now)) - set(
            self._old.usage.doubts_about_writes(carrier)
        )
        return was.origin is Origin.ALIVE and is_now.origin <= Origin.CONSTANT and not doubts

    def _cause(self, now: Carrier, gone: dict[Carrier, Carrier]) -> object | None:
        """Return the loss that another loss follows from, back to the first."""
        seen = {now}
        current = now
        while True:
            onward = next(
                (
                    source
                    for hop in self._new.writes.get(current, ())
                    if not isinstance(hop.source, Constant)
                    and (source := place_name(hop.source)) in gone
                    and source not in seen
                ),
                None,
            )
            if onward is None:
                break
            seen.add(onward)
            current = onward
        for hop in self._new.flow.entering(current):
            if not self._new.flow.is_live(hop) and hop.site.function in self._between.uncalled:
                return self._between.uncalled[hop.site.function]
        return None if current == now else current

    def _what_is_left(self, now: Carrier, constants: list[Hop]) -> str:
        if isinstance(now, InstrumentCarrier):
            return "nothing records in it any more"
        if constants:
            first = min(constants, key=hop_order)
            verb = "returns" if isinstance(now, ReturnCarrier) else "holds"
            return f"it {verb} the constant {first.source} where it had a computed value ({first.site})"
        readers = some_functions([hop.site.function for hop in self._new.reads.get(now, ())])
        if isinstance(now, KeyCarrier):
            written = [
                one.key
                for one in self._new.writes
                if isinstance(one, KeyCarrier) and one not in self._old.writes
            ]
            closest = self._new.program.closest(now.key, among=written)
            hint = f'; did it become "{closest}"?' if closest is not None else ""
            return f"nothing writes it any more, and {readers} still reads it{hint}"
        return f"nothing computed is stored into it any more{f', and {readers} still reads it' if readers else ''}"

    def replaced(self, values: dict[object, LostWire]) -> Iterator[tuple[object, LostWire]]:
        """Places that one function fills with a constant instead of a computed value, while others still fill them."""
        followers = {name for names in self._between.follows.values() for name in names}
        for (function, carrier), was in self._old.stores.items():
            if carrier not in self._old.alive or all(isinstance(hop.source, Constant) for hop in was):
                continue
            now, where = self._between.moves.carrier(carrier), self._between.moves.function(function)
            if now is None or where is None or now in values or str(now) in followers:
                continue
            stored = self._new.stores.get((where, now), [])
            computed = computed_sites(stored)
            known = {str(hop.source) for hop in was if isinstance(hop.source, Constant)}
            hops = [
                hop
                for hop in stored
                if hop.site not in computed and hop.how is How.COPY and str(hop.source) not in known
            ]
            if not hops or len(computed) >= len(computed_sites(was)) or not self._new.reads.get(now):
                continue
            first = min(hops, key=hop_order)
            is_default = isinstance(first.source, Constant) and first.source.is_default
            verb = "leaves it to its default" if is_default else "stores the constant"
            yield (
                (Loss.VALUES, now, where),
                LostWire(
                    Loss.VALUES,
                    str(now),
                    self._between.place(now),
                    f"{where.qualname} {verb} {first.source} where it stored a computed value ({first.site}); "
                    "elsewhere it is still filled",
                    was=tuple(sorted(was, key=hop_order)[:MANY]),
                    now=tuple(sorted(hops, key=hop_order)[:MANY]),
                ),
            )
