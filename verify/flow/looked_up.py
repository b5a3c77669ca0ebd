"""Methods that are looked up by a name that is computed: `getattr(callback, hook)(*arguments)`.

The names are the strings that a key made in the same way is: constants, what a loop goes through, what callers give.
Each is a round of its own: what one call gives as the name goes with what it gives as the arguments. Where not all
names are known, every method that the receivers have may be meant, and it stays open whether it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import CallShape, Kind, Node, ValueGraph
from .arguments import argument_positions
from .callables import Bound, is_lookup
from .calling import Caller, Calling, is_gated
from .carriers import ParameterCarrier
from .facts import Facts
from .literal_values import UNBOUND, Binding
from .roots import local_roots
from .types import UNKNOWN, ClassObject, FunctionObject, Instance, Type, members

_BUILDING = {"f-string", "Add"}


class _Argument(NamedTuple):
    """What a call gives: the node in the call's own function, and where its value is, which may be in a caller."""

    operand: int
    function: FunctionSymbol
    value: int
    place: int
    binding: Binding


class LookedUp:
    """Collects the hops into methods that are called by a computed name."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference
        self._sources = facts.sources
        self._texts: frozenset[str] | None = None

    def of(self, graph: ValueGraph, call: Node) -> list[Node]:
        """Return the look-ups by a computed name that what is called may come from."""
        roots = local_roots(graph, call.operands[0])
        return [graph.nodes[root] for root in roots if is_lookup(graph, graph.nodes[root])]

    def collect(self, function: FunctionSymbol, lookups: list[Node], index: int, node: Node) -> bool:
        """Note the hops of a call of what was looked up; whether all that it may call is known."""
        known = [self._lookup(function, one, index, node) for one in lookups]
        return all(known)

    def _lookup(self, function: FunctionSymbol, lookup: Node, index: int, node: Node) -> bool:
        receiver, name, *defaults = lookup.operands[1:]
        types = members(self._inference.type_of(function, receiver))
        rounds, is_all = self._sources.keys.rounds(function, name)
        for binding, known in rounds:
            found = self._sources.callables.named(types, known)
            is_all = is_all and bool(found) and UNKNOWN not in types
            for bound in found:
                self._call(function, bound, index, node, binding)
            if UNKNOWN in types and not node.gated and not is_gated(binding):
                self._facts.called_names.setdefault(function, set()).add(known)
        for default in defaults:
            for bound in self._sources.callables.of(function, default):
                self._call(function, bound, index, node, UNBOUND)
        if not is_all and not node.gated:
            graph = self._program.function(function).graph
            possible = self._facts.possible_calls.setdefault(function, set())
            possible.update(self._possible(types, *_ends(graph, name)))
        return is_all

    # -- names that are known ---------------------------------------------------------------------------------

    def _call(self, function: FunctionSymbol, bound: Bound, index: int, node: Node, binding: Binding) -> None:
        """Note a call of a method in one round."""
        if bound.positions or bound.names:
            return  # what was bound before is not known here
        shape, given = self._given(function, node, binding)
        call = Node(Kind.CALL, shape, node.operands[:1], node.place)
        gated = node.gated or is_gated(binding)
        receiver = bound.function.receiver
        for reached in self._inference.dispatch(bound.function.function, receiver):
            arguments: list[tuple[str, int]] = []
            positions = argument_positions(self._program, FunctionObject(reached, receiver), call)
            for name, one in [(name, given[at]) for name, places in positions.items() for at in places]:
                arguments.append((name, one.operand))
                sources = self._sources.in_round(one.function, one.value, one.binding)
                where, place = self._sources.stored_at(one.function, one.value, one.place, one.binding)
                self._facts.move(where, sources, [ParameterCarrier(reached, name)], place, gated=gated)
            if not gated:
                self._facts.calls.setdefault(function, set()).add(reached)
                self._facts.called(reached, function, index, arguments)

    def _given(
        self, function: FunctionSymbol, node: Node, binding: Binding
    ) -> tuple[CallShape, list[_Argument]]:
        """Return what a call gives in one round; `*args` and `**kwargs` that a caller fills are taken apart."""
        shape = node.data
        assert isinstance(shape, CallShape)
        positional: list[_Argument] = []
        named: list[tuple[str | None, _Argument]] = []
        starred: list[int] = []
        for position, operand in enumerate(node.operands[1:]):
            own = _Argument(operand, function, operand, node.part_places[position], binding)
            keyword = shape.keywords[position - shape.positional] if position >= shape.positional else ""
            is_spread = keyword is None or position in shape.starred
            parts = self._handed_on(function, operand, binding) if is_spread else None
            if position >= shape.positional:
                named += [(keyword, own)] if parts is None else parts
            elif parts is not None:
                positional += [one for _, one in parts]
            else:
                starred += [len(positional)] if is_spread else []
                positional.append(own)
        keywords = tuple(keyword for keyword, _ in named)
        given = [*positional, *(one for _, one in named)]
        return CallShape(len(positional), keywords, tuple(starred)), given

    def _handed_on(
        self, function: FunctionSymbol, operand: int, binding: Binding
    ) -> list[tuple[str | None, _Argument]] | None:
        """Return what the caller gives as a function's `*args` or `**kwargs`; None where that is not known."""
        summary = self._program.function(function)
        parameter = summary.graph.nodes[operand]
        if parameter.kind is Kind.ELEMENT:  # of what is written after the star
            parameter = summary.graph.nodes[parameter.operands[0]]
        is_rest = any(
            one.name == parameter.data and one.kind in {"args", "kwargs"} for one in summary.parameters
        )
        if not isinstance(binding, Calling) or parameter.kind is not Kind.PARAM or not is_rest:
            return None
        caller = binding.caller
        shape = caller.node.data
        assert isinstance(shape, CallShape)
        if shape.starred or None in shape.keywords:
            return None
        keywords: tuple[str | None, ...] = (*[None] * shape.positional, *shape.keywords)
        positions = argument_positions(self._program, binding.callee, caller.node)
        return [
            (keywords[at], self._at_caller(operand, caller, at))
            for at in positions.get(str(parameter.data), ())
        ]

    @staticmethod
    def _at_caller(operand: int, caller: Caller, position: int) -> _Argument:
        value, place = caller.node.operands[1 + position], caller.node.part_places[position]
        return _Argument(operand, caller.function, value, place, caller.binding)

    # -- names that are not known ------------------------------------------------------------------------------

    def _possible(self, receivers: tuple[Type, ...], start: str, end: str) -> Iterator[FunctionSymbol]:
        """Yield the methods of receivers whose name begins and ends so.

        Of a receiver of unknown type, and where nothing is known of the name, it is one that the program says.
        """
        for one in receivers:
            if isinstance(one, Instance | ClassObject):
                classes = dict.fromkeys((*self._program.mro(one.cls), *self._program.subclasses(one.cls)))
                if self._program.is_protocol(one.cls):
                    classes.update(dict.fromkeys(self._inference.implementers(one.cls)))
                for cls in classes:
                    if isinstance(cls, ClassSymbol):
                        yield from self._methods(cls, start, end)
            elif one is UNKNOWN:
                for cls in self._program.classes():
                    for method in self._methods(cls, start, end):
                        if start or end or method.name in self._said():
                            yield method

    def _methods(self, cls: ClassSymbol, start: str, end: str) -> Iterator[FunctionSymbol]:
        for name, qualname in self._program.class_(cls).methods.items():
            if name.startswith(start) and name.endswith(end) and not name.startswith("__"):
                yield FunctionSymbol(cls.module, qualname)

    def _said(self) -> frozenset[str]:
        """Return the strings of the program that are names."""
        if self._texts is None:
            self._texts = frozenset(
                node.data
                for function in self._program.functions()
                for node in self._program.function(function).graph.nodes
                if node.kind is Kind.CONST and isinstance(node.data, str) and node.data.isidentifier()
            )
        return self._texts


def _ends(graph: ValueGraph, name: int) -> tuple[str, str]:
    """Return what is known of how a name begins and ends: of `f"on_{event}"` that it begins with `on_`."""
    node = graph.nodes[name]
    if node.kind is not Kind.OP or node.data not in _BUILDING or not node.operands:
        return "", ""
    first, last = graph.nodes[node.operands[0]].data, graph.nodes[node.operands[-1]].data
    is_text = [graph.nodes[one].kind is Kind.CONST for one in (node.operands[0], node.operands[-1])]
    return (str(first) if is_text[0] else "", str(last) if is_text[1] else "")
