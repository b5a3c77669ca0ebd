"""Calls of functions that were handed over: callbacks, `partial`, threads, executors and actors.

`pool.submit(work, x)` calls `work(x)`; `self.on_event(x)` calls whatever the object was given as `on_event`.
"""

from __future__ import annotations

from ..source import FunctionSymbol
from ..source.model import CallShape, Kind, Node
from .arguments import argument_positions
from .callables import Bound
from .carriers import ParameterCarrier
from .facts import Facts
from .looked_up import LookedUp
from .names import HANDED_ON, MAPPED, MAPPED_TO_ROWS, STARTERS
from .types import ClassObject, FunctionObject, Instance, Type

_Argument = tuple[int, int]


class HandingOn:
    """Collects the hops into functions that are called through a value."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference
        self._sources = facts.sources
        self._looked_up = LookedUp(facts)

    def collect(self, function: FunctionSymbol, index: int, node: Node, types: tuple[Type, ...]) -> bool:
        """Note the hops of a call through a value, and of functions given to a call; whether it is the former."""
        graph = self._program.function(function).graph
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        if any(isinstance(one, FunctionObject | ClassObject | Instance) for one in types):
            return False
        lookups = self._looked_up.of(graph, node)
        if lookups:
            return self._looked_up.collect(function, lookups, index, node)
        given = list(zip(node.operands[1:], node.part_places, strict=True))
        positional, named = given[: shape.positional], given[shape.positional :]
        keywords = list(zip(shape.keywords, named, strict=True))
        bounds = self._sources.callables.of(function, node.operands[0])
        for bound in bounds:
            self._call(function, bound, positional, keywords, index, node)
        if bounds or callee.kind not in {Kind.ATTR, Kind.GLOBAL}:
            return bool(bounds)
        position = HANDED_ON.get(str(callee.data))
        if position is not None and len(positional) > position and not shape.starred:
            for bound in self._sources.callables.of(function, positional[position][0]):
                self._call(function, bound, positional[position + 1 :], keywords, index, node)
        elif callee.data in STARTERS:
            self._started(function, positional, keywords, index, node)
        elif callee.data in MAPPED and len(positional) > 1:
            elements = [one for one in positional[1:] if graph.nodes[one[0]].kind is not Kind.CONST]
            for bound in self._sources.callables.of(function, positional[0][0]):
                self._call(function, bound, elements, [], index, node)
        elif callee.data in MAPPED_TO_ROWS and len(positional) > 1:
            for bound in self._sources.callables.of(function, positional[0][0]):
                count = len(self._program.function(bound.function.function).parameters)
                self._call(function, bound, positional[1:2] * count, [], index, node)
        return False

    def _started(
        self,
        function: FunctionSymbol,
        positional: list[_Argument],
        keywords: list[tuple[str | None, _Argument]],
        index: int,
        node: Node,
    ) -> None:
        """`Thread(target=work, args=(x,), kwargs={...})`, `Timer(1.0, work, (x,))`, `pool.apply_async(work, (x,))`."""
        by_name = dict(keywords)
        target = by_name.get("target") or by_name.get("function") or by_name.get("func")
        packed = by_name.get("args")
        for operand, _ in positional if target is None else ():
            if target is None and self._sources.callables.of(function, operand):
                where = [argument[0] for argument in positional].index(operand)
                target = positional[where]
                packed = packed or (positional[where + 1] if len(positional) > where + 1 else None)
        if target is None:
            return
        nodes = self._program.function(function).graph.nodes
        arguments: list[_Argument] = []
        if packed is not None and nodes[packed[0]].kind is Kind.SEQUENCE:
            arguments = [(operand, nodes[operand].place) for operand in nodes[packed[0]].operands]
        named: list[tuple[str | None, _Argument]] = []
        mapping = by_name.get("kwargs") or by_name.get("kwds")
        if mapping is not None and nodes[mapping[0]].kind is Kind.DICT:
            display = nodes[mapping[0]]
            assert isinstance(display.data, tuple)
            entries = zip(display.data, display.operands, display.part_places, strict=True)
            named = [(key, (operand, place)) for key, operand, place in entries if key is not None]
        for bound in self._sources.callables.of(function, target[0]):
            self._call(function, bound, arguments, named, index, node)

    def _call(
        self,
        function: FunctionSymbol,
        bound: Bound,
        positional: list[_Argument],
        keywords: list[tuple[str | None, _Argument]],
        index: int,
        node: Node,
    ) -> None:
        """Note a call of a function with these arguments after the ones that are bound already."""
        names = tuple(name for name, _ in keywords)
        before = bound.positions
        shape = CallShape(before + len(positional), names)
        given = [*positional, *(argument for _, argument in keywords)]
        call = Node(Kind.CALL, shape, node.operands[:1], node.place)
        for reached in self._inference.dispatch(bound.function.function, bound.function.receiver):
            called = FunctionObject(reached, bound.function.receiver)
            if not node.gated:
                self._facts.calls.setdefault(function, set()).add(reached)
            arguments: list[tuple[str, int]] = [(name, -1) for name in bound.names]
            for name, positions in argument_positions(self._program, called, call).items():
                for position in positions:
                    if position < before:
                        arguments.append((name, -1))
                        continue
                    operand, place = given[position - before]
                    sources = self._sources.of(function, operand)
                    arguments.append((name, operand))
                    targets = [ParameterCarrier(reached, name)]
                    self._facts.move(function, sources, targets, place, gated=node.gated)
            if not node.gated:
                self._facts.called(reached, function, index, arguments)
