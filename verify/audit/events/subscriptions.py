"""Handlers that are given another event than the one they are called after.

`bus.subscribe(EventType.CHECKPOINT_SAVED, self._on_update)`, while its siblings are called after theirs, and an
`UPDATE_COMPLETED` is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ...flow import Flow
from ...flow.types import ClassObject, FunctionObject, Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind, Node, Span, ValueGraph
from ..words.names import words

SUBSCRIBING = frozenset(
    {
        *("subscribe", "on", "once", "register", "register_handler", "add_listener", "add_handler"),
        *("add_callback", "connect", "listen", "bind", "handles", "handler", "observe"),
    }
)
"""Methods that are given an event, and who handles it."""

_SAYS_NOTHING = {"on", "handle", "handler", "event", "process", "callback", "do", "after", "when", "received"}
_FEWEST_LIKE_IT = 2
"""Siblings that are called after their events: then names say which belongs to which."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event, and the handler that is given it.

    Attributes:
        event: What the event is called.
        family: The enumeration that it is a member of; the class that it is itself; None for a string.
        handler: What handles it.
        span: Where it is handed over.
    """

    event: str
    family: ClassSymbol | None
    handler: FunctionSymbol
    span: Span


@dataclass(frozen=True, slots=True)
class Misled:
    """A subscription to the event of another, and the event that the handler is called after."""

    function: FunctionSymbol
    subscription: Subscription
    own: str


def misled(flow: Flow, by_function: Mapping[FunctionSymbol, list[Subscription]]) -> Iterator[Misled]:
    """Yield each handler that takes another event, or whose name is that of another one of those known beside it."""
    known = {one.family for found in by_function.values() for one in found if is_class(one)}
    for function, found in by_function.items():
        straight = [one for one in found if _words(one.handler.name) & _words(one.event)]
        for one in found:
            own = _taken(flow, one, known)
            if own is None and len(straight) >= _FEWEST_LIKE_IT:
                own = _own_event(flow, one, found)
            if own is not None:
                yield Misled(function, one, own)


def subscriptions(flow: Flow) -> Iterator[tuple[FunctionSymbol, list[Subscription]]]:
    """Yield the functions that can run and give events to handlers, with what each gives to whom."""
    for function in flow.program.functions():
        if function in flow.reachable and (found := list(_subscriptions(flow, function))):
            yield function, found


def is_class(subscription: Subscription) -> bool:
    """Whether an event is told by its class."""
    return subscription.family is not None and subscription.family.name == subscription.event


def _taken(flow: Flow, subscription: Subscription, events: Collection[ClassSymbol | None]) -> str | None:
    """Return the class of events that a handler is declared to take, where it is another than the one it is given."""
    given, handler = subscription.family, subscription.handler
    if given is None or not is_class(subscription):
        return None
    summary, program = flow.program.function(handler), flow.program
    taken = [one.annotation for one in summary.parameters if one.kind == "positional"]
    taken = taken[1:] if summary.owner is not None and "staticmethod" not in summary.decorators else taken
    if len(taken) != 1 or taken[0] is None:
        return None
    known = list(members(flow.facts.inference.annotated(handler.module, taken[0], None)))
    if len(known) != 1 or not isinstance(known[0], Instance):
        return None
    own = known[0].cls
    is_related = own in program.mro(given) or given in program.mro(own) or program.is_protocol(own)
    is_event = own in events or any(
        one in program.mro(own)[1:] for one in program.mro(given)[1:] if isinstance(one, ClassSymbol)
    )
    return own.name if is_event and not is_related else None


def _own_event(flow: Flow, subscription: Subscription, beside: list[Subscription]) -> str | None:
    """Return the event that a handler is called after, None where it may well be the one that it is given.

    An event that another handler beside it is called after, and given, has its own.
    """
    called = _words(subscription.handler.name)
    if not called or called <= _words(subscription.event):
        return None
    events = {one.event for one in beside if _are_of_one_kind(one, subscription)}
    if subscription.family is not None and not is_class(subscription):
        events |= {*flow.program.class_(subscription.family).fields}
    given = {one.event for one in beside if one.handler == subscription.handler}
    fitting = [one for one in sorted(events - given) if called <= _words(one)]
    if len(fitting) != 1 or len(given) != 1:
        return None
    (own,) = fitting
    return None if any(one.event == own and _is_called_after(one, own) for one in beside) else own


def _is_called_after(subscription: Subscription, event: str) -> bool:
    """Whether a handler's name says all of an event's, or nothing else."""
    called, said = _words(subscription.handler.name), _words(event)
    return bool(called) and (called <= said or said <= called)


def _are_of_one_kind(one: Subscription, other: Subscription) -> bool:
    """Whether two events are members of one enumeration, or both classes, or both strings."""
    kinds = [is_class(of) or of.family for of in (one, other)]
    return kinds[0] == kinds[1]


def _subscriptions(flow: Flow, function: FunctionSymbol) -> Iterator[Subscription]:
    graph = flow.program.function(function).graph
    for node in graph.nodes:
        if node.gated:
            continue
        if node.kind is Kind.CALL and graph.nodes[node.operands[0]].data in SUBSCRIBING:
            arguments = node.operands[1:]
            handlers = [name for index in arguments if (name := _handler(flow, function, index)) is not None]
            events = [found for index in arguments if (found := _event(flow, function, graph, index))]
            if len(handlers) == len(events) == 1:
                yield Subscription(*events[0], handlers[0], node.span)
        elif node.kind is Kind.DICT:
            yield from _table(flow, function, graph, node)


def _table(flow: Flow, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Subscription]:
    """Yield the entries of a table of handlers."""
    assert isinstance(node.data, tuple)
    keys = node.keys or (-1,) * len(node.operands)
    for key, index, value, span in zip(node.data, keys, node.operands, node.parts, strict=True):
        handler = _handler(flow, function, value)
        if handler is None:
            continue
        if key is not None:
            yield Subscription(key, None, handler, span)
        elif index >= 0 and (event := _event(flow, function, graph, index)) is not None:
            yield Subscription(*event, handler, span)


def _event(
    flow: Flow, function: FunctionSymbol, graph: ValueGraph, index: int
) -> tuple[str, ClassSymbol | None] | None:
    """Return an event that an expression stands for: a member of an enumeration, a class or a string."""
    node = graph.nodes[index]
    if node.kind is Kind.CONST and isinstance(node.data, str):
        return node.data, None
    inference = flow.facts.inference
    if node.kind is Kind.ATTR and isinstance(node.data, str):
        for one in members(inference.type_of(function, node.operands[0])):
            if isinstance(one, ClassObject) and node.data in flow.program.class_(one.cls).fields:
                return node.data, one.cls
    if node.kind in {Kind.ATTR, Kind.GLOBAL, Kind.FREE}:
        for one in members(inference.type_of(function, index)):
            if isinstance(one, ClassObject):
                return one.cls.name, one.cls
    return None


def _handler(flow: Flow, function: FunctionSymbol, index: int) -> FunctionSymbol | None:
    """Return a function or method of the program that is handed over."""
    known = list(members(flow.facts.inference.type_of(function, index)))
    if len(known) != 1 or not isinstance(known[0], FunctionObject):
        return None
    found = known[0].function
    return None if "<" in found.name else found


def _words(name: str) -> frozenset[str]:
    return frozenset(words(name)) - _SAYS_NOTHING
