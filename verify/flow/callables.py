"""Which functions are behind a value that is called: callbacks in parameters, fields and lists, `partial`.

Where the type of what is called does not name the function, the value is followed back to whoever hands one over: to
the callers of the function, the constructions of the object, and what is put into a container.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program
from ..source.model import CallShape, Kind, Node
from .circles import Circles
from .inference import Inference
from .mappings import Mappings
from .rows import Place, Rows
from .types import ClassObject, FunctionObject, Instance, members


@dataclass(frozen=True, slots=True)
class Bound:
    """A function with the arguments that `partial` has bound already: how many by position, and which names."""

    function: FunctionObject
    positions: int = 0
    names: frozenset[str] = frozenset()


class Callables:
    """Answers which functions of the program a node may be, where its type does not say so."""

    def __init__(self, program: Program, inference: Inference, mappings: Mappings) -> None:
        self._program = program
        self._inference = inference
        self._mappings = mappings
        self._known: Rows[tuple[Bound, ...]] = Rows(program)
        self._circles: Circles[tuple[Bound, ...]] = Circles(
            (), (), unsettled=lambda _, found: found, answer=self._find, keep=self._keep, same=_same
        )

    def of(self, function: FunctionSymbol, index: int) -> tuple[Bound, ...]:
        """Return the functions that a node may be."""
        known = self._known[function][index]
        return self._circles.ask((function, index)) if known is None else known

    def forget(self) -> None:
        """Forget all answers; what is asked for again is found again."""
        self._known.clear()

    def _keep(self, place: Place, found: tuple[Bound, ...]) -> None:
        self._known[place[0]][place[1]] = found

    def _all(self, places: Iterable[Place]) -> tuple[Bound, ...]:
        return tuple(dict.fromkeys(bound for place in places for bound in self.of(*place)))

    def _find(self, place: Place) -> tuple[Bound, ...]:
        function, index = place
        node = self._program.function(function).graph.nodes[index]
        types = members(self._inference.type_of(function, index))
        found = tuple(Bound(one) for one in types if isinstance(one, FunctionObject))
        if found:
            return found
        if any(isinstance(one, Instance | ClassObject) for one in types):
            return ()
        match node.kind:
            case Kind.PHI | Kind.NARROW:
                return self._all((function, operand) for operand in node.operands)
            case Kind.PARAM:
                return self._all(self._mappings.given(function, str(node.data)))
            case Kind.FREE:
                outer = self._inference.enclosing_binding(function, str(node.data))
                return () if outer is None else self._all((outer[0], value) for value in outer[1])
            case Kind.GLOBAL:
                symbol = self._program.resolve(function.module, str(node.data))
                if not isinstance(symbol, ConstantSymbol):
                    return ()
                stores = self._inference.global_stores(symbol.module, symbol.name)
                return self._all((store.function, store.value) for store in stores)
            case Kind.ATTR:
                return self._field(function, node)
            case Kind.ELEMENT | Kind.ITEM:
                return self._inside(function, node.operands[0])
            case Kind.CALL:
                return self._call(function, node)
            case _:
                return ()

    def _field(self, function: FunctionSymbol, node: Node) -> tuple[Bound, ...]:
        places: list[Place] = []
        for one in members(self._inference.type_of(function, node.operands[0])):
            if isinstance(one, Instance):
                for cls in self._program.mro(one.cls):
                    if isinstance(cls, ClassSymbol):
                        stores = self._inference.field_stores(cls, str(node.data))
                        places += [(store.function, store.value) for store in stores]
                places += self._mappings.constructed_with(one.cls, str(node.data))
        return self._all(places)

    def _inside(self, function: FunctionSymbol, container: int) -> tuple[Bound, ...]:
        """Return the functions that are put into a container: listeners, subscribers, hooks."""
        nodes = self._program.function(function).graph.nodes
        places: list[Place] = []
        pending, seen = [container], set[int]()
        while pending:
            index = pending.pop()
            if index in seen:
                continue
            seen.add(index)
            node = nodes[index]
            match node.kind:
                case Kind.ATTR:
                    for one in members(self._inference.type_of(function, node.operands[0])):
                        if isinstance(one, Instance):
                            puts = self._inference.contents.of_field(one.cls, str(node.data))
                            places += [(put.function, put.value) for put in puts if not put.spread]
                case Kind.SEQUENCE | Kind.DICT:
                    places += [(function, operand) for operand in node.operands]
                case Kind.CALL if len(node.operands) > 1:  # list(self._listeners)
                    pending.append(node.operands[1])
                    continue
                case Kind.CALL if nodes[node.operands[0]].kind is Kind.ATTR:  # listeners.copy(), .values()
                    pending.append(nodes[node.operands[0]].operands[0])
                    continue
                case Kind.PHI | Kind.NARROW:
                    pending += reversed(node.operands)
                case _:
                    pass  # what is in it is not known
            puts = self._inference.contents.of_local(function, index)
            places += [(put.function, put.value) for put in puts if not put.spread]
        return self._all(places)

    def _call(self, function: FunctionSymbol, node: Node) -> tuple[Bound, ...]:
        """`partial(function, *bound)`."""
        made = members(self._inference.type_of(function, node.operands[0]))
        is_partial = any(getattr(one, "dotted", "") == "functools.partial" for one in made)
        shape = node.data
        assert isinstance(shape, CallShape)
        if not is_partial or not shape.positional or shape.starred:
            return ()
        names = frozenset(name for name in shape.keywords if name is not None)
        return tuple(
            Bound(one.function, one.positions + shape.positional - 1, one.names | names)
            for one in self.of(function, node.operands[1])
        )


def _same(first: tuple[Bound, ...], second: tuple[Bound, ...]) -> bool:
    return set(first) == set(second)
