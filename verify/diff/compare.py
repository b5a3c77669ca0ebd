"""Compares two states of a program: a definition that survives while its last use went has lost its wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..audit.liveness import End, Origin
from ..audit.uses import Use
from ..flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Hop,
    How,
    KeyCarrier,
    ParameterCarrier,
    ReturnCarrier,
)
from ..flow.carriers import InstrumentCarrier
from ..flow.classes import is_property
from ..source import ClassSymbol, FunctionSymbol
from ..source.program import Place
from ..trace.names import Names
from .model import Loss, LostWire
from .moves import Moves
from .questions import (
    MANY,
    alike,
    computed_sites,
    hands_over,
    hop_order,
    is_known_key,
    is_special,
    joined,
    some_functions,
    some_names,
)
from .snapshot import Snapshot, place_name

_SPECIFIC = re.compile(r"[a-z0-9][_/.-][a-z0-9]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What lost its wire, and the names of what found one."""

    lost: tuple[LostWire, ...]
    gained: tuple[str, ...]


def compare(old: Snapshot, new: Snapshot) -> Comparison:
    """Compare an old state with a new one."""
    comparer = _Comparer(old, new)
    return Comparison(tuple(sorted(comparer.lost(), key=lambda one: one.sort_key)), tuple(comparer.gained()))


class _Comparer:
    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self._old = old
        self._new = new
        self._moves = Moves(old, new)
        self._names = Names(new.flow)
        self._follows: dict[object, list[str]] = {}
        self._uncalled: dict[FunctionSymbol, FunctionSymbol] = {}  # what only a lost function leads to

    def lost(self) -> Iterator[LostWire]:
        """Yield everything that lost its wire; what follows from another loss is told with that one."""
        found: dict[object, LostWire] = {}
        found.update(self._functions())
        found.update(self._classes())
        for function in [one for one in found if isinstance(one, FunctionSymbol)]:
            for called in self._new.flow.callees([function]):
                self._uncalled.setdefault(called, function)
        values = dict(self._values())
        found.update(values)
        found.update(self._replaced(values))
        found.update(self._reads(values))
        found.update(self._supplies())
        found.update(self._paths(found))
        for key, wire in found.items():
            yield replace(wire, follows=tuple(dict.fromkeys(self._follows.get(key, ()))))

    # -- functions and classes ------------------------------------------------------------------------------------

    def _functions(self) -> Iterator[tuple[object, LostWire]]:
        lost: dict[FunctionSymbol, list[FunctionSymbol]] = {}
        for function, callers in self._old.callers.items():
            now = self._moves.function(function) if function in self._old.functions else None
            if now is not None and now not in self._new.callers and not is_special(now):
                lost[now] = callers
        uses = self._new.uses(lost)
        for now, callers in lost.items():
            if uses.of_function(now) is not Use.NEVER:
                continue  # handed over, or perhaps called through a receiver of unknown type
            message = f"nothing calls it any more; it was called by {some_functions(callers)}"
            place = self._new.program.place(now)
            names = tuple(sorted(map(str, callers)))
            yield now, LostWire(Loss.CALLS, f"{now.qualname}()", place, message, callers=names)

    def _classes(self) -> Iterator[tuple[object, LostWire]]:
        lost: dict[ClassSymbol, list[FunctionSymbol]] = {}
        for cls, users in self._old.users.items():
            now = self._moves.class_(cls)
            if now is not None and now not in self._new.users:
                lost[now] = users
        uses = self._new.uses(lost)
        for now, users in lost.items():
            if uses.of_class(now) is not Use.NEVER or self._new.program.subclasses(now):
                continue
            message = f"nothing uses the class any more; it was used by {some_functions(users)}"
            place = self._new.program.place(now)
            names = tuple(sorted(map(str, users)))
            yield now, LostWire(Loss.USES, now.qualname, place, message, callers=names)

    # -- values -----------------------------------------------------------------------------------------------------

    def _values(self) -> Iterator[tuple[object, LostWire]]:
        """Places that a computed value reached, and that now hold a constant, a default, or nothing."""
        gone: dict[Carrier, Carrier] = {}
        for carrier in self._old.alive:
            if not isinstance(carrier, FieldCarrier | KeyCarrier | ReturnCarrier | InstrumentCarrier):
                continue
            now = self._moves.carrier(carrier)
            if now is not None and now not in self._new.alive and self._is_waited_for(carrier, now):
                gone[now] = carrier
        for now, carrier in gone.items():
            cause = self._cause(now, gone)
            if cause is not None:
                self._follows.setdefault(cause, []).append(str(now))
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
                    self._place(now),
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
            return self._is_one_wire(self._old.writes.get(now, ()), self._new.reads.get(now, ()))
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
            if not self._new.flow.is_live(hop) and hop.site.function in self._uncalled:
                return self._uncalled[hop.site.function]
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

    def _replaced(self, values: dict[object, LostWire]) -> Iterator[tuple[object, LostWire]]:
        """Places that one function fills with a constant instead of a computed value, while others still fill them."""
        followers = {name for names in self._follows.values() for name in names}
        for (function, carrier), was in self._old.stores.items():
            if carrier not in self._old.alive or all(isinstance(hop.source, Constant) for hop in was):
                continue
            now, where = self._moves.carrier(carrier), self._moves.function(function)
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
                    self._place(now),
                    f"{where.qualname} {verb} {first.source} where it stored a computed value ({first.site}); "
                    "elsewhere it is still filled",
                    was=tuple(sorted(was, key=hop_order)[:MANY]),
                    now=tuple(sorted(hops, key=hop_order)[:MANY]),
                ),
            )

    # -- reads ------------------------------------------------------------------------------------------------------

    def _reads(self, values: dict[object, LostWire]) -> Iterator[tuple[object, LostWire]]:
        """Places that were read, are still filled, and that nobody reads any more."""
        for carrier, was in self._old.reads.items():
            if not isinstance(carrier, FieldCarrier | KeyCarrier | ReturnCarrier | ParameterCarrier):
                continue
            now = self._moves.carrier(carrier)
            if now is None or now in values or self._new.reads.get(now) or not self._is_filled(carrier, now):
                continue
            taken = next((target for hop in was if (target := self._now(hop.target)) in values), None)
            if taken is not None:
                self._follows.setdefault(taken, []).append(str(now))
                continue
            late = [hop for hop in self._late_reads(now) if hop.site.function in self._uncalled]
            if late:
                self._follows.setdefault(self._uncalled[late[0].site.function], []).append(str(now))
                continue
            yield (
                (Loss.READS, now),
                LostWire(
                    Loss.READS,
                    str(now),
                    self._place(now),
                    f"{self._unread(now)}; it was read by {some_functions([hop.site.function for hop in was])}",
                    was=tuple(sorted(was, key=hop_order)[:MANY]),
                ),
            )

    def _now(self, carrier: Carrier) -> Carrier | None:
        return self._moves.carrier(place_name(carrier))

    def _late_reads(self, now: Carrier) -> list[Hop]:
        return [hop for hop in self._new.flow.out_of.get(now, ()) if not self._new.flow.is_live(hop)]

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
                    and not self._new.looks_at(now)
                    and not self._has_namesakes(now.function)
                )
            case _:
                return False

    def _is_key_missed(self, key: KeyCarrier) -> bool:
        """Whether the mapping that a key is still written into was read for it, and is not handed on as a whole."""
        if not self._is_one_wire(self._old.reads.get(key, ()), self._new.writes.get(key, ())):
            return False
        if any(self._new.reads_whole_field(name, depth) for name, depth in self._new.fields_with_key(key)):
            return False  # whoever goes through the field reads all keys of the mapping in it
        carriers = (key, *self._new.flow.same_key(key))
        return self._new.usage.liveness.consumption(carriers).end <= End.COPIED

    def _is_one_wire(self, gone: Iterable[Hop], kept: Iterable[Hop]) -> bool:
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
            for hops in (self._old.flow.into, self._old.flow.out_of)
            for one in {end for hop in gone for end in (hop.source, hop.target) if is_known_key(end)}
            if not isinstance(one, Constant)
            for hop in hops.get(one, ())
        ]
        return any(hop.site.function in functions for hop in before)

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

    # -- parameters -----------------------------------------------------------------------------------------------

    def _supplies(self) -> Iterator[tuple[object, LostWire]]:
        """Parameters that calls gave, and that no call gives any more though the function is called."""
        for carrier, was in self._old.writes.items():
            if not isinstance(carrier, ParameterCarrier):
                continue
            now = self._moves.carrier(carrier)
            if not isinstance(now, ParameterCarrier) or not self._new.declares(now):
                continue
            calls = self._new.flow.call_sites(now.function)
            declared = {one.name: one for one in self._new.program.function(now.function).parameters}[
                now.name
            ]
            given = any(now.name in call.arguments for call in calls)
            was_given = any(
                carrier.name in call.arguments for call in self._old.flow.call_sites(carrier.function)
            )
            if not calls or given or not was_given or declared.default is None or self._new.writes.get(now):
                continue
            if any(not call.arguments for call in calls) and self._spreads(now.function):
                continue
            yield (
                (Loss.SUPPLY, now),
                LostWire(
                    Loss.SUPPLY,
                    str(now),
                    self._place(now),
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

    # -- paths ------------------------------------------------------------------------------------------------------

    def _paths(self, found: dict[object, LostWire]) -> Iterator[tuple[object, LostWire]]:
        """Places of one name that were joined, are both still alive, and are no longer joined by any path."""
        told = {wire.subject for wire in found.values()}
        for source, target, hops in joined(self._old):
            start, end = self._moves.carrier(source), self._moves.carrier(target)
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
                    self._place(end),
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

    # -- gains ------------------------------------------------------------------------------------------------------

    def gained(self) -> Iterator[str]:
        """Yield the names of what existed without a wire before and has one now."""
        for function in sorted(self._old.functions & self._new.functions, key=str):
            if function in self._new.callers and function not in self._old.callers:
                yield f"{function.qualname}() is called"
        for carrier in sorted(self._new.alive, key=str):
            was_there = isinstance(carrier, FieldCarrier | KeyCarrier) and self._old.declares(carrier)
            if was_there and carrier not in self._old.alive:
                yield f"{carrier} is computed"
        for carrier in sorted(self._new.reads, key=str):
            was_there = isinstance(carrier, FieldCarrier | KeyCarrier) and carrier in self._old.alive
            if was_there and not self._old.reads.get(carrier):
                yield f"{carrier} is read"

    def _place(self, carrier: Carrier) -> Place | None:
        place = self._names.place(carrier)
        if place is None:
            hops = (*self._new.reads.get(carrier, ()), *self._new.writes.get(carrier, ()))
            return Place(hops[0].site.path, hops[0].site.span) if hops else None
        return place
