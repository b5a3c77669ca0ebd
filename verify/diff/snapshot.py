"""One state of a program as a diff sees it: what is called, what carries computed values, who reads what."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ..audit.using.mentions import Mentions
from ..audit.using.usage import Usage
from ..audit.using.uses import Uses
from ..flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    KeyCarrier,
    ModuleCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UnresolvedCarrier,
)
from ..flow.carriers import InstrumentCarrier, Role
from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import EffectKind, Kind, Span
from ..source.summarise import TOP_LEVEL

_NOWHERE = Span(0, 0, 0, 0)
_STARTS = {Role.INITIAL, Role.RESET}


def place_name(carrier: Carrier) -> Carrier:
    """Return what a carrier is called whatever its mapping, and wherever in its file it is made."""
    match carrier:
        case KeyCarrier(key=key):
            return KeyCarrier(key)
        case InstrumentCarrier(module=module, name=name, span=span) if span != _NOWHERE:
            return InstrumentCarrier(module, name, _NOWHERE)
        case _:
            return carrier


@dataclass(eq=False)
class Snapshot:
    """The flow of one state, with what the comparison asks of it, each computed once."""

    flow: Flow

    @property
    def program(self) -> Program:
        """The program."""
        return self.flow.program

    # -- use ----------------------------------------------------------------------------------------------------

    @cached_property
    def callers(self) -> dict[FunctionSymbol, list[FunctionSymbol]]:
        """Who calls or names a function, itself left out."""
        found: dict[FunctionSymbol, list[FunctionSymbol]] = {}
        for caller, called in self.flow.facts.calls.items():
            for function in called:
                if function != caller:
                    found.setdefault(function, []).append(caller)
        return found

    @cached_property
    def users(self) -> dict[ClassSymbol, list[FunctionSymbol]]:
        """Who names a class, its own methods left out."""
        found: dict[ClassSymbol, list[FunctionSymbol]] = {}
        for user, classes in self.flow.facts.used_classes.items():
            for cls in classes:
                if user.module != cls.module or not user.qualname.startswith(f"{cls.qualname}."):
                    found.setdefault(cls, []).append(user)
        return found

    def uses(self, symbols: Iterable[FunctionSymbol | ClassSymbol]) -> Uses:
        """Answer whether these are used at all, in whatever way."""
        return Uses(self.flow, Mentions.of(self.flow, {symbol.name for symbol in symbols}))

    @cached_property
    def usage(self) -> Usage:
        """What an audit says of fields: slower than the sets below, and sure."""
        return Usage.of(self.flow)

    # -- hops ---------------------------------------------------------------------------------------------------

    @cached_property
    def writes(self) -> dict[Carrier, list[Hop]]:
        """Hops of live code into each place; those that only start or reset it left out."""
        found: dict[Carrier, list[Hop]] = {}
        for hop in self.flow.hops():
            gives = hop.how <= How.COMPUTED and hop.role not in _STARTS
            stays = hop.source == hop.target and hop.how is How.COPY
            if gives and not stays and self.flow.is_live(hop):
                found.setdefault(place_name(hop.target), []).append(hop)
        return found

    @cached_property
    def stores(self) -> dict[tuple[FunctionSymbol, Carrier], list[Hop]]:
        """Hops of live code into fields and keys by the function that does it, starts, resets and defaults included."""
        found: dict[tuple[FunctionSymbol, Carrier], list[Hop]] = {}
        for hop in self.flow.hops():
            is_place = isinstance(hop.target, FieldCarrier | KeyCarrier)
            if is_place and hop.how <= How.COMPUTED and self.flow.is_live(hop):
                found.setdefault((hop.site.function, place_name(hop.target)), []).append(hop)
        return found

    @cached_property
    def reads(self) -> dict[Carrier, list[Hop]]:
        """Hops of live code out of each place, those back into itself left out."""
        found: dict[Carrier, list[Hop]] = {}
        for hop in self.flow.hops():
            if isinstance(hop.source, Constant) or not self.flow.is_live(hop):
                continue
            source = place_name(hop.source)
            if source != place_name(hop.target):
                found.setdefault(source, []).append(hop)
        return found

    @cached_property
    def alive(self) -> frozenset[Carrier]:
        """Places that a computed value reaches, over whatever copies: copies in a circle make none alive."""
        alive: set[Carrier] = set()
        onward: dict[Carrier, list[Carrier]] = {}
        for target, hops in self.writes.items():
            for hop in hops:
                if self._makes(hop):
                    alive.add(target)
                elif not isinstance(hop.source, Constant):
                    onward.setdefault(place_name(hop.source), []).append(target)
        pending = deque(alive)
        while pending:
            for target in onward.get(pending.popleft(), ()):
                if target not in alive:
                    alive.add(target)
                    pending.append(target)
        return frozenset(alive)

    def _makes(self, hop: Hop) -> bool:
        """Whether a hop gives a value that is no copy: it is computed, or comes from outside."""
        if hop.how is How.COMPUTED:
            return True
        match hop.source:
            case Constant():
                return False
            case FieldCarrier() | KeyCarrier() | ReturnCarrier() | ModuleCarrier():
                return False
            case ParameterCarrier(function=function):
                return function not in self.callers and hop.source not in self.writes
            case _:
                return True  # from outside, an object, something of unknown type

    def stores_at_random(self, name: str) -> int:
        """Return how often a field of that name is stored into receivers of unknown type."""
        return sum(1 for _ in self.flow.into(UnresolvedCarrier(name)))

    def field_reads(self, carrier: FieldCarrier) -> tuple[int, int]:
        """Return how many places mention a field otherwise than to store into it: surely, and perhaps."""
        places = list(self.usage.places_that_read(carrier))
        sure = sum(fits for _, _, fits in places)
        return sure, len(places) - sure

    def fields_with_key(self, key: KeyCarrier) -> set[tuple[str, int]]:
        """Return the names of fields whose mappings are given a key, and how deep they lie.

        `self.metrics["loss"]` is 0 deep, `self.metrics[mode]["loss"]` 1.
        """
        found: set[tuple[str, int]] = set()
        for function in {hop.site.function for hop in self.writes.get(key, ())}:
            graph = self.program.function(function).graph
            bases = [
                node.operands[0] for node in graph.nodes if node.kind is Kind.ITEM and node.data == key.key
            ]
            bases += [
                effect.base
                for effect in graph.effects
                if effect.kind is EffectKind.STORE_ITEM and effect.name == key.key
            ]
            for base in bases:
                node, depth = graph.nodes[base], 0
                while node.kind in {Kind.ITEM, Kind.NARROW}:
                    depth += node.kind is Kind.ITEM
                    node = graph.nodes[node.operands[0]]
                if node.kind is Kind.ATTR:
                    found.add((str(node.data), depth))
        return found

    def reads_whole_field(self, name: str, depth: int) -> bool:
        """Whether the mapping so deep in a field of that name is used anywhere otherwise than by a literal key."""
        return any(
            node.kind is Kind.ATTR and node.data == name and self._is_used_whole(function, index, depth)
            for function in self.program.functions()
            for index, node in enumerate(self.program.function(function).graph.nodes)
        )

    def _is_used_whole(self, function: FunctionSymbol, index: int, depth: int) -> bool:
        nodes = self.program.function(function).graph.nodes
        users, effects = self.flow.facts.whereabouts.users(function)
        if effects.get(index):
            return True
        for user in users.get(index, ()):
            if nodes[user].kind is not Kind.ITEM or nodes[user].operands[0] != index:
                return True
            if depth and self._is_used_whole(function, user, depth - 1):
                return True
            if not depth and not isinstance(nodes[user].data, str):
                return True
        return False

    # -- definitions --------------------------------------------------------------------------------------------

    @cached_property
    def functions(self) -> frozenset[FunctionSymbol]:
        """Every function that has a name of its own."""
        return frozenset(
            one for one in self.program.functions() if one.qualname != TOP_LEVEL and "<" not in one.qualname
        )

    @cached_property
    def classes(self) -> frozenset[ClassSymbol]:
        """Every class."""
        return frozenset(self.program.classes())

    def declares(self, carrier: Carrier) -> bool:
        """Whether a place still exists: it is declared, or touched by any hop."""
        if carrier in self._touched:
            return True
        match carrier:
            case FieldCarrier(owner=owner, name=name):
                return owner in self.classes and name in self.program.class_(owner).fields
            case ModuleCarrier(module=module, name=name):
                return module in self.program.modules and name in self.program.modules[module].variables
            case ParameterCarrier(function=function, name=name):
                return function in self.functions and any(
                    one.name == name for one in self.program.function(function).parameters
                )
            case ReturnCarrier(function=function):
                return function in self.functions
            case _:
                return False

    @cached_property
    def _touched(self) -> frozenset[Carrier]:
        ends: Iterable[Carrier] = (
            place_name(end)
            for hop in self.flow.hops()
            for end in (hop.source, hop.target)
            if not isinstance(end, Constant)
        )
        return frozenset(ends)
