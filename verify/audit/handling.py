"""How a program handles objects as wholes: who builds them, to whom they are handed, which names are computed.

The flow follows single fields. Where an object is built by a framework, turned into a mapping or handed to something
outside, its fields are written or read without being named. This index says where, so that no field is accused of
being unwired when somebody may touch it that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ..flow import Facts, FieldCarrier, Flow
from ..flow.types import (
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    ModuleObject,
    Type,
    members,
)
from ..source import ClassSymbol, FunctionSymbol
from ..source.model import CallShape, Effect, EffectKind, Kind, Node
from ..source.program import ExternalSymbol, Place
from .known_calls import (
    BUILDING_BASES,
    CARRIES_ON,
    KNOWN_DECORATORS,
    LOOKS_ONLY,
    PLAIN_BASES,
    TURNS_INTO_MAPPING,
)
from .record_classes import shows_fields

_TEXT = "a text"
_CODE_FOR_ATTRIBUTES = (
    "__setattr__",
    "__getattribute__",
    "__getattr__",
    "__new__",
    "__setstate__",
    "__reduce__",
)


@dataclass(frozen=True, slots=True)
class Handed:
    """A place that takes an object as a whole, and what it is called."""

    function: FunctionSymbol
    node: int
    name: str


@dataclass
class Handling:
    """What is known of each class and each name; built in one pass when it is first asked for.

    Attributes:
        built_outside: Classes that something outside may build or fill, with the reason.
        exported: Classes whose objects are turned into a mapping, text or bytes as a whole, or handed outside.
        given_back: Classes whose objects are returned to somebody who is no part of the program.
        computed_names: Classes whose fields are read or stored by names that are computed when the program runs.
        constructions: Every call that makes an object of a class.
        keywords: Keywords of calls that lead to something unknown: they may be fields.
        strings: Texts that stand in the code by themselves, and not as the key of a mapping: they may name a field.
        stores: Every `object.name = value`, by name.
        computes_any_name: Whether a name is computed for an object of unknown class.
    """

    facts: Facts
    built_outside: dict[ClassSymbol, str] = field(default_factory=dict)
    exported: dict[ClassSymbol, Handed] = field(default_factory=dict)
    given_back: dict[ClassSymbol, Handed] = field(default_factory=dict)
    computed_names: dict[ClassSymbol, Handed] = field(default_factory=dict)
    constructions: dict[ClassSymbol, list[tuple[FunctionSymbol, int]]] = field(default_factory=dict)
    keywords: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    stores: dict[str, list[tuple[FunctionSymbol, Effect]]] = field(default_factory=dict)
    computes_any_name: bool = False

    @classmethod
    def of(cls, flow: Flow) -> Handling:
        """Look through a program."""
        handling = cls(flow.facts)
        for function in flow.program.functions():
            _Body(handling, function).look()
        for one in flow.program.classes():
            handling._declared(one)
        handling._export_what_they_hold()
        return handling

    def lines(self, owner: ClassSymbol) -> list[ClassSymbol]:
        """Return a class with those above and below it: what is done to one is done to the others' fields."""
        program = self.facts.program
        above = [one for one in program.mro(owner) if isinstance(one, ClassSymbol)]
        return [*above, *program.subclasses(owner)]

    def may_build(self, owner: ClassSymbol) -> str | None:
        """Return why something outside may fill a class's fields, None where nothing does."""
        return next((self.built_outside[one] for one in self.lines(owner) if one in self.built_outside), None)

    def takes_whole(self, owner: ClassSymbol, name: str) -> Handed | None:
        """Return who takes objects of a class as wholes and may so read a field of it, None where nobody does."""
        tables = [self.exported] if name.startswith("_") else [self.exported, self.given_back]
        lines = self.lines(owner)
        return next((table[one] for table in tables for one in lines if one in table), None)

    def names_computed(self, owner: ClassSymbol, name: str) -> bool:
        """Whether a field may be touched under a name that is computed when the program runs."""
        if any(one in self.computed_names for one in self.lines(owner)):
            return True
        return self.computes_any_name and name in self.strings

    @cached_property
    def attributes(self) -> dict[ClassSymbol, dict[str, Place]]:
        """The fields that methods give to their own object, by the class that has them first, with one such place."""
        program = self.facts.program
        found: dict[ClassSymbol, dict[str, Place]] = {}
        for name, stores in self.stores.items():
            for function, effect in stores:
                summary = program.function(function)
                if summary.owner is None:
                    continue
                cls = ClassSymbol(function.module, summary.owner)
                owner = self.facts.inference.owner_of_field(cls, name)
                if owner == cls:
                    place = Place(program.modules[function.module].path, effect.span)
                    found.setdefault(cls, {}).setdefault(name, place)
        return found

    def stored_values(self, carrier: FieldCarrier) -> Iterator[tuple[FunctionSymbol, int]]:
        """Yield every expression whose value is stored into a field by name: function and node."""
        inference = self.facts.inference
        for function, effect in self.stores.get(carrier.name, ()):
            for one in members(inference.type_of(function, effect.base)):
                if isinstance(one, Instance | ClassObject) and (
                    inference.owner_of_field(one.cls, carrier.name) == carrier.owner
                ):
                    yield function, effect.value
        for cls in (carrier.owner, *self.facts.program.subclasses(carrier.owner)):
            for function, call in self.constructions.get(cls, ()):
                given = constructor_arguments(self.facts, cls, function, call)
                if carrier.name in given:
                    yield function, given[carrier.name]

    def _export_what_they_hold(self) -> None:
        """An object that is turned into something else as a whole takes along the objects in its fields.

        So does one whose fields are read by computed names: `{name: getattr(part, name) for name in names}`.
        """
        program, inference = self.facts.program, self.facts.inference
        read = self.facts.read_by_any_name
        pending = [*self.exported, *(cls for cls in self.computed_names if cls in read)]
        seen = set(pending)
        while pending:
            cls = pending.pop()
            handed = self.exported.get(cls) or self.computed_names[cls]
            for one in (cls, *program.subclasses(cls)):
                known = [
                    inference.annotated(one.module, declared.annotation, one)
                    for declared in program.class_(one).fields.values()
                    if declared.annotation is not None
                ]
                if cls in read:
                    kept = (inference.field_type(one, name) for name in self.attributes.get(one, ()))
                    known += [found for found in kept if found is not None]
                for held in (inner for found in known for inner in classes_in(found)):
                    self.exported.setdefault(held, handed)
                    if held not in seen:
                        seen.add(held)
                        pending.append(held)

    def _declared(self, cls: ClassSymbol) -> None:
        """A class may be filled by its bases, its decorators or its own code."""
        program = self.facts.program
        summary = program.class_(cls)
        for base in program.mro(cls):
            if isinstance(base, ExternalSymbol) and base.dotted.rpartition(".")[2] not in PLAIN_BASES:
                known = base.dotted.partition(".")[0] in BUILDING_BASES
                self.built_outside.setdefault(
                    cls, f"its base {base.dotted} fills it" if known else base.dotted
                )
        for decorator in summary.decorators:
            if decorator.partition("(")[0].rpartition(".")[2] not in KNOWN_DECORATORS:
                self.built_outside.setdefault(cls, f"decorated with @{decorator}")
        if any(name in summary.methods for name in _CODE_FOR_ATTRIBUTES) or summary.keywords:
            self.built_outside.setdefault(cls, "has code of its own for attributes")


def classes_in(known: Type) -> Iterator[ClassSymbol]:
    """Yield the classes of the program whose objects a value is or, as a container, holds."""
    pending = list(members(known))
    while pending:
        one = pending.pop()
        if isinstance(one, Instance):
            yield one.cls
        elif isinstance(one, External):
            pending += [inner for argument in one.arguments for inner in members(argument)]


def constructor_arguments(
    facts: Facts, cls: ClassSymbol, function: FunctionSymbol, call: int
) -> dict[str, int]:
    """Return which node a construction gives to which field of a class without a constructor of its own."""
    if facts.inference.constructor(cls) is not None:
        return {}
    node = facts.program.function(function).graph.nodes[call]
    shape = node.data
    assert isinstance(shape, CallShape)
    if shape.starred:
        return {}
    names = facts.inference.positional_fields(cls)
    given = dict(zip(names, node.operands[1 : 1 + shape.positional], strict=False))
    keywords = zip(shape.keywords, node.operands[1 + shape.positional :], strict=True)
    return given | {keyword: operand for keyword, operand in keywords if keyword is not None}


class _Body:
    """Looks through one function."""

    def __init__(self, handling: Handling, function: FunctionSymbol) -> None:
        self._handling = handling
        self._facts = handling.facts
        self._function = function
        self._program = handling.facts.program
        self._nodes = self._program.function(function).graph.nodes

    def look(self) -> None:
        strings: set[int] = set()
        keys: set[int] = set()
        for index, node in enumerate(self._nodes):
            kind = node.kind
            if kind is Kind.CALL:
                self._call(index, node, keys)
            elif kind is Kind.CONST:
                if isinstance(node.data, str) and node.data.isidentifier():
                    strings.add(index)
            elif kind is Kind.ITEM:
                keys.add(node.operands[1])
            elif kind is Kind.OP and node.data in {"f-string", "format", "repr"}:
                for operand in node.operands:
                    self._hand_over(operand, index, _TEXT)
            elif kind is Kind.ATTR and node.data in {"__dict__", "__slots__"}:
                self._hand_over(node.operands[0], index, str(node.data), computed=True)
        self._handling.strings.update(str(self._nodes[index].data) for index in strings - keys)
        graph = self._program.function(self._function).graph
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_ATTR:
                self._handling.stores.setdefault(str(effect.name), []).append((self._function, effect))
                owner = self._types(effect.base)
                if owner and all(isinstance(one, External | ExternalObject) for one in owner):
                    self._hand_over(effect.value, effect.value, str(effect.name))
            elif effect.kind in {EffectKind.RETURN, EffectKind.YIELD} and not self._facts.call_sites.get(
                self._function
            ):
                caller = f"whoever calls {self._function.qualname}"
                self._hand_over(effect.value, effect.value, caller, into=self._handling.given_back)
        self._class_objects()

    def _types(self, index: int) -> tuple[Type, ...]:
        return members(self._facts.inference.type_of(self._function, index))

    # -- calls ------------------------------------------------------------------------------------------------------

    def _call(self, index: int, node: Node, keys: set[int]) -> None:
        callee = self._nodes[node.operands[0]]
        name = str(callee.data) if callee.kind in {Kind.GLOBAL, Kind.ATTR} else ""
        shape = node.data
        assert isinstance(shape, CallShape)
        if name in {"get", "pop", "setdefault"} and callee.kind is Kind.ATTR and len(node.operands) > 1:
            keys.add(node.operands[1])
        types = self._types(node.operands[0])
        outside = not types
        for one in types:
            if isinstance(one, ClassObject):
                self._handling.constructions.setdefault(one.cls, []).append((self._function, index))
                if shape.starred:
                    self._handling.built_outside.setdefault(one.cls, "built from a sequence")
            elif not isinstance(one, FunctionObject) or self._is_brought(one):
                outside = True
        if not outside:
            return
        if not types or UNKNOWN in types or name in {"replace", "_replace", "evolve", "copy", "partial"}:
            self._handling.keywords.update(keyword for keyword in shape.keywords if keyword is not None)
        if name in {"setattr", "getattr", "delattr", "__setattr__", "__getattribute__"}:
            self._by_name(index, node, callee)
            return
        if name in LOOKS_ONLY or name in CARRIES_ON:
            return
        for operand in node.operands[1:]:
            self._hand_over(operand, index, name, computed=name in {"fields", "vars"})
        if callee.kind is Kind.ATTR and name in TURNS_INTO_MAPPING:
            self._hand_over(callee.operands[0], index, name)

    def _is_brought(self, called: FunctionObject) -> bool:
        """Whether a method is one of a protocol that no class of the program fits: users bring the object."""
        owner = self._program.function(called.function).owner
        if owner is None or not self._program.is_protocol(ClassSymbol(called.function.module, owner)):
            return False
        return {*self._facts.inference.dispatch(called.function, called.receiver)} <= {called.function}

    def _by_name(self, index: int, node: Node, callee: Node) -> None:
        """`setattr(x, name, value)`: of `object.__setattr__(self, name, value)` as well."""
        if len(node.operands) < 3:
            if callee.kind is Kind.ATTR and len(node.operands) == 2:
                self._handling.computes_any_name = True
            return
        name = self._nodes[node.operands[2]]
        if name.kind is Kind.CONST and isinstance(name.data, str):
            if callee.kind is Kind.ATTR:
                self._handling.keywords.add(name.data)
            return
        self._hand_over(node.operands[1], index, "a computed name", computed=True)

    def _hand_over(
        self,
        operand: int,
        index: int,
        name: str,
        *,
        computed: bool = False,
        into: dict[ClassSymbol, Handed] | None = None,
    ) -> None:
        kind = self._nodes[operand].kind
        if kind in {Kind.CONST, Kind.COMPARE, Kind.FUNCTION, Kind.GLOBAL} and not computed:
            return
        if into is None:
            into = self._handling.computed_names if computed else self._handling.exported
        types = self._types(operand)
        if computed and (not types or UNKNOWN in types):
            self._handling.computes_any_name = True
        for one in types:
            pending = [one]
            depth = 0
            while pending and depth < 12:
                depth += 1
                current = pending.pop()
                if isinstance(current, Instance | ClassObject) and (
                    computed or isinstance(current, Instance)
                ):
                    if name == _TEXT and not shows_fields(self._program, current.cls):
                        continue
                    into.setdefault(current.cls, Handed(self._function, index, name))
                elif isinstance(current, External):
                    pending.extend(inner for argument in current.arguments for inner in members(argument))

    # -- classes as values --------------------------------------------------------------------------------------------

    def _class_objects(self) -> None:
        """A class that is handed on may be built by whoever gets it."""
        used = self._facts.used_classes.get(self._function)
        if not used:
            return
        users, effects = self._facts.whereabouts.users(self._function)
        for index, node in enumerate(self._nodes):
            if node.kind not in {Kind.GLOBAL, Kind.ATTR, Kind.FREE, Kind.FUNCTION}:
                continue
            classes = [one.cls for one in self._types(index) if isinstance(one, ClassObject)]
            if not classes:
                continue
            taker = self._taker(index, users)
            if taker is None and any(
                effect.kind is EffectKind.STORE_ITEM for effect in effects.get(index, ())
            ):
                taker = "a table"
            if taker is not None:
                for cls in classes:
                    self._handling.built_outside.setdefault(cls, f"handed to {taker}")
                    self._handling.exported.setdefault(cls, Handed(self._function, index, taker))

    def _taker(self, start: int, users: dict[int, list[int]]) -> str | None:
        """Return who takes a class as a value, None where it is only called, asked or compared."""
        pending = [start]
        seen: set[int] = set()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            for index in users.get(current, ()):
                user = self._nodes[index]
                match user.kind:
                    case Kind.CALL if user.operands[0] != current:
                        callee = self._nodes[user.operands[0]]
                        name = str(callee.data)
                        types = self._types(user.operands[0])
                        if name in LOOKS_ONLY or name in {"super", "TypeVar", "NewType", "register"}:
                            continue
                        if types and all(isinstance(one, FunctionObject | ModuleObject) for one in types):
                            continue  # followed by type
                        return name
                    case Kind.DICT:
                        return "a table"
                    case Kind.SEQUENCE | Kind.PHI | Kind.ITEM | Kind.NARROW:
                        pending.append(index)
                    case Kind.OP if user.data == "BitOr":
                        pending.append(index)
                    case _:
                        pass  # called, compared, a member of it is read
        return None
