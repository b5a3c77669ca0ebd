"""Which mapping is it that `metrics["key"]` reads? A key written into one mapping proves nothing for another.

A mapping is known by the place that makes it: a dict display, `dict(...)`, the construction of a TypedDict. From a
read, the mapping is followed back through locals, parameters (to every caller), results and fields; where that
leads outside the program it is unknown, and only the key's name is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program
from ..source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from .arguments import arguments, key_operand
from .carriers import MappingOrigin
from .circles import Circles
from .elements import COPIES_OF_LISTS, LISTS, QUEUES, container_of, is_list, is_slice, is_values
from .inference import Inference
from .rows import Place, Rows
from .types import UNKNOWN, ClassObject, ExternalObject, FunctionObject, Instance, members
from .wholes import Wholes

Origins = frozenset[MappingOrigin | None]
"""The mappings that a value may be; None stands for one that cannot be told."""

Ordered = tuple[MappingOrigin | None, ...]
"""The same in a stable order."""

_UNKNOWN: Origins = frozenset({None})
_MANY = 64  # mappings; a value that may be more than these may be any
_SAME = {"copy", "deepcopy", "MappingProxyType", "cast", "dumps", "loads", "packb", "unpackb"}
_MAKERS = {"builtins.dict", "collections.defaultdict", "collections.OrderedDict", "collections.Counter"}
_LIBRARIES = {"builtins", "collections"}  # what they make is empty
ANY = "*"  # stands for the keys that are not known
DEEPEST = 4  # mappings inside mappings are told apart down to here


class FixedStrings(Protocol):
    """Says which strings a node is in every run."""

    def fixed_strings(self, function: FunctionSymbol, index: int) -> tuple[str, ...]:
        """Return the strings that a node can be, whatever mappings hold; none where they are not known."""
        ...


Call = tuple[FunctionObject, FunctionSymbol, Node]
"""A call: what is called, the function that calls it, the node."""


class Mappings:
    """Answers which mappings a node may be."""

    def __init__(self, program: Program, inference: Inference, wholes: Wholes) -> None:
        self._program = program
        self._wholes = wholes
        self._inference = inference
        self._known: Rows[Origins] = Rows(program)
        self._shared: dict[Origins, Origins] = {_UNKNOWN: _UNKNOWN}
        self._ordered: dict[Origins, Ordered] = {}
        self._circles: Circles[Origins] = Circles(
            frozenset(),
            _UNKNOWN,
            unsettled=lambda _, found: found | _UNKNOWN,
            answer=self._answer,
            keep=self._keep,
        )
        self._callers: dict[tuple[FunctionSymbol, str], list[tuple[FunctionSymbol, int]]] | None = None
        self.literals: FixedStrings  # given by whoever knows keys
        self._handed_over: set[FunctionSymbol] = set()
        # What is given as `*values` or, true, as `**values`:
        self._spread: dict[tuple[FunctionSymbol, str], dict[tuple[FunctionSymbol, int], bool]] = {}
        self._calls: dict[FunctionSymbol, list[Call]] = {}
        self._called_on_unknown: set[str] = set()  # methods
        self._constructed: dict[tuple[ClassSymbol, str], list[tuple[FunctionSymbol, int]]] = {}

    # -- questions ------------------------------------------------------------------------------------------

    def of(self, function: FunctionSymbol, index: int) -> Origins:
        """Return the mappings that a node may be."""
        known = self._known[function][index]
        return self._circles.ask((function, index)) if known is None else known

    def _answer(self, place: Place) -> Origins:
        function, index = place
        return self._infer(function, self._program.function(function).graph, index)

    def _keep(self, place: Place, found: Origins) -> None:
        self._known[place[0]][place[1]] = self._shared.setdefault(found, found)

    def in_order(self, origins: Origins) -> Ordered:
        """Return mappings in a stable order, the unknown one last; where there is none, it is unknown."""
        if len(origins) == 1:
            return (*origins,)
        known = self._ordered.get(origins)
        if known is None:
            told = [one for one in origins if one is not None]
            told.sort(key=lambda one: (str(one.function), one.node, one.path))
            unknown = (None,) if None in origins or not told else ()
            known = self._ordered[origins] = (*told, *unknown)
        return known

    def given(self, function: FunctionSymbol, parameter: str) -> list[tuple[FunctionSymbol, int]]:
        """Return what callers give to a parameter: the calling function and the node."""
        return self._all_callers().get((function, parameter), [])

    def constructed_with(self, cls: ClassSymbol, field: str) -> list[tuple[FunctionSymbol, int]]:
        """Return what the constructions of a class without `__init__` give to a field."""
        self._all_callers()
        return self._constructed.get((cls, field), [])

    def calls_of(self, function: FunctionSymbol) -> list[Call]:
        """Return every call of a function that is seen."""
        self._all_callers()
        return self._calls.get(function, [])

    def may_be_called_unseen(self, function: FunctionSymbol) -> bool:
        """Whether a function is handed over as a value, or called like a method of a receiver of unknown type."""
        self._all_callers()
        return function in self._handed_over or function.name in self._called_on_unknown

    # -- inference ------------------------------------------------------------------------------------------

    def _all(self, places: Iterable[tuple[FunctionSymbol, int]]) -> Origins:
        found: Origins = frozenset()
        for function, index in places:
            found |= self.of(function, index)
            if len(found) > _MANY:
                return _UNKNOWN
        return found

    def _infer(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> Origins:
        node = graph.nodes[index]
        match node.kind:
            case Kind.DICT:
                return frozenset({MappingOrigin(function, index)})
            case Kind.PHI | Kind.NARROW | Kind.ENTER:
                return self._all((function, operand) for operand in node.operands)
            case Kind.OP if node.data in {"BitOr", "Add"}:
                return self._all((function, operand) for operand in node.operands)
            case Kind.SEQUENCE if node.data in LISTS:
                return frozenset({MappingOrigin(function, index)})
            case Kind.PARAM:
                return self._parameter(function, str(node.data))
            case Kind.FREE:
                outer = self._inference.enclosing_binding(function, str(node.data))
                return _UNKNOWN if outer is None else self._all((outer[0], value) for value in outer[1])
            case Kind.GLOBAL:
                symbol = self._program.resolve(function.module, str(node.data))
                if not isinstance(symbol, ConstantSymbol):
                    return _UNKNOWN
                stores = self._inference.global_stores(symbol.module, symbol.name)
                return self._all((store.function, store.value) for store in stores) or _UNKNOWN
            case Kind.ATTR:
                if node.data == "__dict__" and self._wholes.classes(function, index):
                    return frozenset({MappingOrigin(function, index)})
                return self._field(function, node)
            case Kind.ITEM if is_slice(graph, node):
                return self.of(function, node.operands[0])
            case Kind.ITEM:
                return self._under(function, node.operands[0], node.data, node.operands[1])
            case Kind.ELEMENT | Kind.UNPACK:
                return self._iterated(function, graph, node)
            case Kind.CALL:
                return self._call(function, graph, index, node)
            case _:
                return _UNKNOWN

    def _under(self, function: FunctionSymbol, base: int, key: object, index: int) -> Origins:
        """Return the mappings that are held under a key; where the key is not known, under any."""
        outer = self.of(function, base)
        if outer == _UNKNOWN:
            return outer
        keys = (key,) if isinstance(key, str) else self.literals.fixed_strings(function, index)
        found: Origins = frozenset()
        for name in keys or (ANY,):
            found |= self._inner(outer, name)
        return found

    def _iterated(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Origins:
        """`for name, inner in outer.items()`, `for inner in outer.values()`."""
        container = container_of(graph, node)
        if container is not None and not is_values(graph, container):
            return self._inside(function, container)
        is_pair = node.kind is Kind.UNPACK
        element = graph.nodes[node.operands[0]] if is_pair else node
        if element.kind is not Kind.ELEMENT or (is_pair and node.data != 1):
            return _UNKNOWN
        call = graph.nodes[element.operands[0]]
        callee = graph.nodes[call.operands[0]] if call.kind is Kind.CALL and len(call.operands) == 1 else call
        if callee.kind is not Kind.ATTR or callee.data != ("items" if is_pair else "values"):
            return _UNKNOWN
        return self._inner(self.of(function, callee.operands[0]), ANY)

    def _inside(self, function: FunctionSymbol, container: int) -> Origins:
        """Return the mappings that a list, a queue or a generator holds."""
        graph = self._program.function(function).graph
        node = graph.nodes[container]
        for one in (
            members(self._inference.type_of(function, node.operands[0])) if node.kind is Kind.CALL else ()
        ):
            if isinstance(one, FunctionObject) and self._program.function(one.function).is_generator:
                effects = self._program.function(one.function).graph.effects
                yielded = [(one.function, each.value) for each in effects if each.kind is EffectKind.YIELD]
                return self._all(yielded) or _UNKNOWN
        found: Origins = frozenset()
        for origin in self.of(function, container):
            is_list = origin is not None and (bool(origin.path) or self.is_list(origin))
            found |= self._inner(frozenset({origin}), ANY) if is_list else _UNKNOWN
        return found

    def is_list(self, origin: MappingOrigin) -> bool:
        """Whether what is made at a place is no mapping, but may hold some."""
        return is_list(self._program, self._inference, origin)

    def _inner(self, outer: Origins, key: str) -> Origins:
        """Return the mappings that these hold under a key.

        In a circle one that is held under the same key again, and so on, is taken for the one that holds it.
        """
        found: set[MappingOrigin | None] = set()
        for one in outer:
            if one is not None and self._circles.goes_round and key in one.path:
                found.add(one)
            else:
                found.add(None if one is None or len(one.path) >= DEEPEST else one.inner(key))
        return frozenset(found)

    def makes(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a call makes a mapping of what it is given: `dict(...)`, a TypedDict's constructor."""
        if self._wholes.classes(function, index):
            return False
        return any(
            one is not None and one.node == index and one.function is function and not one.path
            for one in self.of(function, index)
        )

    def takes_factory(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a mapping's constructor is given something else than what the mapping holds."""
        graph = self._program.function(function).graph
        callee = graph.nodes[graph.nodes[index].operands[0]]
        return callee.kind in {Kind.GLOBAL, Kind.ATTR} and callee.data == "defaultdict"

    def made_by(self, function: FunctionSymbol, factory: int) -> Iterator[tuple[FunctionSymbol, int] | None]:
        """Yield what the factory of a `defaultdict` returns; None for what cannot be told."""
        for one in members(self._inference.type_of(function, factory)) or (None,):
            if isinstance(one, FunctionObject):
                effects = self._program.function(one.function).graph.effects
                yield from ((one.function, each.value) for each in effects if each.kind is EffectKind.RETURN)
            elif not (isinstance(one, ExternalObject) and one.dotted.partition(".")[0] in _LIBRARIES):
                yield None

    def _parameter(self, function: FunctionSymbol, name: str) -> Origins:
        callers = self._all_callers().get((function, name), [])
        spread = self._spread.get((function, name), {})
        found = self._all(one for one in callers if one not in spread)
        if not callers or function in self._handed_over:
            found |= _UNKNOWN  # somebody else may call it
        for (caller, value), is_mapping in spread.items():
            found |= self._inner(self.of(caller, value), name) if is_mapping else _UNKNOWN
        return found

    def _field(self, function: FunctionSymbol, node: Node) -> Origins:
        found: Origins = frozenset()
        for one in members(self._inference.type_of(function, node.operands[0])):
            if not isinstance(one, Instance) or self._program.field(one.cls, str(node.data)) is not None:
                return _UNKNOWN  # a declared field may be filled by the constructor of anybody
            for cls in self._program.mro(one.cls):
                if isinstance(cls, ClassSymbol):
                    stores = self._inference.field_stores(cls, str(node.data))
                    found |= self._all((store.function, store.value) for store in stores)
        return found or _UNKNOWN

    def _call(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> Origins:
        if self._wholes.classes(function, index):
            return frozenset({MappingOrigin(function, index)})
        if (key := key_operand(graph, node)) is not None:
            return self._under(
                function, graph.nodes[node.operands[0]].operands[0], graph.nodes[key].data, key
            )
        container = container_of(graph, node)
        if container is not None:
            return self._inside(function, container)
        found: Origins = frozenset()
        callees = members(self._inference.type_of(function, node.operands[0]))
        for one in callees or (None,):
            match one:
                case FunctionObject(function=called, receiver=receiver):
                    for reached in self._inference.dispatch(called, receiver):
                        found |= self._returned(reached)
                case ClassObject(cls=cls) if self._inference.is_typed_dict(cls):
                    found |= {MappingOrigin(function, index)}
                case ExternalObject(dotted=dotted) if dotted in _MAKERS:
                    found |= {MappingOrigin(function, index)}
                case ExternalObject(dotted=dotted) if dotted in COPIES_OF_LISTS and len(node.operands) > 1:
                    found |= self.of(function, node.operands[1])
                case ExternalObject(dotted=dotted) if dotted in QUEUES or dotted in COPIES_OF_LISTS:
                    found |= {MappingOrigin(function, index)}
                case ExternalObject(dotted=dotted) if dotted.rpartition(".")[2] in _SAME:
                    found |= self._same(function, graph, index, node)
                case _:
                    found |= _UNKNOWN
        return found

    def _same(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> Origins:
        """A copy is taken for what it is a copy of."""
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        if shape.positional:
            return self.of(function, node.operands[shape.positional])
        return self.of(function, callee.operands[0]) if callee.kind is Kind.ATTR else _UNKNOWN

    def _returned(self, function: FunctionSymbol) -> Origins:
        effects = self._program.function(function).graph.effects
        returned = [(function, effect.value) for effect in effects if effect.kind is EffectKind.RETURN]
        return self._all(returned) or _UNKNOWN

    # -- the whole program, once ------------------------------------------------------------------------------

    def _all_callers(self) -> dict[tuple[FunctionSymbol, str], list[tuple[FunctionSymbol, int]]]:
        """Return which nodes are given to which parameter anywhere; note the functions that are handed over."""
        if self._callers is not None:
            return self._callers
        callers: dict[tuple[FunctionSymbol, str], list[tuple[FunctionSymbol, int]]] = {}
        self._callers = callers
        for function in self._program.functions():
            graph = self._program.function(function).graph
            called: set[int] = set()
            for node in graph.nodes:
                if node.kind is not Kind.CALL:
                    continue
                called.add(node.operands[0])
                types = members(self._inference.type_of(function, node.operands[0]))
                self._construction(function, node)
                if UNKNOWN in types and graph.nodes[node.operands[0]].kind is Kind.ATTR:
                    self._called_on_unknown.add(str(graph.nodes[node.operands[0]].data))
                for callee in self._inference.own_class.callees(function, node.operands[0]):
                    self._calls.setdefault(callee.function, []).append((callee, function, node))
                    spread = _spread(node)
                    for name, values in arguments(self._program, callee, node).items():
                        given = callers.setdefault((callee.function, name), [])
                        given.extend((function, value) for value in values)
                        for value in values if spread else ():
                            if value in spread:
                                places = self._spread.setdefault((callee.function, name), {})
                                places[function, value] = spread[value]
            for index, node in enumerate(graph.nodes):
                if index not in called and node.kind in {Kind.ATTR, Kind.GLOBAL}:
                    for one in members(self._inference.type_of(function, index)):
                        if isinstance(one, FunctionObject):
                            self._handed_over.add(one.function)
        return callers

    def _construction(self, function: FunctionSymbol, node: Node) -> None:
        shape = node.data
        assert isinstance(shape, CallShape)
        for cls in self._inference.own_class.made_at(function, node.operands[0]):
            if self._inference.constructor(cls) is None:
                operands = node.operands[1:]
                fields = self._inference.positional_fields(cls)
                given = [
                    *zip(fields, operands[: shape.positional], strict=False),
                    *zip(shape.keywords, operands[shape.positional :], strict=True),
                ]
                for name, operand in given:
                    if name is not None:
                        self._constructed.setdefault((cls, name), []).append((function, operand))


def _spread(call: Node) -> dict[int, bool]:
    """Return the arguments of a call that stand for several, and whether each is a mapping."""
    shape = call.data
    assert isinstance(shape, CallShape)
    found = {call.operands[1 + position]: False for position in shape.starred}
    for keyword, operand in zip(shape.keywords, call.operands[1 + shape.positional :], strict=True):
        if keyword is None:
            found[operand] = True
    return found
