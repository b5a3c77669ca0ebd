"""Where an object gets to: every place of the program that it itself may be, not what is computed from it.

The object is followed forward from where it is made: through locals, fields, module-level names, containers, arguments
and results. What is done with it on the way is a `Use`. Where it cannot be followed any further, that is a use as
well, so that nobody takes silence for an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program
from ..source.model import CallShape, Effect, EffectKind, Kind, Node, Span, ValueGraph
from ..source.program import ExternalSymbol
from .arguments import argument_positions
from .carriers import FieldCarrier, ModuleCarrier, UnresolvedCarrier
from .classes import is_property
from .name_index import NameIndex
from .roots import local_roots
from .trail import Key, Path, Spot, Trail, Use, UseKind
from .types import (
    UNKNOWN,
    ClassObject,
    ExternalObject,
    FunctionObject,
    Instance,
    ModuleObject,
    members,
)

if TYPE_CHECKING:
    from .facts import Facts

_MOST_SPOTS = 4000
_SAME_CONTAINER = {
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
    "deque",
    "sorted",
    "reversed",
    "iter",
    "copy",
    "deepcopy",
    "filter",
    "MappingProxyType",
    "OrderedDict",
}
_ONE_OF = {"next", "min", "max", "choice"}
_HARMLESS = {
    "isinstance",
    "issubclass",
    "hasattr",
    "callable",
    "type",
    "id",
    "len",
    "bool",
    "repr",
    "str",
    "print",
    "debug",
    "info",
    "warning",
    "exception",
    "register",
    "unregister",
    "TypeVar",
}
_PUTS_ONE = {"append", "appendleft", "add", "insert", "put", "put_nowait", "push"}
_PUTS_ALL = {"extend", "update", "extendleft"}
_TAKES_ONE = {"get", "pop", "popleft", "get_nowait", "setdefault", "__getitem__"}
_ONLY_LOOKS = {"keys", "clear", "__contains__", "__len__", "index", "count", "remove", "discard"}


_Users = tuple[dict[int, tuple[int, ...]], dict[int, tuple[Effect, ...]]]

MOST_KEPT = 10_000
"""Functions of which a table is kept: those of some 200,000 lines. Whoever looks through more finds them anew."""


def _users_in(graph: ValueGraph, shared: dict[tuple[int, ...], tuple[int, ...]]) -> _Users:
    """Return the users in a graph; equal tuples, which are most of them, are one object among those shared."""
    nodes: dict[int, list[int]] = {}
    effects: dict[int, list[Effect]] = {}
    for index, node in enumerate(graph.nodes):
        for operand in dict.fromkeys(node.operands):
            nodes.setdefault(operand, []).append(index)
    for effect in graph.effects:
        effects.setdefault(effect.value, []).append(effect)
    users = {
        one: shared.setdefault(these, these)
        for one, these in zip(nodes, map(tuple, nodes.values()), strict=True)
    }
    return users, {one: tuple(given) for one, given in effects.items()}


class Whereabouts:
    """Follows objects through one program."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._index = NameIndex(facts)
        self._users: dict[FunctionSymbol, _Users] = {}
        self._shared: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._inner: dict[FunctionSymbol, list[FunctionSymbol]] | None = None

    def follow(
        self,
        start: Iterable[Spot],
        *,
        fields: Iterable[FieldCarrier] = (),
        same: frozenset[str] = frozenset(),
        stands_for_it: Callable[[ClassSymbol], bool] = lambda cls: False,
        within: FunctionSymbol | None = None,
    ) -> Trail:
        """Follow an object.

        Args:
            start: Where it is made.
            fields: Fields that a class body gives it to.
            same: Methods that give the object itself, or a part that counts as it (`labels`).
            stands_for_it: Whether an object of a class that is made from it counts as it: a wrapper.
            within: A function whose callers are not followed.
        """
        return _Following(self._facts, self._index, self, same, stands_for_it, within).run(start, fields)

    @property
    def index(self) -> NameIndex:
        """Where names are read."""
        return self._index

    def users(self, function: FunctionSymbol) -> _Users:
        """Return for each node of a body the nodes that have it as operand, and the effects that have it as value."""
        found = self._users.get(function)
        if found is None:
            if len(self._users) >= MOST_KEPT:
                self._users.clear()
            found = self._users[function] = _users_in(
                self._facts.program.function(function).graph, self._shared
            )
        return found

    def nested(self, function: FunctionSymbol) -> list[FunctionSymbol]:
        """Return the functions that stand in a function, directly."""
        if self._inner is None:
            self._inner = {}
            for one in self._facts.program.functions():
                enclosing = self._facts.program.function(one).enclosing
                if enclosing is not None:
                    self._inner.setdefault(FunctionSymbol(one.module, enclosing), []).append(one)
        return self._inner.get(function, [])


class _Following:
    def __init__(
        self,
        facts: Facts,
        index: NameIndex,
        whereabouts: Whereabouts,
        same: frozenset[str],
        stands_for_it: Callable[[ClassSymbol], bool],
        within: FunctionSymbol | None,
    ) -> None:
        self._within = within
        self._program: Program = facts.program
        self._inference = facts.inference
        self._facts = facts
        self._index = index
        self._whereabouts = whereabouts
        self._same = same
        self._stands_for_it = stands_for_it
        self._trail = Trail()
        self._pending: list[Spot] = []
        self._doubtful: list[Spot] = []  # visited last: they may be many
        self._held: set[tuple[object, ...]] = set()
        self._filled: set[tuple[FunctionSymbol, int, Path, bool]] = set()

    def run(self, start: Iterable[Spot], fields: Iterable[FieldCarrier]) -> Trail:
        for spot in start:
            self._reach(spot)
        for carrier in fields:
            self._field(carrier.owner, carrier.name, (), certain=True)
        while self._pending or self._doubtful:
            spot = (self._pending or self._doubtful).pop()
            if (
                len(self._trail.spots) > _MOST_SPOTS
            ):  # whatever this spot is, certain ones are not seen any more
                self._use(UseKind.LEAVES, replace(spot, certain=True), spot.node, "too many places")
                break
            self._visit(spot)
        return self._trail

    def _reach(self, spot: Spot) -> None:
        if spot not in self._trail.spots and len(spot.path) <= 4:
            self._trail.spots[spot] = None
            (self._pending if spot.certain else self._doubtful).append(spot)

    def _use(
        self, kind: UseKind, spot: Spot, node: int, name: str | None = None, span: Span | None = None
    ) -> None:
        self._trail.uses.append(Use(kind, spot, node, name, span))

    def _graph(self, function: FunctionSymbol) -> ValueGraph:
        return self._program.function(function).graph

    def _visit(self, spot: Spot) -> None:
        nodes, effects = self._whereabouts.users(spot.function)
        graph = self._graph(spot.function)
        for user in nodes.get(spot.node, ()):
            self._user(spot, graph, user, graph.nodes[user])
        for effect in effects.get(spot.node, ()):
            self._effect(spot, effect)
        self._closures(spot, graph)

    def _to(self, spot: Spot, node: int, path: Path) -> None:
        self._reach(Spot(spot.function, node, path, spot.certain))

    def _closures(self, spot: Spot, graph: ValueGraph) -> None:
        """Names of this function that nested functions read."""
        inner = self._whereabouts.nested(spot.function)
        if not inner:
            return
        names = {name for name, given in graph.bindings.items() if spot.node in given}
        pending = list(inner) if names else []
        while pending:
            one = pending.pop()
            pending += self._whereabouts.nested(one)
            for index, node in enumerate(self._graph(one).nodes):
                if node.kind is Kind.FREE and node.data in names:
                    found = self._inference.enclosing_binding(one, str(node.data))
                    if found is not None and found[0] == spot.function:
                        self._reach(Spot(one, index, spot.path, spot.certain))

    # -- one step on, inside a function ---------------------------------------------------------------------------

    def _user(self, spot: Spot, graph: ValueGraph, user: int, node: Node) -> None:
        match node.kind:
            case Kind.PHI | Kind.NARROW:
                if spot.node in node.operands:
                    self._to(spot, user, spot.path)
            case Kind.ENTER:
                self._use(UseKind.OPERATION, spot, user)
            case Kind.ATTR:
                self._attribute(spot, graph, user, str(node.data))
            case Kind.ITEM:
                self._item(spot, graph, user, node)
            case Kind.ELEMENT:
                self._inside(spot, user, None)
            case Kind.UNPACK:
                assert isinstance(node.data, int)
                self._inside(spot, user, node.data)
            case Kind.SEQUENCE:
                made_of = graph.nodes[spot.node].kind
                for position, operand in enumerate(node.operands):
                    if operand == spot.node:
                        if made_of is Kind.ELEMENT and node.data in {"list", "tuple", "set"}:
                            self._to(spot, user, (None, *spot.path))  # `[*others]` or `[x for x in others]`
                        else:
                            known = node.data in {"list", "tuple"}
                            self._to(spot, user, (position if known else None, *spot.path))
            case Kind.DICT:
                assert isinstance(node.data, tuple)
                for key, operand in zip(node.data, node.operands, strict=True):
                    if operand == spot.node:
                        self._to(spot, user, (key, *spot.path))
                        if key is None and spot.path:
                            self._to(spot, user, spot.path)  # `{**other}`
            case Kind.CALL:
                self._call(spot, graph, user, node)
            case Kind.OP if spot.path and node.data in {"Add", "BitOr"}:
                self._to(spot, user, (None, *spot.path[1:]) if node.data == "Add" else spot.path)
            case _:
                self._use(UseKind.OPERATION, spot, user)

    def _attribute(self, spot: Spot, graph: ValueGraph, user: int, name: str) -> None:
        calls = [
            index
            for index in self._whereabouts.users(spot.function)[0].get(user, ())
            if graph.nodes[index].kind is Kind.CALL and graph.nodes[index].operands[0] == user
        ]
        if not spot.path:
            if name in self._same and calls:
                for call in calls:
                    self._to(spot, call, ())
            else:
                self._use(UseKind.ATTRIBUTE, spot, user, name)
            return
        for call in calls:
            self._container_method(spot, graph, name, call)
        if not calls:
            self._use(UseKind.LEAVES, spot, user, name)

    def _container_method(self, spot: Spot, graph: ValueGraph, name: str, call: int) -> None:
        inner = spot.path[1:]
        if name in _TAKES_ONE:
            operands = graph.nodes[call].operands
            key = graph.nodes[operands[1]].data if len(operands) > 1 else None
            if not isinstance(key, str | int) or _fits(spot.path[0], key):
                self._to(spot, call, inner)
        elif name in {"values", "copy"}:
            self._to(spot, call, (None, *inner) if name == "values" else spot.path)
        elif name in {"items", "popitem"}:
            self._to(spot, call, (None, 1, *inner) if name == "items" else (1, *inner))
        elif name not in _ONLY_LOOKS | _PUTS_ONE | _PUTS_ALL:
            self._use(UseKind.LEAVES, spot, call, name)

    def _item(self, spot: Spot, graph: ValueGraph, user: int, node: Node) -> None:
        if node.operands[0] != spot.node:
            return  # it is the index
        index = graph.nodes[node.operands[1]]
        key: Key = None
        if isinstance(node.data, str):
            key = node.data
        elif index.kind is Kind.CONST and type(index.data) is int and index.data >= 0:
            key = index.data
        self._inside(spot, user, key)

    def _inside(self, spot: Spot, user: int, key: Key) -> None:
        if spot.path:
            if _fits(spot.path[0], key):
                self._to(spot, user, spot.path[1:])
        else:
            self._use(UseKind.OPERATION, spot, user)

    def _effect(self, spot: Spot, effect: Effect) -> None:
        function = spot.function
        match effect.kind:
            case EffectKind.STORE_ATTR:
                self._into_field(spot, effect.base, str(effect.name), spot.path)
            case EffectKind.STORE_ITEM:
                self._into(function, effect.base, (effect.name, *spot.path), certain=spot.certain)
            case EffectKind.STORE_GLOBAL:
                self._into_global(function.module, str(effect.name), spot.path, certain=spot.certain)
            case EffectKind.RETURN:
                self._returned(spot, spot.path, effect.span)
            case EffectKind.YIELD:
                self._returned(spot, (None, *spot.path), effect.span)
            case EffectKind.DROP:
                pass  # nobody looks at it
            case EffectKind.EVALUATE:
                if effect.guards == () and self._graph(function).nodes[spot.node].kind is not Kind.CALL:
                    self._use(UseKind.OPERATION, spot, -1)

    # -- calls ------------------------------------------------------------------------------------------------------

    def _call(self, spot: Spot, graph: ValueGraph, index: int, node: Node) -> None:
        if node.operands[0] == spot.node and not spot.path:
            self._use(UseKind.CALLED, spot, index)
        if spot.node not in node.operands[1:]:
            return
        callee = graph.nodes[node.operands[0]]
        types = members(self._inference.type_of(spot.function, node.operands[0])) or (UNKNOWN,)
        for one in types:
            match one:
                case FunctionObject():
                    for called in self._inference.dispatch(one.function, one.receiver):
                        self._argument(spot, FunctionObject(called, one.receiver), node)
                case ClassObject():
                    for made in self._inference.own_class.made_by(spot.function, one):
                        self._constructed(spot, made, index, node)
                case Instance(cls=cls) if (method := self._program.method(cls, "__call__")) is not None:
                    self._argument(spot, FunctionObject(method, one), node)
                case ExternalObject(dotted=dotted):
                    self._outside(spot, graph, index, node, callee, dotted.rpartition(".")[2])
                case _:
                    self._outside(spot, graph, index, node, callee, str(callee.data))

    def _argument(self, spot: Spot, called: FunctionObject, node: Node) -> None:
        shape = node.data
        assert isinstance(shape, CallShape)
        summary = self._program.function(called.function)
        kinds = {parameter.name: parameter.kind for parameter in summary.parameters}
        bound = argument_positions(self._program, called, node)
        for name, positions in bound.items():
            for position in positions:
                if node.operands[1 + position] != spot.node:
                    continue
                keyword = None if position < shape.positional else shape.keywords[position - shape.positional]
                path: Path | None = spot.path
                if kinds[name] == "args":
                    path = (None, *spot.path)
                elif position >= shape.positional and keyword is None:  # `**mapping`
                    path = spot.path[1:] if spot.path and _fits(spot.path[0], name) else None
                    if kinds[name] == "kwargs":
                        path = spot.path or None
                elif kinds[name] == "kwargs":
                    path = (keyword, *spot.path)
                elif position in shape.starred:  # the ELEMENT of `*values`
                    path = spot.path
                if path is not None:
                    self._parameter(called.function, name, path, certain=spot.certain)

    def _parameter(self, function: FunctionSymbol, name: str, path: Path, *, certain: bool) -> None:
        for index, node in enumerate(self._graph(function).nodes):
            if node.kind is Kind.PARAM and node.data == name:
                self._reach(Spot(function, index, path, certain))

    def _constructed(self, spot: Spot, cls: ClassSymbol, index: int, node: Node) -> None:
        if not spot.path and self._stands_for_it(cls):
            self._to(spot, index, ())
            return
        constructor = self._inference.constructor(cls)
        if constructor is not None:
            self._argument(spot, FunctionObject(constructor, Instance(cls)), node)
            return
        shape = node.data
        assert isinstance(shape, CallShape)
        by_position = self._inference.positional_fields(cls)
        for position, operand in enumerate(node.operands[1:]):
            if operand != spot.node:
                continue
            name: str | None = None
            if position < shape.positional:
                name = by_position[position] if position < len(by_position) else None
            else:
                name = shape.keywords[position - shape.positional]
            if name is None or self._is_mapping(cls):
                self._to(spot, index, (name, *spot.path))
                continue
            owner = self._inference.owner_of_field(cls, name)
            if owner is None:
                self._use(UseKind.LEAVES, spot, index, cls.name)
            else:
                self._field(owner, name, spot.path, certain=spot.certain)

    def _is_mapping(self, cls: ClassSymbol) -> bool:
        return any(
            isinstance(one, ExternalSymbol) and one.dotted.endswith("TypedDict")
            for one in self._program.mro(cls)
        )

    def _outside(
        self, spot: Spot, graph: ValueGraph, index: int, node: Node, callee: Node, name: str
    ) -> None:
        shape = node.data
        assert isinstance(shape, CallShape)
        positions = [p for p, operand in enumerate(node.operands[1:]) if operand == spot.node]
        is_method = callee.kind is Kind.ATTR
        if name in _SAME_CONTAINER and spot.path:
            self._to(spot, index, spot.path)
        elif name == "dict" and positions and positions[0] >= shape.positional:
            self._to(spot, index, (shape.keywords[positions[0] - shape.positional], *spot.path))
        elif name in {"dict", "MappingProxyType", "OrderedDict"} or (name == "cast" and 1 in positions):
            self._to(spot, index, spot.path)
        elif name == "enumerate" and spot.path:
            self._to(spot, index, (None, 1, *spot.path[1:]))
        elif name == "zip" and spot.path:
            for position in positions:
                self._to(spot, index, (None, position, *spot.path[1:]))
        elif name in _ONE_OF and spot.path:
            self._to(spot, index, spot.path[1:])
        elif is_method and name in _PUTS_ONE:
            self._into(spot.function, callee.operands[0], (None, *spot.path), certain=spot.certain)
        elif is_method and name in _PUTS_ALL:
            self._fill(spot, callee.operands[0], shape, positions)
        elif is_method and name == "setdefault" and 1 in positions:
            key = graph.nodes[node.operands[1]]
            literal = key.data if key.kind is Kind.CONST and isinstance(key.data, str) else None
            self._into(spot.function, callee.operands[0], (literal, *spot.path), certain=spot.certain)
            self._to(spot, index, spot.path)
        elif name == "setattr" and 2 in positions:
            self._set_attribute(spot, graph, node)
        elif name in {"getattr", "vars"} and not is_method and not spot.path:
            self._get_attribute(spot, graph, index, node)
        elif name not in _HARMLESS:
            self._use(UseKind.LEAVES, spot, index, name)

    def _fill(self, spot: Spot, container: int, shape: CallShape, positions: list[int]) -> None:
        for position in positions:
            path: Path = spot.path
            if position >= shape.positional:
                path = (shape.keywords[position - shape.positional], *spot.path)
            if path:
                self._into(spot.function, container, path, certain=spot.certain)

    def _set_attribute(self, spot: Spot, graph: ValueGraph, node: Node) -> None:
        name = graph.nodes[node.operands[2]]
        if name.kind is Kind.CONST and isinstance(name.data, str):
            self._into_field(spot, node.operands[1], name.data, spot.path)
        else:
            self._use(UseKind.LEAVES, spot, node.operands[0], "setattr")

    def _get_attribute(self, spot: Spot, graph: ValueGraph, index: int, node: Node) -> None:
        name = graph.nodes[node.operands[2]] if len(node.operands) > 2 else None
        if name is None or name.kind is not Kind.CONST or not isinstance(name.data, str):
            self._use(UseKind.LEAVES, spot, index, "getattr")
        elif name.data in self._same:
            for call in self._whereabouts.users(spot.function)[0].get(index, ()):
                self._to(spot, call, ())
        else:
            self._use(UseKind.ATTRIBUTE, spot, index, name.data)

    def _returned(self, spot: Spot, path: Path, span: Span) -> None:
        function = spot.function
        summary = self._program.function(function)
        self._use(UseKind.RETURNED, spot, -1, function.qualname, span)
        if function == self._within:
            return
        found = False
        if is_property(summary):
            for reader, node, certain in self._index.property_reads(function):
                found = True
                self._reach(Spot(reader, node, path, spot.certain and certain))
        for call in self._facts.call_sites.get(function, ()):
            found = True
            self._reach(Spot(call.function, call.node, path, spot.certain))
        if not found:
            self._use(UseKind.UNCALLED, spot, -1, function.qualname, span)

    # -- where it is kept ---------------------------------------------------------------------------------------------

    def _into_field(
        self, spot: Spot, base: int, name: str, path: Path, filled_by: FunctionSymbol | None = None
    ) -> None:
        receivers = members(self._inference.type_of(spot.function, base))
        known = False
        for one in receivers:
            if isinstance(one, Instance | ClassObject):
                setter = self._program.setter(one.cls, name)
                parameters = self._program.function(setter).parameters if setter is not None else ()
                if setter is not None and len(parameters) > 1:
                    self._parameter(setter, parameters[1].name, path, certain=spot.certain)
                    known = True
                    continue
                owner = self._inference.owner_of_field(one.cls, name)
                if owner is not None:
                    self._field(owner, name, path, certain=spot.certain, filled_by=filled_by)
                    known = True
            elif isinstance(one, ModuleObject):
                self._into_global(one.name, name, path, certain=spot.certain)
                known = True
        if not known:
            self._field(None, name, path, certain=False, filled_by=filled_by)

    def _field(
        self,
        owner: ClassSymbol | None,
        name: str,
        path: Path,
        *,
        certain: bool,
        filled_by: FunctionSymbol | None = None,
    ) -> None:
        """It is kept in a field. A function that fills a container under computed keys reads what it filled in."""
        key = (owner, name, path, certain, filled_by)
        if key in self._held:
            return
        self._held.add(key)
        self._trail.holders.setdefault(
            UnresolvedCarrier(name) if owner is None else FieldCarrier(owner, name)
        )
        fillers = self._index.fillers(name) if filled_by is not None else frozenset()
        for function, node, is_sure in self._index.field_reads(owner, name):
            if filled_by is None or function == filled_by or function not in fillers:
                self._reach(Spot(function, node, path, certain and is_sure))
        for function, node, is_sure in self._index.read_by_computed_name(owner):
            self._use(UseKind.LEAVES, Spot(function, node, path, certain and is_sure), node, "getattr")

    def _into_global(self, module: str, name: str, path: Path, *, certain: bool) -> None:
        key = (module, name, path, certain)
        if key in self._held:
            return
        self._held.add(key)
        self._trail.holders.setdefault(ModuleCarrier(module, name))
        symbol = ConstantSymbol(module, name)
        for function, node in self._index.global_reads(symbol):
            self._reach(Spot(function, node, path, certain))
        for function, parameter in self._index.default_of_parameters(symbol):
            self._parameter(function, parameter, path, certain=certain)
        for owner, field_name in self._index.default_of_fields(symbol):
            self._field(owner, field_name, path, certain=certain)
        for function, node in self._index.whole_module_reads(module):
            self._use(UseKind.LEAVES, Spot(function, node, path, certain), node, "globals")

    def _into(self, function: FunctionSymbol, container: int, path: Path, *, certain: bool) -> None:
        """The object is put into a container: find who else has that container."""
        key = (function, container, path, certain)
        if key in self._filled or len(path) > 4:
            return
        self._filled.add(key)
        graph = self._graph(function)
        for root in local_roots(graph, container, every=True):
            node = graph.nodes[root]
            spot = Spot(function, root, path, certain)
            match node.kind:
                case Kind.SEQUENCE | Kind.DICT:
                    self._reach(spot)
                case Kind.CALL:
                    self._reach(spot)
                    self._into_returned(function, node, path, certain=certain)
                case Kind.ATTR:
                    getters = self._getters(function, node)
                    for getter in getters:
                        self._into_results(getter, path, certain=certain)
                    if not getters:
                        filled_by = function if path[0] is None else None
                        self._into_field(spot, node.operands[0], str(node.data), path, filled_by)
                case Kind.GLOBAL:
                    symbol = self._program.resolve(function.module, str(node.data))
                    if isinstance(symbol, ConstantSymbol):
                        self._into_global(symbol.module, symbol.name, path, certain=certain)
                case Kind.PARAM:
                    self._reach(spot)
                    self._into_arguments(spot, str(node.data), path)
                case Kind.FREE:
                    found = self._inference.enclosing_binding(function, str(node.data))
                    for value in found[1] if found is not None else ():
                        assert found is not None
                        self._into(found[0], value, path, certain=certain)
                case Kind.ITEM:
                    self._into(function, node.operands[0], (_key_of(node), *path), certain=certain)
                case Kind.ELEMENT:
                    self._into(function, node.operands[0], (None, *path), certain=certain)
                case _:
                    self._use(UseKind.LEAVES, spot, root, "container")

    def _getters(self, function: FunctionSymbol, node: Node) -> list[FunctionSymbol]:
        return [
            getter
            for one in members(self._inference.type_of(function, node.operands[0]))
            if isinstance(one, Instance)
            for getter in self._inference.getters(one, str(node.data))
        ]

    def _into_returned(self, function: FunctionSymbol, node: Node, path: Path, *, certain: bool) -> None:
        for one in members(self._inference.type_of(function, node.operands[0])):
            if isinstance(one, FunctionObject):
                for called in self._inference.dispatch(one.function, one.receiver):
                    self._into_results(called, path, certain=certain)

    def _into_results(self, function: FunctionSymbol, path: Path, *, certain: bool) -> None:
        for effect in self._graph(function).effects:
            if effect.kind is EffectKind.RETURN:
                self._into(function, effect.value, path, certain=certain)

    def _into_arguments(self, spot: Spot, name: str, path: Path) -> None:
        calls = self._facts.call_sites.get(spot.function, ())
        for call in calls:
            node = self._graph(call.function).nodes[call.node]
            for callee in self._inference.own_class.callees(call.function, node.operands[0]):
                if callee.function == spot.function:
                    for position in argument_positions(self._program, callee, node).get(name, ()):
                        argument = node.operands[1 + position]
                        self._into(call.function, argument, path, certain=spot.certain)
        if not calls:
            self._use(UseKind.LEAVES, spot, spot.node, name)


def _fits(stored: Key, wanted: Key) -> bool:
    return stored is None or wanted is None or stored == wanted


def _key_of(node: Node) -> Key:
    return node.data if isinstance(node.data, str) else None
