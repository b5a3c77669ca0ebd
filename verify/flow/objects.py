"""Objects of one class told apart: `get_snapshot()` that returns a new state finds the defaults in it, and no more.

An object is known by the place that makes it. From a read it is followed back through locals, parameters (to every
caller), results and fields. Where every object that a read may see is known, is made without a value for the field, and
is none that anything stores the field into, the read finds the field's default. Everything else says nothing: then the
objects of a class count as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program
from ..source.model import CallShape, Default, EffectKind, Kind, Node
from .arguments import arguments
from .classes import is_property, receiver_name
from .inference import Inference
from .mappings import Mappings
from .types import UNKNOWN, ClassObject, FunctionObject, Instance, members

Place = tuple[FunctionSymbol, int]
"""A node of a function's value graph: for an object, the call that makes it."""

_T = TypeVar("_T")
_MOST = 200  # nodes on the way back
_FILLS = (
    "apply",
    "configure",
    "fill",
    "init",
    "load",
    "merge",
    "parse",
    "populate",
    "read",
    "restore",
    "set",
    "update",
)
_CODE = ("__post_init__", "__setattr__", "__getattr__", "__getattribute__", "__init_subclass__")


class _NotKnownError(Exception):
    """The way back leads to something that cannot be told."""


@dataclass(frozen=True, slots=True)
class _Field:
    cls: ClassSymbol
    name: str
    default: Default


class Objects:
    """Answers which reads find nothing but a field's default."""

    def __init__(self, program: Program, inference: Inference, mappings: Mappings) -> None:
        self._program = program
        self._inference = inference
        self._mappings = mappings
        self._fields: dict[tuple[ClassSymbol, str], _Field | None] = {}
        self._made: dict[Place, frozenset[Place] | None] = {}
        self._fillers: dict[FunctionSymbol, set[int]] = {}
        self._answers: dict[tuple[Place, str], Default | None] = {}

    def left_at_default(self, function: FunctionSymbol, base: int, name: str) -> Default | None:
        """Return the default of a field that is all that `base.name` can be, None where it may be more."""
        types = members(self._inference.type_of(function, base))
        if len(types) != 1 or not isinstance(types[0], Instance):
            return None
        field = self._field(types[0].cls, name)
        if field is None:
            return None
        key = ((function, base), name)
        if key not in self._answers:
            self._answers[key] = field.default if self._is_untouched(field, function, base) else None
        return self._answers[key]

    def made_at(self, function: FunctionSymbol, base: int) -> list[Place]:
        """Return the calls that make what a node may be; none where they are not all known."""
        return sorted(self._made_at(function, base) or (), key=str)

    # -- fields ---------------------------------------------------------------------------------------------------

    def _field(self, cls: ClassSymbol, name: str) -> _Field | None:
        """Return a field that objects may have at its default: declared with a literal, and given by somebody."""
        key = (cls, name)
        if key not in self._fields:
            self._fields[key] = self._find_field(cls, name)
        return self._fields[key]

    def _find_field(self, cls: ClassSymbol, name: str) -> _Field | None:
        declared = self._program.field(cls, name)
        if declared is None or declared[1].annotation is None or "ClassVar" in declared[1].annotation:
            return None
        default = declared[1].default
        if default is None or not default.is_literal or not self._is_plain(cls):
            return None
        is_given = self._mappings.constructed_with(cls, name) or self._inference.attribute_stores(name)
        return _Field(cls, name, default) if is_given else None

    def _is_plain(self, cls: ClassSymbol) -> bool:
        """Whether a class has no code that sets its fields, and no classes below it."""
        if (
            self._program.subclasses(cls)
            or not self._inference.is_closed(cls)
            or self._inference.is_enum(cls)
        ):
            return False
        if self._inference.constructor(cls) is not None or cls in self._inference.set_by_any_name():
            return False
        return not any(
            self._program.method(cls, name) for name in _CODE
        ) and not self._inference.stored_fields(cls)

    # -- objects --------------------------------------------------------------------------------------------------

    def _is_untouched(self, field: _Field, function: FunctionSymbol, base: int) -> bool:
        made = self._made_at(function, base)
        if not made or not all(self._is_bare(field, place) for place in made):
            return False
        for store in self._inference.attribute_stores(field.name):
            types = members(self._inference.type_of(store.function, store.base))
            if any(isinstance(one, ClassObject) and one.cls == field.cls for one in types):
                return False
            if not types or UNKNOWN in types or Instance(field.cls) in types:
                stored = self._made_at(store.function, store.base)
                if stored is None or not stored.isdisjoint(made):
                    return False
        return True

    def _is_bare(self, field: _Field, place: Place) -> bool:
        """Whether an object is made without a value for a field."""
        node = self._node(place)
        callees = members(self._inference.type_of(place[0], node.operands[0]))
        shape = node.data
        assert isinstance(shape, CallShape)
        if callees != (ClassObject(field.cls),) or shape.starred or None in shape.keywords:
            return False
        given = {self._inference.aliases.field(field.cls, str(name)) for name in shape.keywords}
        given.update(self._inference.positional_fields(field.cls)[: shape.positional])
        return field.name not in given

    def _node(self, place: Place) -> Node:
        return self._program.function(place[0]).graph.nodes[place[1]]

    def _made_at(self, function: FunctionSymbol, index: int) -> frozenset[Place] | None:
        """Return the calls that make what a node may be, None where they are not all known."""
        place = (function, index)
        if place not in self._made:
            try:
                self._made[place] = self._follow(place)
            except _NotKnownError:
                self._made[place] = None
        return self._made[place]

    def _follow(self, place: Place) -> frozenset[Place]:
        found: set[Place] = set()
        pending, seen = [place], {place}
        while pending:
            current = pending.pop()
            if self._may_be_filled(current):
                raise _NotKnownError
            for before in self._before(current):
                if before == current and self._node(current).kind is Kind.CALL:
                    found.add(current)
                elif before not in seen:
                    seen.add(before)
                    pending.append(before)
            if len(seen) > _MOST:
                raise _NotKnownError
        return frozenset(found)

    def _may_be_filled(self, place: Place) -> bool:
        """Whether a node is handed to something outside that fills what it is given, as far as its name says."""
        function, index = place
        if function not in self._fillers:
            nodes = self._program.function(function).graph.nodes
            self._fillers[function] = {
                operand
                for node in nodes
                if node.kind is Kind.CALL and str(nodes[node.operands[0]].data).lstrip("_").startswith(_FILLS)
                for operand in node.operands[1:]
            }
        return index in self._fillers[function]

    def _before(self, place: Place) -> Iterator[Place]:
        """Yield what a node is the same object as; the node itself where it makes one."""
        function, _ = place
        node = self._node(place)
        match node.kind:
            case Kind.PHI | Kind.NARROW:
                yield from ((function, operand) for operand in node.operands)
            case Kind.CONST if node.data is None:
                pass  # no object
            case Kind.CALL:
                yield from self._call(place, node)
            case Kind.PARAM:
                yield from self._parameter(function, str(node.data))
            case Kind.FREE:
                outer = self._inference.enclosing_binding(function, str(node.data))
                if outer is None:
                    raise _NotKnownError
                yield from ((outer[0], value) for value in outer[1])
            case Kind.GLOBAL:
                symbol = self._program.resolve(function.module, str(node.data))
                if not isinstance(symbol, ConstantSymbol):
                    raise _NotKnownError
                stores = self._inference.global_stores(symbol.module, symbol.name)
                yield from ((store.function, store.value) for store in _some(stores))
            case Kind.ATTR:
                yield from self._attribute(function, node)
            case _:
                raise _NotKnownError

    def _call(self, place: Place, node: Node) -> Iterator[Place]:
        callees = members(self._inference.type_of(place[0], node.operands[0]))
        for one in _some(callees):
            if isinstance(one, ClassObject):
                yield place
            elif isinstance(one, FunctionObject):
                for reached in self._inference.dispatch(one.function, one.receiver):
                    yield from self._returned(reached)
            else:
                raise _NotKnownError

    def _returned(self, function: FunctionSymbol) -> Iterator[Place]:
        summary = self._program.function(function)
        returned = [effect for effect in summary.graph.effects if effect.kind is EffectKind.RETURN]
        if summary.is_generator or not returned:
            raise _NotKnownError
        yield from ((function, effect.value) for effect in returned)

    def _parameter(self, function: FunctionSymbol, name: str) -> Iterator[Place]:
        summary = self._program.function(function)
        calls = self._mappings.calls_of(function)
        if name == receiver_name(summary) or not calls or self._mappings.may_be_called_unseen(function):
            raise _NotKnownError
        if summary.owner is not None and not self._inference.is_closed(
            ClassSymbol(function.module, summary.owner)
        ):
            raise _NotKnownError
        [parameter] = [one for one in summary.parameters if one.name == name]
        is_optional = parameter.default is not None and parameter.default.text == "None"
        if parameter.kind in {"args", "kwargs"}:
            raise _NotKnownError
        for callee, caller, call in calls:
            shape = call.data
            assert isinstance(shape, CallShape)
            given = arguments(self._program, callee, call).get(name, [])
            if shape.starred or None in shape.keywords or not (given or is_optional):
                raise _NotKnownError
            yield from ((caller, value) for value in given)

    def _attribute(self, function: FunctionSymbol, node: Node) -> Iterator[Place]:
        name = str(node.data)
        for one in _some(members(self._inference.type_of(function, node.operands[0]))):
            if not isinstance(one, Instance) or self._program.field(one.cls, name) is not None:
                raise _NotKnownError
            method = self._program.method(one.cls, name)
            if method is not None:
                if not is_property(self._program.function(method)):
                    raise _NotKnownError
                for reached in self._inference.dispatch(method, one):
                    yield from self._returned(reached)
                continue
            line = {*self._program.mro(one.cls), *self._program.subclasses(one.cls)}
            is_stored = False
            for store in self._inference.attribute_stores(name):
                types = members(self._inference.type_of(store.function, store.base))
                if not types or UNKNOWN in types:
                    raise _NotKnownError
                if any(isinstance(held, Instance) and held.cls in line for held in types):
                    is_stored = True
                    yield store.function, store.value
            if not is_stored:
                raise _NotKnownError


def _some(found: Sequence[_T]) -> Sequence[_T]:
    """Return what there is, if there is any."""
    if not found:
        raise _NotKnownError
    return found
