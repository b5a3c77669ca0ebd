"""Objects that keep what they are given: those that nobody asks anything, and those that nobody gives anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import FieldCarrier, Flow, ModuleCarrier, Role
from ...flow.classes import receiver_name
from ...flow.names import MUTATORS
from ...flow.trail import Spot, Trail, UseKind
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import EffectKind, Kind, Node, Span, ValueGraph
from ...source.program import ExternalSymbol
from ..using.mentions import Mentions
from ..using.objects import ENDS, FEEDS, constructions, is_handed_on

_COMPUTES = frozenset(
    {
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "enumerate",
        "float",
        "int",
        "isinstance",
        "len",
        "list",
        "map",
        "max",
        "min",
        "range",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "super",
        "tuple",
        "zip",
    }
)
_LIBRARIES = ("collections", "math", "numpy", "statistics", "time", "torch")
_ASKS_THE_VALUE = MUTATORS | {
    "clear",
    "copy",
    "cpu",
    "detach",
    "get",
    "item",
    "items",
    "keys",
    "mean",
    "numpy",
    "pop",
    "popleft",
    "sum",
    "to",
    "tolist",
    "values",
}


_TAKES = {"update", "add", "record", "observe", "push", "append"}
_FORGETS = {"reset", "clear"}


@dataclass(frozen=True, slots=True)
class Meter:
    """An object of which one half is done: it is fed and never asked, or asked and never fed.

    Attributes:
        cls: Its class.
        name: The local name, or the field or module-level name that holds it.
        kept_in: That field or module-level name; None for a local.
        function: Where it is made, at `span`.
        feeds: The methods that feed it; those that feed another one of its class, where it is never fed itself.
        asked: The methods and fields that are asked; empty where nobody asks anything.
    """

    cls: ClassSymbol
    name: str
    kept_in: FieldCarrier | ModuleCarrier | None
    function: FunctionSymbol
    span: Span
    feeds: tuple[str, ...]
    asked: tuple[str, ...]


def is_meter(program: Program, cls: ClassSymbol) -> bool:
    """Whether a class is a meter by its methods: one takes values, one forgets them, another says what there was."""
    methods = program.class_(cls).methods
    return (
        not _TAKES.isdisjoint(methods)
        and not _FORGETS.isdisjoint(methods)
        and any(_is_asked(program, cls, name) for name in methods)
    )


def keeps_values(program: Program, cls: ClassSymbol) -> bool:
    """Whether all that a class does is to take values and to say what there was: it derives from nothing."""
    methods = {name for name in program.class_(cls).methods if not name.startswith("_")}
    takes = methods & _TAKES
    asked = {name for name in methods - takes if _is_asked(program, cls, name)}
    return (
        bool(takes and asked)
        and methods <= takes | asked | ENDS
        and len(program.mro(cls)) == 1
        and all(_stores(program, cls, name) for name in takes)
    )


def _stores(program: Program, cls: ClassSymbol, name: str) -> bool:
    """Whether a method gives its own object a value."""
    graph = program.modules[cls.module].functions[program.class_(cls).methods[name]].graph
    nodes = graph.nodes
    return any(
        one.kind is EffectKind.STORE_ATTR and nodes[one.base].kind is Kind.PARAM for one in graph.effects
    ) or any(
        node.kind is Kind.CALL
        and nodes[node.operands[0]].kind is Kind.ATTR
        and nodes[node.operands[0]].data in MUTATORS
        for node in nodes
    )


def _is_asked(program: Program, cls: ClassSymbol, name: str) -> bool:
    if _is_feed(name) or name in ENDS or name.startswith("__"):
        return False
    graph = program.modules[cls.module].functions[program.class_(cls).methods[name]].graph
    return any(effect.kind is EffectKind.RETURN for effect in graph.effects)


def asked_only(flow: Flow, mentions: Mentions, cls: ClassSymbol) -> Iterator[Meter]:
    """Yield the objects of a meter's class that are asked and never fed.

    They are made with nothing, and stay where they can be followed. Another one of them is fed, unless feeding and
    asking is all that there is to do with one.
    """
    spots = constructions(flow, mentions, cls)
    own = set(flow.program.class_(cls).methods) & _TAKES if keeps_values(flow.program, cls) else set()
    if not (len(spots) > 1 or own) or _is_filled_by_others(flow, cls):
        return
    trails = [(spot, flow.facts.whereabouts.follow([spot])) for spot in spots]
    asked_of = [_asked(trail) for _, trail in trails]
    named = {name for asked in asked_of for name in asked if _is_feed(name)}
    feeds = {name for name in named if _may_keep(flow.program, cls, name)} or own
    for (spot, trail), asked in zip(trails, asked_of, strict=True):
        call = flow.program.function(spot.function).graph.nodes[spot.node]
        is_empty = len(call.operands) == 1
        holders = _kept_in(flow, trail)
        if not feeds or not asked - ENDS or not is_empty or holders is None:
            continue
        if any(map(_is_feed, asked)) or any(_feeds_itself(flow.program, cls, name) for name in asked):
            continue
        yield from _meter(flow, cls, spot, holders, feeds, asked - ENDS)


def fed_only(flow: Flow, mentions: Mentions, cls: ClassSymbol) -> Iterator[Meter]:
    """Yield the objects of a class that are fed, perhaps emptied, and that nothing else is ever done with.

    What feeds such an object has to keep what it is given and do nothing else, and there has to be something to ask.
    """
    keeper = _Keeper(flow, cls)
    if not keeper.can_be_asked():
        return
    for spot in constructions(flow, mentions, cls):
        trail = flow.facts.whereabouts.follow([spot])
        asked = _asked(trail)
        fed = {name for name in asked if _is_feed(name)}
        if not fed or asked - fed - ENDS:
            continue
        holders = _kept_in(flow, trail)
        if holders is None or _takes_result(flow, trail) or not all(map(keeper.only_keeps, asked)):
            continue
        yield from _meter(flow, cls, spot, holders, fed, set())


def _meter(
    flow: Flow,
    cls: ClassSymbol,
    spot: Spot,
    holders: tuple[FieldCarrier | ModuleCarrier, ...],
    feeds: set[str],
    asked: set[str],
) -> Iterator[Meter]:
    """Yield the object that is made at a place, if it has a name."""
    graph = flow.program.function(spot.function).graph
    name = str(holders[0]) if holders else _local_name(graph, spot.node)
    if name:
        kept_in, span = next(iter(holders), None), graph.nodes[spot.node].span
        yield Meter(cls, name, kept_in, spot.function, span, tuple(sorted(feeds)), tuple(sorted(asked)))


def _asked(trail: Trail) -> set[str]:
    """Return the methods and fields of an object that are named."""
    return {use.name for use in trail.of_kind(UseKind.ATTRIBUTE) if use.name is not None}


def _kept_in(flow: Flow, trail: Trail) -> tuple[FieldCarrier | ModuleCarrier, ...] | None:
    """Return the one name that holds an object, none of a local; None if it gets to where it cannot be followed."""
    if any(spot.path for spot in trail.spots) or is_handed_on(flow, trail):
        return None  # in a container: whoever goes through that may ask it
    holders = [one for one in trail.holders if isinstance(one, FieldCarrier | ModuleCarrier)]
    return tuple(holders) if len(holders) == len(list(trail.holders)) < 2 else None


def _is_filled_by_others(flow: Flow, cls: ClassSymbol) -> bool:
    """Whether anybody but the class itself stores into a field of its objects: `meter.total += loss`."""
    inside = f"{cls.qualname}."
    return any(
        not (hop.site.function.module == cls.module and hop.site.function.qualname.startswith(inside))
        for name in flow.facts.inference.stored_fields(cls)
        for hop in flow.into(FieldCarrier(cls, name))
        if hop.role is not Role.INITIAL
    )


def _may_keep(program: Program, cls: ClassSymbol, name: str) -> bool:
    """Whether a method may leave something in its own object: it stores there, or has a part of it do something."""
    method = program.method(cls, name)
    if method is None or method.module != cls.module:
        return True
    summary = program.function(method)
    graph, receiver = summary.graph, receiver_name(summary)
    changed = (
        effect.value if effect.kind is EffectKind.DROP else effect.base
        for effect in graph.effects
        if effect.kind in {EffectKind.STORE_ATTR, EffectKind.STORE_ITEM, EffectKind.DROP}
    )
    return any(_is_part_of(graph, one, receiver) for one in changed)


def _is_part_of(graph: ValueGraph, index: int, parameter: str | None) -> bool:
    """Whether a value is a parameter, a part of that, or what a method of either gives."""
    node = graph.nodes[index]
    while node.kind in {Kind.ATTR, Kind.ITEM, Kind.CALL, Kind.NARROW, Kind.PHI}:
        if node.kind is Kind.PHI:
            return any(_is_part_of(graph, one, parameter) for one in node.operands if one < index)
        index = node.operands[0]
        node = graph.nodes[index]
    return node.kind is Kind.PARAM and node.data == parameter


def _feeds_itself(program: Program, cls: ClassSymbol, name: str) -> bool:
    """Whether a method gives its own object a value by another method."""
    method = program.method(cls, name)
    nodes = () if method is None else program.function(method).graph.nodes
    return any(node.kind is Kind.ATTR and _is_feed(str(node.data)) for node in nodes)


def _is_feed(name: str) -> bool:
    return FEEDS.fullmatch(name.lstrip("_")) is not None and not name.startswith("__")


def _local_name(graph: ValueGraph, index: int) -> str:
    return next((name for name, given in graph.bindings.items() if index in given), "")


def _takes_result(flow: Flow, trail: Trail) -> bool:
    """Whether anybody takes what a method of the object returns, or the method itself."""
    for use in trail.of_kind(UseKind.ATTRIBUTE):
        nodes, effects = flow.facts.whereabouts.users(use.function)
        graph = flow.program.function(use.function).graph
        for user in nodes.get(use.node, ()):
            if graph.nodes[user].kind is not Kind.CALL or graph.nodes[user].operands[0] != use.node:
                return True
            if nodes.get(user) or any(one.kind != EffectKind.DROP for one in effects.get(user, ())):
                return True
        if effects.get(use.node) or not nodes.get(use.node):
            return True  # stored into, or read as a value
    return False


class _Keeper:
    """Answers whether the methods of a class do nothing but keep."""

    def __init__(self, flow: Flow, cls: ClassSymbol) -> None:
        self._flow = flow
        self._program = flow.program
        self._cls = cls
        self._known: dict[str, bool] = {}

    def only_keeps(self, name: str) -> bool:
        """Whether a method changes nothing but its own object."""
        if name not in self._known:
            self._known[name] = True  # while it is asked for itself
            method = self._program.method(self._cls, name)
            self._known[name] = method is not None and self._keeps(method)
        return self._known[name]

    def _keeps(self, method: FunctionSymbol) -> bool:
        graph = self._program.function(method).graph
        if any(effect.kind in {EffectKind.STORE_GLOBAL, EffectKind.YIELD} for effect in graph.effects):
            return False
        return all(self._is_harmless(method, graph, node) for node in graph.nodes if node.kind is Kind.CALL)

    def _is_harmless(self, method: FunctionSymbol, graph: ValueGraph, call: Node) -> bool:
        callee = graph.nodes[call.operands[0]]
        if callee.kind is Kind.GLOBAL:
            return callee.data in _COMPUTES or self._is_library(method, str(callee.data))
        if callee.kind is not Kind.ATTR:
            return False
        base = graph.nodes[callee.operands[0]]
        if base.kind is Kind.PARAM and base.data == "self":
            return self.only_keeps(str(callee.data))
        if base.kind is Kind.GLOBAL:
            return self._is_library(method, str(base.data))
        return callee.data in _ASKS_THE_VALUE

    def _is_library(self, method: FunctionSymbol, name: str) -> bool:
        symbol = self._program.resolve(method.module, name)
        return isinstance(symbol, ExternalSymbol) and symbol.dotted.partition(".")[0] in _LIBRARIES

    def can_be_asked(self) -> bool:
        """Whether a class has something to ask, beside what feeds or ends it: a method, a property, a field."""
        for one in self._program.mro(self._cls):
            if not isinstance(one, ClassSymbol):
                continue
            for name, qualname in self._program.class_(one).methods.items():
                effects = self._program.modules[one.module].functions[qualname].graph.effects
                gives = any(effect.kind is EffectKind.RETURN for effect in effects)
                if gives and not (_is_feed(name) or name in ENDS or name.startswith("__")):
                    return True
        return self._fields_are_asked()

    def _fields_are_asked(self) -> bool:
        """Whether anybody but the class itself reads a field of such an object: `losses.avg`."""
        index = self._flow.facts.whereabouts.index
        inside = f"{self._cls.qualname}."
        return any(
            fits and not (function.module == self._cls.module and function.qualname.startswith(inside))
            for name in self._flow.facts.inference.stored_fields(self._cls)
            for function, _, fits in index.field_reads(self._cls, name)
        )
