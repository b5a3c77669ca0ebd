"""Objects that are made for one call, which fills them, and that nobody has afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Flow
from ...flow.arguments import arguments
from ...flow.types import ClassObject, FunctionObject, Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import EffectKind, Kind, Node, Span, ValueGraph
from ..fields.only_filled import FILLS

_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class ThrownAway:
    """An object that a call fills and nobody reads.

    Attributes:
        callee: What fills it.
        caller: Who makes it.
        read: The name of another object of its class that the caller has read, and that nothing fills.
    """

    callee: FunctionSymbol
    cls: ClassSymbol
    caller: FunctionSymbol
    span: Span
    read: str


@dataclass(frozen=True, slots=True)
class _Handling:
    """What a body does with an object: it puts something in, looks at it, or lets it go where it is not seen."""

    fills: bool = False
    reads: bool = False
    escapes: bool = False

    def __or__(self, other: _Handling) -> _Handling:
        return _Handling(self.fills or other.fills, self.reads or other.reads, self.escapes or other.escapes)


_FILLS, _READS, _ESCAPES = _Handling(fills=True), _Handling(reads=True), _Handling(escapes=True)


def thrown_away(flow: Flow) -> Iterator[ThrownAway]:
    """Yield every object that is made inside the call that fills it, beside one that is read in its place."""
    finder = _Finder(flow)
    for function in flow.program.functions():
        if function in flow.reachable:
            yield from finder.of(function)


class _Finder:
    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._program = flow.program
        self._inference = flow.facts.inference
        self._whereabouts = flow.facts.whereabouts

    def of(self, function: FunctionSymbol) -> Iterator[ThrownAway]:
        graph = self._program.function(function).graph
        made = [index for index, node in enumerate(graph.nodes) if _may_make(graph, node)]
        if len(made) < 2:
            return
        users, effects = self._whereabouts.users(function)
        bound = {node for given in graph.bindings.values() for node in given}
        for index in made:
            if index in bound or effects.get(index) or len(users.get(index, ())) != 1:
                continue
            cls = self._class_of(function, graph.nodes[index])
            call = graph.nodes[users[index][0]]
            if cls is None or call.kind is not Kind.CALL or call.operands[0] == index:
                continue
            kept = [one for one in made if one in bound and self._class_of(function, graph.nodes[one]) == cls]
            if not kept or not self._fills(function, call, index):
                continue
            for one in kept:
                name = next(name for name, given in graph.bindings.items() if one in given)
                if len(graph.bindings[name]) == 1 and self._handling(function, one, 0) == _READS:
                    callee = next(self._callees(function, call)).function
                    yield ThrownAway(callee, cls, function, graph.nodes[index].span, name)
                    break

    def _fills(self, function: FunctionSymbol, call: Node, index: int) -> bool:
        found = self._given(function, call, index, 0)
        return found.fills and not found.escapes

    def _class_of(self, function: FunctionSymbol, node: Node) -> ClassSymbol | None:
        known = members(self._inference.type_of(function, node.operands[0]))
        return known[0].cls if len(known) == 1 and isinstance(known[0], ClassObject) else None

    def _callees(self, function: FunctionSymbol, call: Node) -> Iterator[FunctionObject]:
        for one in members(self._inference.type_of(function, call.operands[0])):
            if isinstance(one, FunctionObject):
                yield one
            elif isinstance(one, ClassObject):
                constructor = self._inference.constructor(one.cls)
                if constructor is not None:
                    yield FunctionObject(constructor, Instance(one.cls))

    # -- what a body does with an object ------------------------------------------------------------------------------

    def _handling(self, function: FunctionSymbol, start: int, depth: int) -> _Handling:
        graph = self._program.function(function).graph
        users, effects = self._whereabouts.users(function)
        if self._whereabouts.nested(function):
            return _ESCAPES  # a function inside may have it
        found = _Handling()
        pending, seen = [start], set[int]()
        while pending and not found.escapes:
            index = pending.pop()
            if index in seen:
                continue
            seen.add(index)
            for effect in effects.get(index, ()):
                if effect.kind is not EffectKind.DROP:
                    found |= _READS if effect.kind is EffectKind.EVALUATE else _ESCAPES
            if any(one.base == index for one in graph.effects):
                found |= _FILLS
            for user in users.get(index, ()):
                node = graph.nodes[user]
                if node.kind in {Kind.PHI, Kind.NARROW}:
                    pending.append(user)
                elif node.kind is Kind.ATTR:
                    found |= self._attribute(function, graph, index, user, depth)
                elif node.kind is Kind.CALL and node.operands[0] != index:
                    found |= self._given(function, node, index, depth)
                else:
                    found |= _READS if node.kind is Kind.COMPARE else _ESCAPES
        return found

    def _attribute(
        self, function: FunctionSymbol, graph: ValueGraph, base: int, attribute: int, depth: int
    ) -> _Handling:
        users, effects = self._whereabouts.users(function)
        name = graph.nodes[attribute].data
        methods = [
            one
            for one in members(self._inference.type_of(function, attribute))
            if isinstance(one, FunctionObject)
        ]
        if methods:
            calls = [one for one in users.get(attribute, ()) if graph.nodes[one].kind is Kind.CALL]
            if depth >= _DEEPEST or len(calls) != len(users.get(attribute, ())) or effects.get(attribute):
                return _ESCAPES
            return self._methods(methods, depth)
        if any(one.base == attribute for one in graph.effects):
            return _FILLS  # `counts.by_name[key] = value`
        found = _READS if effects.get(attribute) else _Handling()
        for user in users.get(attribute, ()):
            node = graph.nodes[user]
            is_fed = node.kind is Kind.ATTR and node.data in FILLS
            is_counted = node.kind is Kind.OP and any(
                one.kind is EffectKind.STORE_ATTR and one.base == base and one.name == name
                for one in effects.get(user, ())
            )
            found |= _FILLS if is_fed or is_counted else _READS
        return found

    def _methods(self, methods: list[FunctionObject], depth: int) -> _Handling:
        found = _Handling()
        for one in methods:
            parameters = self._program.function(one.function).parameters
            if not parameters:
                return _ESCAPES
            found |= self._parameter(one.function, parameters[0].name, depth + 1)
        return found

    def _given(self, function: FunctionSymbol, call: Node, index: int, depth: int) -> _Handling:
        callees = list(self._callees(function, call))
        if len(callees) != 1 or depth >= _DEEPEST:
            return _ESCAPES
        given = arguments(self._program, callees[0], call)
        names = [name for name, operands in given.items() if index in operands]
        found = _Handling() if names else _ESCAPES
        for called in self._inference.dispatch(callees[0].function, callees[0].receiver):
            for name in names:
                found |= self._parameter(called, name, depth + 1)
        return found

    def _parameter(self, function: FunctionSymbol, name: str, depth: int) -> _Handling:
        nodes = self._program.function(function).graph.nodes
        found = _Handling()
        for index, node in enumerate(nodes):
            if node.kind is Kind.PARAM and node.data == name:
                found |= self._handling(function, index, depth)
        return found


def _may_make(graph: ValueGraph, node: Node) -> bool:
    """Whether a node may be an object that is made of nothing: `Counts()`."""
    if node.kind is not Kind.CALL or len(node.operands) != 1 or node.gated:
        return False
    callee = graph.nodes[node.operands[0]]
    return callee.kind in {Kind.GLOBAL, Kind.ATTR} and str(callee.data).lstrip("_")[:1].isupper()
