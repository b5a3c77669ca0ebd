"""Which functions, classes and names a body refers to: what can run because it runs."""

from __future__ import annotations

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import EffectKind, Kind, Node, ValueGraph
from .facts import Facts
from .instruments import InstrumentCall
from .metric_libraries import FACTORIES, InstrumentKind
from .types import UNKNOWN, ClassObject, ExternalObject, FunctionObject, Instance, members

_LABELS = {"__name__", "__qualname__", "__doc__", "__module__", "__annotations__"}


class References:
    """Collects what functions refer to, called or not."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference

    def collect(self, function: FunctionSymbol) -> set[int]:
        """Note everything that a function refers to; return the calls whose body never starts."""
        graph = self._program.function(function).graph
        calls: set[FunctionSymbol] = set()
        classes: set[ClassSymbol] = set()
        strings: set[str] = set()
        unstarted = self._unstarted(function, graph)
        idle = {graph.nodes[call].operands[0] for call in unstarted} | _only_named(graph)
        used = {operand for node in graph.nodes for operand in node.operands}
        used |= {index for effect in graph.effects for index in (effect.value, effect.base)}
        handed_on: list[tuple[int, InstrumentKind]] = []
        for index, node in enumerate(graph.nodes):
            if node.gated or index in idle or (node.kind is Kind.FUNCTION and index not in used):
                continue  # what stands there is not used; a definition alone is no use
            match node.kind:
                case Kind.ATTR | Kind.GLOBAL | Kind.FUNCTION | Kind.FREE:
                    if node.kind is Kind.ATTR:
                        self._count_receiver(function, node)
                        self._property(function, node, calls)
                    for one in members(self._inference.type_of(function, index)):
                        if isinstance(one, FunctionObject):
                            calls.update(self._inference.dispatch(one.function, one.receiver))
                        elif isinstance(one, ClassObject) and node.kind is not Kind.FREE:
                            classes.add(one.cls)
                        elif isinstance(one, ExternalObject) and one.dotted in FACTORIES:
                            handed_on.append((index, FACTORIES[one.dotted]))
                case Kind.CONST if isinstance(node.data, str) and ":" in node.data:
                    strings.add(node.data)
                case _:
                    pass  # refers to nothing by name
        if calls:
            self._facts.calls.setdefault(function, set()).update(calls)
        if classes:
            self._facts.used_classes[function] = classes
        if strings:
            self._facts.strings[function] = strings
        if handed_on:
            called = {node.operands[0] for node in graph.nodes if node.kind is Kind.CALL}
            self._facts.factories_handed_on += [
                InstrumentCall(function, index, kind) for index, kind in handed_on if index not in called
            ]
        return unstarted

    def _unstarted(self, function: FunctionSymbol, graph: ValueGraph) -> set[int]:
        """Return the calls of coroutines and generators that are thrown away before their body starts."""
        return {
            effect.value
            for effect in graph.effects
            if effect.kind is EffectKind.DROP and self._never_starts(function, graph.nodes[effect.value])
        }

    def _never_starts(self, function: FunctionSymbol, node: Node) -> bool:
        if node.kind is not Kind.CALL:
            return False
        callees = members(self._inference.type_of(function, node.operands[0]))
        return bool(callees) and all(
            isinstance(one, FunctionObject) and self._starts_later(one.function) for one in callees
        )

    def _starts_later(self, function: FunctionSymbol) -> bool:
        summary = self._program.function(function)
        return (summary.is_async or summary.is_generator) and not summary.decorators

    def _count_receiver(self, function: FunctionSymbol, node: Node) -> None:
        receiver = self._inference.type_of(function, node.operands[0])
        known = bool(members(receiver)) and all(one is not UNKNOWN for one in members(receiver))
        self._facts.sites_resolved += known
        self._facts.sites_unresolved += not known

    def _property(self, function: FunctionSymbol, node: Node, calls: set[FunctionSymbol]) -> None:
        for one in members(self._inference.type_of(function, node.operands[0])):
            if isinstance(one, Instance):
                method = self._program.method(one.cls, str(node.data))
                if method is not None:
                    calls.update(self._inference.dispatch(method, one))
                else:
                    below = self._inference.methods_below(one.cls, str(node.data))
                    calls.update(called.function for called in below)


def _only_named(graph: ValueGraph) -> set[int]:
    """Return the nodes that are asked for nothing but how they are called: `handle.__name__`."""
    named = {node.operands[0] for node in graph.nodes if node.kind is Kind.ATTR and node.data in _LABELS}
    if not named:
        return named
    for node in graph.nodes:
        if node.kind is not Kind.ATTR or node.data not in _LABELS:
            named.difference_update(node.operands)
    return named.difference(*((effect.value, effect.base) for effect in graph.effects))
