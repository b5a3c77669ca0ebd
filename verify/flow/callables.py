"""Which functions are behind a value that is called: callbacks in parameters, fields and lists, `partial`.

Where the type of what is called does not name the function, the value is followed back to whoever hands one over: to
the callers of the function, the constructions of the object, and what is put into a container.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program
from ..source.model import CallShape, Kind, Node, ValueGraph
from .circles import Circles
from .inference import Inference
from .keys import Keys
from .mappings import Mappings
from .rows import Place, Rows
from .types import ClassObject, FunctionObject, Instance, Type, members


@dataclass(frozen=True, slots=True)
class Bound:
    """A function with the arguments that `partial` has bound already: how many by position, and which names."""

    function: FunctionObject
    positions: int = 0
    names: frozenset[str] = frozenset()


class Callables:
    """Answers which functions of the program a node may be, where its type does not say so."""

    def __init__(self, program: Program, inference: Inference, mappings: Mappings, keys: Keys) -> None:
        self._program = program
        self._inference = inference
        self._mappings = mappings
        self._keys = keys
        self._known: Rows[tuple[Bound, ...]] = Rows(program)
        self._circles: Circles[tuple[Bound, ...]] = Circles(
            (), (), unsettled=lambda _, found: found, answer=self._find, keep=self._keep, same=_same
        )

    def of(self, function: FunctionSymbol, index: int) -> tuple[Bound, ...]:
        """Return the functions that a node may be."""
        known = self._known[function][index]
        return self._circles.ask((function, index)) if known is None else known

    def named(self, receivers: Iterable[Type], name: str) -> tuple[Bound, ...]:
        """Return the functions that receivers have by a name."""
        found: dict[Bound, None] = {}
        for one in receivers:
            for member in members(self._inference.attribute(one, name)):
                if isinstance(member, FunctionObject):
                    found.setdefault(Bound(member))
            if isinstance(one, Instance):
                below = self._inference.methods_below(one.cls, name)
                found.update(dict.fromkeys((*map(Bound, below), *self._held(one, name))))
        return tuple(found)

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
                owners = members(self._inference.type_of(function, node.operands[0]))
                held = [self._held(one, str(node.data)) for one in owners if isinstance(one, Instance)]
                return tuple(dict.fromkeys(bound for one in held for bound in one))
            case Kind.ELEMENT | Kind.ITEM:
                return self._inside(function, node.operands[0])
            case Kind.CALL:
                return self._call(function, node)
            case _:
                return ()

    def _held(self, owner: Instance, field: str) -> tuple[Bound, ...]:
        """Return the functions that are stored in a field, or given to it by constructions."""
        return self._all(self._given(owner, field))

    def _given(self, owner: Instance, field: str) -> list[Place]:
        """Return the values that are stored in a field, or given to it by constructions."""
        places: list[Place] = []
        for cls in self._program.mro(owner.cls):
            if isinstance(cls, ClassSymbol):
                stores = self._inference.field_stores(cls, field)
                places += [(store.function, store.value) for store in stores]
        return [*places, *self._mappings.constructed_with(owner.cls, field)]

    def _inside(self, function: FunctionSymbol, container: int) -> tuple[Bound, ...]:
        """Return the functions that are put into a container: listeners, subscribers, hooks."""
        places: list[Place] = []
        pending, seen = [(function, container)], set[Place]()
        while pending:
            place = pending.pop()
            if place in seen:
                continue
            seen.add(place)
            body, index = place
            nodes = self._program.function(body).graph.nodes
            node = nodes[index]
            match node.kind:
                case Kind.ATTR:
                    for one in members(self._inference.type_of(body, node.operands[0])):
                        if isinstance(one, Instance):
                            puts = self._inference.contents.of_field(one.cls, str(node.data))
                            places += [(put.function, put.value) for put in puts if not put.spread]
                            pending += reversed(self._given(one, str(node.data)))
                case Kind.PARAM:
                    pending += reversed([*self._mappings.given(body, str(node.data))])
                case Kind.SEQUENCE | Kind.DICT:
                    places += [(body, operand) for operand in node.operands]
                case Kind.CALL if len(node.operands) > 1:  # list(self._listeners)
                    pending.append((body, node.operands[1]))
                    continue
                case Kind.CALL if nodes[node.operands[0]].kind is Kind.ATTR:  # listeners.copy(), .values()
                    pending.append((body, nodes[node.operands[0]].operands[0]))
                    continue
                case Kind.PHI | Kind.NARROW:
                    pending += [(body, operand) for operand in reversed(node.operands)]
                case _:
                    pass  # what is in it is not known
            puts = self._inference.contents.of_local(body, index)
            places += [(put.function, put.value) for put in puts if not put.spread]
        return self._all(places)

    def _call(self, function: FunctionSymbol, node: Node) -> tuple[Bound, ...]:
        """`partial(function, *bound)`, `getattr(receiver, name)`."""
        if is_lookup(self._program.function(function).graph, node):
            return self._looked_up(function, node)
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

    def _looked_up(self, function: FunctionSymbol, lookup: Node) -> tuple[Bound, ...]:
        receiver, name, *defaults = lookup.operands[1:]
        types = members(self._inference.type_of(function, receiver))
        names = dict.fromkeys(name for _, name in self._keys.rounds(function, name)[0])
        found = [bound for one in names for bound in self.named(types, one)]
        return tuple(dict.fromkeys((*found, *self._all((function, default) for default in defaults))))


def is_lookup(graph: ValueGraph, node: Node) -> bool:
    """Whether a node is `getattr(receiver, name)` with a name that is no literal."""
    if node.kind is not Kind.CALL or len(node.operands) < 3:
        return False
    callee = graph.nodes[node.operands[0]]
    is_getattr = callee.kind is Kind.GLOBAL and callee.data == "getattr"
    return is_getattr and graph.nodes[node.operands[2]].kind is not Kind.CONST


def _same(first: tuple[Bound, ...], second: tuple[Bound, ...]) -> bool:
    return set(first) == set(second)
