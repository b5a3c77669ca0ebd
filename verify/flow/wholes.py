"""Objects that are turned into mappings as a whole: `asdict(state)`, `vars(state)`, `state.model_dump()`.

Each field becomes the key of its name. The object may hold others, which become mappings inside.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import CallShape, Kind, Node
from .carriers import FieldCarrier, KeyCarrier, MappingOrigin
from .classes import is_property
from .inference import Inference
from .types import Instance, members

_FUNCTIONS = {"asdict", "vars", "to_builtins", "unstructure"}
_METHODS = {"_asdict", "model_dump", "dict"}
_SHALLOW = {"vars", "__dict__", "_asdict"}
_DEEPEST = 3
_NO_KEYS: dict[str, list[FieldCarrier]] = {}


class Wholes:
    """Answers which nodes are an object as a mapping, and of which classes."""

    def __init__(self, program: Program, inference: Inference) -> None:
        self._program = program
        self._inference = inference
        self._keys: dict[MappingOrigin, dict[str, list[FieldCarrier]]] = {}
        self._classes: dict[tuple[FunctionSymbol, int], tuple[ClassSymbol, ...]] = {}

    def classes(self, function: FunctionSymbol, index: int) -> tuple[ClassSymbol, ...]:
        """Return the classes of the object that a node is the mapping of; none where it is no such node."""
        subject = self._subject(function, index)
        if subject is None:
            return ()
        place = (function, index)
        found = self._classes.get(place)
        if found is None:
            types = members(self._inference.type_of(function, subject))
            found = tuple(one.cls for one in types if isinstance(one, Instance))
            found = found if len(found) == len(types) else ()
            node = self._node(function, index)
            if node.kind is Kind.CALL and self._callee(function, node).data in _METHODS:
                found = () if any(self._has_own(cls, function, node) for cls in found) else found
            self._classes[place] = found
        return found

    def live(self, function: FunctionSymbol, index: int) -> tuple[Instance, ...]:
        """Return the objects whose fields a store into a node sets: `vars(state)["inf"] = 0`."""
        node = self._node(function, index)
        name = self._callee(function, node).data if node.kind is Kind.CALL else node.data
        is_live = node.kind in {Kind.CALL, Kind.ATTR} and name in {"vars", "__dict__"}
        return tuple(map(Instance, self.classes(function, index))) if is_live else ()

    def all_attributes(self, origin: MappingOrigin) -> tuple[ClassSymbol, ...]:
        """Return the classes of the object whose attributes a mapping is, also those that its class does not know."""
        classes = self.classes(origin.function, origin.node)
        if not classes:
            return ()
        node = self._node(origin.function, origin.node)
        name = node.data if node.kind is Kind.ATTR else self._callee(origin.function, node).data
        return classes if name in {"vars", "__dict__"} else ()

    def is_export(self, origin: MappingOrigin) -> bool:
        """Whether a mapping is an object's, or inside one."""
        return bool(self.classes(origin.function, origin.node))

    def keys(self, origin: MappingOrigin) -> dict[str, list[FieldCarrier]]:
        """Return the fields that are the keys of a mapping that was an object.

        The object may be of a class below its own, which may declare the same field once more.
        """
        classes = self.classes(origin.function, origin.node)
        if not classes or (origin.path and not self._is_deep(origin)):
            return _NO_KEYS
        known = self._keys.get(origin)
        if known is None:
            by_alias = self._is_by_alias(origin)
            for key in origin.path:
                classes = self._held(classes, key, by_alias=by_alias)
            family = dict.fromkeys(one for cls in classes for one in (cls, *self._program.subclasses(cls)))
            known = self._keys[origin] = {}
            for cls in family:
                for name, owner in self._fields(cls):
                    key = self._inference.aliases.given(cls, name) if by_alias else name
                    field, fields = FieldCarrier(owner, name), known.setdefault(key, [])
                    if field not in fields:
                        fields.append(field)
        return known

    def moves(self, function: FunctionSymbol, index: int) -> Iterator[tuple[FieldCarrier, KeyCarrier]]:
        """Yield each field that becomes a key of the mapping that a node is."""
        pending = [MappingOrigin(function, index)] if self.classes(function, index) else []
        while pending:
            origin = pending.pop()
            for key, fields in self.keys(origin).items():
                for field in fields:
                    yield field, KeyCarrier(key, None, origin)
                inner = origin.inner(key)
                if len(inner.path) < _DEEPEST and self.keys(inner):
                    pending.append(inner)

    # -- inside -------------------------------------------------------------------------------------------------

    def _node(self, function: FunctionSymbol, index: int) -> Node:
        return self._program.function(function).graph.nodes[index]

    def _callee(self, function: FunctionSymbol, node: Node) -> Node:
        return self._node(function, node.operands[0])

    def _subject(self, function: FunctionSymbol, index: int) -> int | None:
        """Return the node of the object that a node turns into a mapping."""
        node = self._node(function, index)
        if node.kind is Kind.ATTR:
            return node.operands[0] if node.data == "__dict__" else None
        if node.kind is not Kind.CALL:
            return None
        callee = self._callee(function, node)
        if callee.kind is Kind.ATTR and callee.data in _METHODS:
            return callee.operands[0]
        is_named = callee.kind in {Kind.ATTR, Kind.GLOBAL} and callee.data in _FUNCTIONS
        return node.operands[1] if is_named and len(node.operands) > 1 else None

    def _has_own(self, cls: ClassSymbol, function: FunctionSymbol, node: Node) -> bool:
        return self._program.method(cls, str(self._callee(function, node).data)) is not None

    def _is_deep(self, origin: MappingOrigin) -> bool:
        node = self._node(origin.function, origin.node)
        name = node.data if node.kind is Kind.ATTR else self._callee(origin.function, node).data
        return name not in _SHALLOW

    def _is_by_alias(self, origin: MappingOrigin) -> bool:
        """Whether the keys are the names that fields are encoded under: msgspec's always, pydantic's if asked for."""
        node = self._node(origin.function, origin.node)
        shape = node.data
        if not isinstance(shape, CallShape):
            return False
        if self._callee(origin.function, node).data == "to_builtins":
            return True
        given = zip(shape.keywords, node.operands[1 + shape.positional :], strict=True)
        return any(
            name == "by_alias" and self._node(origin.function, operand).data is True
            for name, operand in given
        )

    def _held(self, classes: tuple[ClassSymbol, ...], key: str, *, by_alias: bool) -> tuple[ClassSymbol, ...]:
        found: dict[ClassSymbol, None] = {}
        for cls in classes:
            name = self._inference.aliases.field_given(cls, key) if by_alias else key
            held = self._inference.field_type(cls, name)
            types = () if held is None else members(held)
            found.update((one.cls, None) for one in types if isinstance(one, Instance))
        return tuple(found)

    def _fields(self, cls: ClassSymbol) -> Iterator[tuple[str, ClassSymbol]]:
        names = dict.fromkeys([*self._inference.constructor_fields(cls), *self._inference.stored_fields(cls)])
        for name in names:
            owner = self._inference.owner_of_field(cls, name)
            method = self._program.method(cls, name)
            if owner is not None and (method is None or not is_property(self._program.function(method))):
                yield name, owner
