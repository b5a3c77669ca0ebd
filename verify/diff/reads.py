"""Places that were read in the old state, are still filled, and that nobody reads in the new one."""

from __future__ import annotations

from collections.abc import Iterator

from ..audit.using.liveness import End
from ..flow import Carrier, FieldCarrier, Hop, KeyCarrier, ParameterCarrier, ReturnCarrier
from ..flow.classes import is_property
from ..flow.looked_at import is_looked_at
from ..source import ClassSymbol, FunctionSymbol
from .between import Between
from .model import Loss, LostWire
from .questions import MANY, hands_over, hop_order, some_functions
from .snapshot import place_name


class Reads:
    """Finds what is no longer read."""

    def __init__(self, between: Between) -> None:
        self._between = between
        self._old = between.old
        self._new = between.new

    def gone(self, values: dict[object, LostWire]) -> Iterator[tuple[object, LostWire]]:
        """Places that were read, are still filled, and that nobody reads any more."""
        for carrier, was in self._old.reads.items():
            if not isinstance(carrier, FieldCarrier | KeyCarrier | ReturnCarrier | ParameterCarrier):
                continue
            now = self._between.moves.carrier(carrier)
            if now is None or now in values or self._new.reads.get(now) or not self._is_filled(carrier, now):
                continue
            taken = next((target for hop in was if (target := self._now(hop.target)) in values), None)
            if taken is not None:
                self._between.follows.setdefault(taken, []).append(str(now))
                continue
            late = [hop for hop in self._late_reads(now) if hop.site.function in self._between.uncalled]
            if late:
                self._between.follows.setdefault(self._between.uncalled[late[0].site.function], []).append(
                    str(now)
                )
                continue
            yield (
                (Loss.READS, now),
                LostWire(
                    Loss.READS,
                    str(now),
                    self._between.place(now),
                    f"{self._unread(now)}; it was read by {some_functions([hop.site.function for hop in was])}",
                    was=tuple(sorted(was, key=hop_order)[:MANY]),
                ),
            )

    def _now(self, carrier: Carrier) -> Carrier | None:
        return self._between.moves.carrier(place_name(carrier))

    def _late_reads(self, now: Carrier) -> list[Hop]:
        return [hop for hop in self._new.flow.out_of(now) if not self._new.flow.is_live(hop)]

    def _is_filled(self, carrier: Carrier, now: Carrier) -> bool:
        """Whether a place is still given values, so that it is missed that nobody takes them."""
        match now:
            case FieldCarrier():
                assert isinstance(carrier, FieldCarrier)
                if carrier not in self._old.alive or now not in self._new.alive:
                    return False
                if self._new.usage.handling.names_computed(now.owner, now.name):
                    return False  # `getattr(x, name)` may read it
                sure, perhaps = self._new.field_reads(now)
                doubts = set(self._new.usage.doubts_about_reads(now)) - set(
                    self._old.usage.doubts_about_reads(carrier)
                )
                return not sure and not doubts and perhaps <= self._old.field_reads(carrier)[1]
            case KeyCarrier():
                return carrier in self._old.alive and now in self._new.alive and self._is_key_missed(now)
            case ReturnCarrier(function=function):
                return (
                    now in self._new.alive
                    and function in self._new.callers
                    and not is_property(self._new.program.function(function))
                    and not hands_over(self._new, function)
                )
            case ParameterCarrier():
                return (
                    bool(self._new.writes.get(now))
                    and self._new.declares(now)
                    and not is_looked_at(self._new.flow.facts, now)
                    and not self._has_namesakes(now.function)
                )
            case _:
                return False

    def _is_key_missed(self, key: KeyCarrier) -> bool:
        """Whether the mapping that a key is still written into was read for it, and is not handed on as a whole."""
        if not self._between.is_one_wire(self._old.reads.get(key, ()), self._new.writes.get(key, ())):
            return False
        if any(self._new.reads_whole_field(name, depth) for name, depth in self._new.fields_with_key(key)):
            return False  # whoever goes through the field reads all keys of the mapping in it
        carriers = (key, *self._new.flow.same_key(key))
        return self._new.usage.liveness.consumption(carriers).end <= End.COPIED

    def _has_namesakes(self, method: FunctionSymbol) -> bool:
        """Whether a method overrides another or is overridden, so that its parameters are not its own choice."""
        owner = self._new.program.function(method).owner
        if owner is None:
            return False
        cls = ClassSymbol(method.module, owner)
        if cls not in self._new.classes:
            return False
        above = self._new.program.mro(cls)[1:]
        below = self._new.program.subclasses(cls)
        return any(
            not isinstance(one, ClassSymbol) or method.name in self._new.program.class_(one).methods
            for one in (*above, *below)
        )

    def _unread(self, now: Carrier) -> str:
        match now:
            case ReturnCarrier():
                return "its result is not taken any more"
            case ParameterCarrier():
                return "what it is given is not looked at any more"
            case _:
                writers = some_functions([hop.site.function for hop in self._new.writes.get(now, ())])
                return f"{writers} still fills it, and nothing reads it any more"
