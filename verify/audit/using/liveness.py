"""Is a carrier alive, and does anybody look at it? The least fixed point over the hops, asked for carrier by carrier.

*Production*: a value is made where something is computed, measured or comes from outside the program. Hops only carry
it on, so a circle of copies that nothing feeds is dead. A constant makes no value; two different constants at different
places do, since which of them it is says something (a flag, a state). A counter (`x += 1`) makes one; putting a carrier
back to what it starts with does not.

*Consumption*: a value is read where something is done with it: shown, sent, compared, branched on. A copy is no
consumer: what is only copied is read if one of the copies is.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ...flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    InstrumentCarrier,
    KeyCarrier,
    ModuleCarrier,
    ObjectCarrier,
    OutsideCarrier,
    ParameterCarrier,
    ReturnCarrier,
    Role,
    Site,
    UnresolvedCarrier,
    UseCarrier,
)
from ...flow.classes import receiver_name
from ...flow.neutral import plain_literal, say_something
from ...source import FunctionSymbol
from ...source.model import EffectKind, Kind
from ..words.flags import is_config_class
from .audience import Audience
from .expressions import Expressions
from .handling import Handling

_CONTAINER = re.compile(r"dict|list|set\b|set\[|deque|counter|mapping|sequence|queue|array|buffer")


class Origin(enum.IntEnum):
    """Where a carrier's value comes from, the weakest first."""

    NEVER = 0  # nothing stores anything, but for what it starts with
    CONSTANT = 1  # only one constant ever
    POSSIBLE = 2  # it cannot be told
    ALIVE = 3


class End(enum.IntEnum):
    """What becomes of a carrier's value, the weakest first."""

    UNREAD = 0
    COPIED = 1  # to where nobody looks
    EXPORTED = 2  # with the whole object or mapping that it is part of
    POSSIBLE = 3  # it cannot be told
    CONTROL = 4  # it decides what happens
    READ = 5


@dataclass(frozen=True, slots=True)
class Production:
    """What is known of a carrier's values.

    Attributes:
        constants: The different constants that are stored, those left out that it starts with.
        initial: What it starts with: defaults, what constructors store.
        writes: The hops that store something else than that, directly.
        idle: Such hops in code that cannot run or that nothing calls.
    """

    origin: Origin
    constants: tuple[str, ...] = ()
    initial: tuple[str, ...] = ()
    writes: tuple[Hop, ...] = ()
    idle: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Consumption:
    """What is known of who looks at a carrier: the strongest end, and the direct reads.

    `of_fresh` are reads of objects that have nothing but their default there, where these are told from the others.
    """

    end: End
    reads: tuple[Hop, ...] = ()
    of_fresh: tuple[Hop, ...] = ()


class Liveness:
    """Answers production and consumption of carriers; every answer is computed once."""

    def __init__(self, flow: Flow, handling: Handling, audience: Audience) -> None:
        self._flow = flow
        self._handling = handling
        self._audience = audience
        self._expressions = Expressions(flow.facts)
        self._doubts = _Doubts(flow)
        self._productions: dict[frozenset[Carrier], Production] = {}
        self._consumptions: dict[tuple[frozenset[Carrier], bool], Consumption] = {}

    # -- production ---------------------------------------------------------------------------------------------------

    def production(self, carriers: Iterable[Carrier]) -> Production:
        """Return where the values of carriers that are one and the same come from."""
        key = frozenset(carriers)
        if key not in self._productions:
            self._productions[key] = _Backward(
                self._flow, self._handling, self._audience, self._expressions, self._doubts
            ).run(key)
        return self._productions[key]

    def is_alive(self, carrier: Carrier) -> bool:
        """Whether a value that is made somewhere reaches a carrier, or may reach it."""
        return self.production((carrier,)).origin >= Origin.POSSIBLE

    # -- consumption --------------------------------------------------------------------------------------------------

    def consumption(self, carriers: Iterable[Carrier], *, of_fresh: bool = True) -> Consumption:
        """Return what becomes of the values of carriers that are one and the same.

        What is stored into them does not become what is read of an object that has nothing but its default there:
        without `of_fresh` such a read is none.
        """
        key = (frozenset(carriers), of_fresh)
        if key not in self._consumptions:
            self._consumptions[key] = self._forward(*key)
        return self._consumptions[key]

    def _forward(self, start: frozenset[Carrier], of_fresh: bool) -> Consumption:
        pending: list[Carrier] = list(start)
        seen: set[Carrier] = set(start)
        end = End.UNREAD
        direct: list[Hop] = []
        fresh: list[Hop] = []
        while pending:
            current = pending.pop()
            for hop in self._flow.leaving(current):
                if hop.target in start or hop.role is Role.RESET:
                    continue
                if not self._flow.is_live(hop):
                    if self._doubts.may_run(hop):
                        end = max(end, End.POSSIBLE)
                    continue
                if hop.fresh and not of_fresh:
                    fresh.append(hop)
                    continue
                if hop.through and current not in start:
                    continue
                if current in start:
                    direct.append(hop)
                found = self._end_of(hop)
                end = max(end, found)
                if end is End.READ:
                    return Consumption(End.READ, tuple(direct), tuple(fresh))
                goes_on = found is End.EXPORTED and isinstance(hop.target, FieldCarrier)
                goes_on = goes_on or found is End.COPIED or isinstance(hop.target, KeyCarrier)
                if hop.target not in seen and goes_on:
                    seen.add(hop.target)
                    pending.append(hop.target)
        return Consumption(end, tuple(direct), tuple(fresh))

    def _end_of(self, hop: Hop) -> End:
        target = hop.target
        if hop.role is Role.EXPORT:
            return End.EXPORTED
        match target:
            case UseCarrier():
                return End.CONTROL if hop.how is How.CONTROL and hop.partial else End.READ
            case UnresolvedCarrier():
                return End.POSSIBLE
            case FieldCarrier(owner=owner, name=name):
                if self._handling.names_computed(owner, name) or self._audience.sees_field(owner, name):
                    return End.POSSIBLE
                index = self._flow.facts.whereabouts.index
                if any(not fits for _, _, fits in index.field_reads(owner, name)):
                    return End.POSSIBLE
                return End.COPIED if self._handling.takes_whole(owner, name) is None else End.EXPORTED
            case ReturnCarrier(function=function):
                return End.READ if self._audience.may_call(function) else End.COPIED
            case KeyCarrier():
                return End.EXPORTED
            case ParameterCarrier(function=function) if any(
                "abstractmethod" in one for one in self._flow.program.function(function).decorators
            ):
                return End.POSSIBLE  # whoever implements it may look
            case ModuleCarrier() | ParameterCarrier():
                return End.COPIED
            case _:
                return End.READ


class _Doubts:
    """Knows which code may run although nothing that can be followed calls it."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    @cached_property
    def _called(self) -> frozenset[str]:
        """The methods that are called on receivers of unknown class."""
        return frozenset().union(*self._flow.facts.called_names.values())

    def may_run(self, hop: Hop) -> bool:
        """Whether a hop is in a method of which it is only not known that it is called."""
        function = hop.site.function
        if hop.gated or hop.discarded or function in self._flow.reachable:
            return False
        if function in self._flow.possible:
            return True
        return self._flow.program.function(function).owner is not None and function.name in self._called


class _Backward:
    """One search from a carrier back to everything that may give it a value."""

    def __init__(
        self,
        flow: Flow,
        handling: Handling,
        audience: Audience,
        expressions: Expressions,
        doubts: _Doubts,
    ) -> None:
        self._flow = flow
        self._handling = handling
        self._audience = audience
        self._expressions = expressions
        self._doubts = doubts
        self._constants: dict[str, None] = {}
        self._derived: dict[str, None] = {}
        self._initial: dict[str, None] = {}
        self._writes: list[Hop] = []
        self._idle: list[Hop] = []
        self._best = Origin.NEVER
        self._onward: dict[Carrier, dict[Carrier, None]] = {}
        self._computed: list[tuple[Carrier, Carrier]] = []

    def run(self, start: frozenset[Carrier]) -> Production:
        pending: list[tuple[Carrier, bool]] = [(one, False) for one in start]
        seen: set[tuple[Carrier, bool]] = set(pending)
        while pending:
            current, derived = pending.pop()
            self._best = max(self._best, self._intrinsic(current))
            if current not in start and isinstance(current, FieldCarrier) and self._may_be_stored(current):
                self._best = max(self._best, Origin.POSSIBLE)
            for source, how in self._direct(current) if current in start else self._flow.made_from(current):
                computed = how is How.COMPUTED
                if isinstance(source, Constant):
                    if computed and isinstance(current, KeyCarrier | ModuleCarrier):
                        self._best = max(self._best, Origin.POSSIBLE)
                    elif (
                        not computed
                    ):  # else a part of a computation, which is judged by what else goes into it
                        (self._derived if derived else self._constants).setdefault(source.value)
                    continue
                self._onward.setdefault(source, {}).setdefault(current)
                if computed:
                    self._computed.append((source, current))
                step = (source, derived or computed)
                if self._best is Origin.ALIVE:
                    continue
                if step not in seen and source not in start:
                    seen.add(step)
                    pending.append(step)
        return self._verdict()

    def _direct(self, start: Carrier) -> Iterator[tuple[Carrier | Constant, How]]:
        """Yield what gives a carrier that is asked about its values; the hops are noted, and what it starts with."""
        hops = list(self._flow.entering(start))
        fields: dict[Site, set[FieldCarrier]] = {}
        for hop in hops:
            if isinstance(hop.source, FieldCarrier):
                fields.setdefault(hop.site, set()).add(hop.source)
        for hop in hops:
            if hop.how is How.CONTROL:
                continue
            if hop.partial and self._flow.is_holder(hop.source, fields.get(hop.site, ())):
                continue  # what is read of it moves as itself
            is_change = hop.role not in {Role.INITIAL, Role.RESET}
            if not self._flow.is_live(hop):
                if hop.role is not Role.INITIAL:
                    self._idle.append(hop)
                    if not isinstance(hop.source, Constant) and self._doubts.may_run(hop):
                        self._best = max(self._best, Origin.POSSIBLE)
                continue
            if hop.source == start and hop.how is How.COPY:
                continue  # it holds what it held
            if is_change:
                self._writes.append(hop)
            elif isinstance(hop.source, Constant) and hop.how is not How.COMPUTED:
                self._initial.setdefault(hop.source.value)
                continue
            yield hop.source, hop.how

    def _verdict(self) -> Production:
        stored = [value for value in self._constants if value not in self._initial]
        everything = {*self._constants, *self._initial}
        best = self._best
        if best < Origin.ALIVE and say_something({plain_literal(value) for value in everything}):
            best = Origin.ALIVE if stored else Origin.POSSIBLE
        if best < Origin.ALIVE and any(self._leads_to(end, start) for start, end in self._computed):
            best = Origin.ALIVE  # a counter, a running mean: computed from what it was
        if best < Origin.ALIVE and len(self._derived) > 1:
            best = max(best, Origin.POSSIBLE)
        if best is Origin.NEVER and (self._constants or self._derived or self._writes):
            best = Origin.CONSTANT
        return Production(best, tuple(stored), tuple(self._initial), tuple(self._writes), tuple(self._idle))

    def _leads_to(self, start: Carrier, end: Carrier) -> bool:
        pending, seen = [start], {start}
        while pending:
            current = pending.pop()
            if current == end:
                return True
            following = [one for one in self._onward.get(current, ()) if one not in seen]
            seen.update(following)
            pending += following
        return False

    def _intrinsic(self, carrier: Carrier) -> Origin:
        """Return what a carrier's kind alone says of where its values come from."""
        match carrier:
            case OutsideCarrier() | ObjectCarrier() | InstrumentCarrier():
                return Origin.ALIVE
            case UnresolvedCarrier() | UseCarrier():
                return Origin.POSSIBLE
            case ParameterCarrier(function=function, name=name):
                return self._parameter(function, name)
            case ReturnCarrier(function=function):
                return self._returned(function)
            case KeyCarrier():
                known = carrier.mapping is not None and self._flow.is_target(carrier)
                return Origin.NEVER if known else Origin.POSSIBLE
            case ModuleCarrier():
                return Origin.NEVER if self._flow.is_target(carrier) else Origin.POSSIBLE
            case FieldCarrier():
                return self._field(carrier)

    def _field(self, carrier: FieldCarrier) -> Origin:
        stored = list(self._handling.stored_values(carrier))
        if any(self._expressions.makes_a_value(function, value) for function, value in stored):
            return Origin.ALIVE
        nodes = {function: self._flow.program.function(function).graph.nodes for function, _ in stored}
        whole = {(function, nodes[function][value].span) for function, value in stored}
        is_filled = any(
            hop.role is Role.MOVE
            and not (isinstance(hop.source, Constant) and (hop.site.function, hop.origin) in whole)
            for hop in self._flow.into(carrier)
        )
        return Origin.ALIVE if is_filled and self._holds_container(carrier, stored) else Origin.NEVER

    def _may_be_stored(self, carrier: FieldCarrier) -> bool:
        """Whether somebody unseen may store into a field that others are given the values of."""
        owner, name, handling = carrier.owner, carrier.name, self._handling
        if name.isupper() or self._flow.facts.inference.is_enum(owner):
            return False  # a constant of a class
        if handling.may_fill(owner, name) is not None or handling.names_computed_to_store(owner, name):
            return True
        if name in handling.keywords or self._flow.is_target(UnresolvedCarrier(name)):
            return True
        if self._audience.sees_field(owner, name) or is_config_class(owner.name):
            return True
        return not handling.is_made(owner) and not handling.is_kept(owner, name)

    def _holds_container(self, carrier: FieldCarrier, stored: list[tuple[FunctionSymbol, int]]) -> bool:
        """Whether a field holds a list or mapping, so that what is stored in it is one element of many."""
        program = self._flow.program
        declared = program.class_(carrier.owner).fields.get(carrier.name)
        if declared is not None and declared.default is not None and declared.default.factory is not None:
            return True
        kinds = {program.function(function).graph.nodes[value].kind for function, value in stored}
        if kinds & {Kind.DICT, Kind.SEQUENCE}:
            return True
        annotation = self._flow.facts.inference.field_annotation(carrier.owner, carrier.name) or ""
        return _CONTAINER.search(annotation.lower()) is not None

    def _parameter(self, function: FunctionSymbol, name: str) -> Origin:
        summary = self._flow.program.function(function)
        kinds = {one.name: one.kind for one in summary.parameters}
        if kinds.get(name) in {"args", "kwargs"} or name == receiver_name(summary):
            return Origin.ALIVE
        if self._audience.may_call(function):
            return Origin.ALIVE
        given = self._flow.facts.sources.mappings.given(function, name)
        if any(self._expressions.makes_a_value(caller, value) for caller, value in given):
            return Origin.ALIVE
        return Origin.NEVER

    def _returned(self, function: FunctionSymbol) -> Origin:
        summary = self._flow.program.function(function)
        if any("abstract" in one or "overload" in one for one in summary.decorators):
            return Origin.POSSIBLE
        leaving = [one for one in summary.graph.effects if one.kind in {EffectKind.RETURN, EffectKind.YIELD}]
        if any(self._expressions.makes_a_value(function, one.value) for one in leaving):
            return Origin.ALIVE
        return Origin.NEVER if self._flow.is_target(ReturnCarrier(function)) else Origin.POSSIBLE
