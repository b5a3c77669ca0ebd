"""What can be asked of classes before any value is looked at: what they declare, store and take, who overrides."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import ClassSummary, EffectKind, FunctionSummary, Kind
from ..source.program import ExternalSymbol
from ..source.summarise import TOP_LEVEL
from .aliases import Aliases
from .existing import Existing
from .foreign import foreign_stores
from .types import ClassObject, FunctionObject, Instance, Type, members

ADD_NO_METHODS = {
    "abc.ABC",
    "builtins.object",
    "typing.Generic",
    "typing.Protocol",
    "typing_extensions.Protocol",
}
"""Bases outside the program that classes have no methods from."""
_ON_THE_CLASS = {"__new__", "__init_subclass__", "__class_getitem__"}


@dataclass(frozen=True, slots=True)
class StoredField:
    """A store into a field: which function, which node is stored."""

    function: FunctionSymbol
    value: int


class AttributeStore(NamedTuple):
    """A store `base.name = value`, whatever the base is."""

    function: FunctionSymbol
    base: int
    value: int


class ClassFacts:
    """The fields, constructors and overrides of a program's classes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._stored: dict[tuple[ClassSymbol, str], list[StoredField]] = {}
        self._stored_names: dict[ClassSymbol, dict[str, None]] = {}
        self._globals: dict[tuple[str, str], list[StoredField]] = {}
        self._set_by_any_name: set[str] = set()  # modules
        self._attribute_stores: dict[str, list[AttributeStore]] = {}
        self.aliases = Aliases(program)
        self.existing = Existing(program)
        self._implementers: dict[ClassSymbol, tuple[ClassSymbol, ...]] = {}
        self._having: dict[str, list[ClassSymbol]] | None = None  # by the name of a method or field
        self._dispatched: dict[tuple[FunctionSymbol, Type | None], tuple[FunctionSymbol, ...]] = {}
        self._below: dict[tuple[ClassSymbol, str, bool], tuple[FunctionObject, ...]] = {}
        self._fields_below: dict[tuple[ClassSymbol, str], tuple[ClassSymbol, ...]] = {}
        self._in_place: dict[tuple[ClassSymbol, str], tuple[ClassSymbol, ...]] = {}
        self._collected: set[str] = set()  # modules
        for summary in program.summaries():
            self._collect_once(summary.name)
        self._collect_foreign_stores()

    def _collect_once(self, module: str) -> None:
        """Note what the functions of a module store into module-level names, and through `self`."""
        if module in self._collected or module not in self.program.modules:
            return
        self._collected.add(module)
        for summary in self.program.modules[module].functions.values():
            function = FunctionSymbol(module, summary.qualname)
            nodes = summary.graph.nodes
            receiver = receiver_name(summary)
            for effect in summary.graph.effects:
                if effect.kind is EffectKind.STORE_GLOBAL and effect.name is not None:
                    self._globals.setdefault((module, effect.name), []).append(
                        StoredField(function, effect.value)
                    )
                if effect.kind is not EffectKind.STORE_ATTR or effect.name is None:
                    continue
                self._attribute_stores.setdefault(effect.name, []).append(
                    AttributeStore(function, effect.base, effect.value)
                )
                if summary.owner is None:
                    continue
                base = nodes[effect.base]
                if base.kind is Kind.PARAM and base.data == receiver:
                    owner = ClassSymbol(module, summary.owner)
                    stored = StoredField(function, effect.value)
                    self._stored.setdefault((owner, effect.name), []).append(stored)
                    self._stored_names.setdefault(owner, {}).setdefault(effect.name)

    def _collect_foreign_stores(self) -> None:
        for store in foreign_stores(self.program):
            if store.name is None:
                self._set_by_any_name.add(store.module)
            else:
                stored = StoredField(store.function, store.value)
                self._globals.setdefault((store.module, store.name), []).append(stored)

    def attribute_stores(self, name: str) -> list[AttributeStore]:
        """Return every store into an attribute of a name, whatever object it is of."""
        return self._attribute_stores.get(name, [])

    def is_given_once(self, module: str, name: str) -> bool:
        """Whether nothing but the body of its module sets a module-level name."""
        body = FunctionSymbol(module, TOP_LEVEL)
        stores = self.global_stores(module, name)
        return module not in self._set_by_any_name and all(store.function == body for store in stores)

    def owner_of_field(self, cls: ClassSymbol, name: str) -> ClassSymbol | None:
        """Return the class in the line of `cls` that declares or first stores a field."""
        declared = self.program.field(cls, name)
        if declared is not None:
            return declared[0]
        for one in reversed(self.program.mro(cls)):
            if isinstance(one, ClassSymbol) and (
                self.field_stores(one, name) or name in self.program.class_(one).annotated
            ):
                return one
        return None

    def field_annotation(self, cls: ClassSymbol, name: str) -> str | None:
        """Return how a class itself annotates a field: in its body, or where a method assigns it to `self`."""
        summary = self.program.class_(cls)
        declared = summary.fields.get(name)
        if declared is not None and declared.annotation is not None:
            return declared.annotation
        return summary.annotated.get(name)

    def field_stores(self, cls: ClassSymbol, name: str) -> list[StoredField]:
        """Return every store into a field through `self`."""
        self._collect_once(cls.module)
        return self._stored.get((cls, name), [])

    def stored_fields(self, cls: ClassSymbol) -> list[str]:
        """Return the fields that a class or one above it stores through `self`."""
        found: list[str] = []
        for one in self.program.mro(cls):
            if isinstance(one, ClassSymbol):
                self._collect_once(one.module)
                found += self._stored_names.get(one, ())
        return found

    def global_stores(self, module: str, name: str) -> list[StoredField]:
        """Return every store into a module-level name."""
        self._collect_once(module)
        return self._globals.get((module, name), [])

    def is_enum(self, cls: ClassSymbol) -> bool:
        """Whether the names of a class body are its instances."""
        return any(isinstance(one, ExternalSymbol) and "Enum" in one.dotted for one in self.program.mro(cls))

    def is_closed(self, cls: ClassSymbol) -> bool:
        """Whether every class above one is known: it has no methods but those that are seen."""
        outside = [one.dotted for one in self.program.mro(cls) if isinstance(one, ExternalSymbol)]
        metaclass = any(name == "metaclass" and "ABCMeta" not in value for name, value in self._keywords(cls))
        return not metaclass and all(dotted in ADD_NO_METHODS for dotted in outside)

    def _keywords(self, cls: ClassSymbol) -> list[tuple[str, str]]:
        line = [one for one in self.program.mro(cls) if isinstance(one, ClassSymbol)]
        return [keyword for one in line for keyword in self.program.class_(one).keywords]

    def constructor(self, cls: ClassSymbol) -> FunctionSymbol | None:
        """Return a class's own or inherited `__init__`, where the program has one."""
        return self.program.method(cls, "__init__")

    def constructor_fields(self, cls: ClassSymbol) -> list[str]:
        """Return the fields that a class without `__init__` takes, in order of declaration, its bases' first."""
        names: dict[str, None] = {}
        for one in reversed(self.program.mro(cls)):
            if isinstance(one, ClassSymbol):
                summary: ClassSummary = self.program.class_(one)
                names.update(
                    (name, None)
                    for name, declared in summary.fields.items()
                    if declared.annotation is not None
                    and "ClassVar" not in declared.annotation
                    and (declared.default is None or declared.default.in_constructor)
                )
        return list(names)

    def positional_fields(self, cls: ClassSymbol) -> list[str]:
        """Return the fields that a class without `__init__` takes by position, in order."""
        keyword_only: set[str] = set()
        for one in self.program.mro(cls):
            if isinstance(one, ClassSymbol):
                summary = self.program.class_(one)
                names = list(summary.fields)
                if any("kw_only=True" in decorator for decorator in summary.decorators):
                    keyword_only.update(names)
                elif "_" in names and "KW_ONLY" in str(summary.fields["_"].annotation):
                    keyword_only.update(names[names.index("_") :])
        return [name for name in self.constructor_fields(cls) if name not in keyword_only]

    def field_at(self, cls: ClassSymbol, position: int) -> str | None:
        """Return the field at a position of a NamedTuple or of a class pattern; None for what iterates itself."""
        names = self._match_names(cls)
        if names is None:
            special = ("__iter__", "__getitem__", "__init__")
            if any(self.program.method(cls, name) for name in special):
                return None
            names = self.positional_fields(cls)
        return names[position] if -len(names) <= position < len(names) else None

    def _match_names(self, cls: ClassSymbol) -> list[str] | None:
        """Return what a class itself says in `__match_args__`."""
        declared = self.program.field(cls, "__match_args__")
        if declared is None or declared[1].default is None:
            return None
        try:
            names = ast.literal_eval(declared[1].default.text)
        except (ValueError, SyntaxError):
            return None
        return [str(name) for name in names] if isinstance(names, tuple | list) else None

    def is_typed_dict(self, cls: ClassSymbol) -> bool:
        """Whether the fields of a class are the keys of a mapping."""
        return any(
            isinstance(one, ExternalSymbol) and one.dotted.endswith("TypedDict")
            for one in self.program.mro(cls)
        )

    def dispatch(self, function: FunctionSymbol, receiver: Type | None) -> tuple[FunctionSymbol, ...]:
        """Return what a method call may reach: the method, its overrides below, a protocol's implementers."""
        key = (function, receiver)
        known = self._dispatched.get(key)
        if known is None:
            known = self._dispatched[key] = self._find_overrides(function, receiver)
        return known

    def _find_overrides(self, function: FunctionSymbol, receiver: Type | None) -> tuple[FunctionSymbol, ...]:
        found = dict.fromkeys((function, *self.program.alternatives(function)))
        if receiver is None:
            return tuple(found)
        for one in members(receiver):
            if isinstance(one, Instance) or (isinstance(one, ClassObject) and one.or_below):
                for cls in self._that_may_be(one.cls):
                    override = self.program.method(cls, function.name)
                    if override is not None:
                        found.setdefault(override)
        return tuple(found)

    def _that_may_be(self, cls: ClassSymbol) -> Iterator[ClassSymbol]:
        """Yield the classes below one, or with all methods of a protocol, of which there may be objects."""
        below = self.program.subclasses(cls)
        if self.program.is_protocol(cls):
            below = [*below, *self.implementers(cls)]
        return filter(self.existing.may_exist, below)

    def methods_below(
        self, cls: ClassSymbol, name: str, *, only_made: bool = False
    ) -> tuple[FunctionObject, ...]:
        """Return the methods that only classes below have: a base calls on itself what they are to define.

        `only_made` leaves out those of classes of which there are no objects.
        """
        key = (cls, name, only_made)
        known = self._below.get(key)
        if known is None:
            found: dict[FunctionSymbol, FunctionObject] = {}
            if name in self._method_names and self.program.method(cls, name) is None:
                for below in self.program.subclasses(cls):
                    method = self.program.method(below, name)
                    if method is not None and not (only_made and not self.existing.may_exist(below)):
                        found.setdefault(method, FunctionObject(method, Instance(below)))
            known = self._below[key] = tuple(found.values())
        return known

    def fields_below(self, cls: ClassSymbol, name: str) -> tuple[ClassSymbol, ...]:
        """Return the classes with a field that only classes below have: a base reads from itself what they are given.

        They are not all there is to it: an object of another class may have been given such an attribute.
        """
        key = (cls, name)
        known = self._fields_below.get(key)
        if known is None:
            is_none = self.program.method(cls, name) is not None or self.owner_of_field(cls, name) is not None
            below = () if is_none else filter(self.existing.may_exist, self.program.subclasses(cls))
            owners = (self.owner_of_field(one, name) for one in below)
            known = tuple(dict.fromkeys(owner for owner in owners if owner is not None))
            self._fields_below[key] = known
        return known

    def getters(self, receiver: Instance, name: str) -> tuple[FunctionSymbol, ...]:
        """Return the properties that may run where an attribute is read: its own, and those of the classes below."""
        method = self.program.method(receiver.cls, name)
        if method is None:
            below = self.methods_below(receiver.cls, name, only_made=True)
            found = tuple(one.function for one in below)
        else:
            found = self.dispatch(method, receiver)
        return tuple(one for one in found if is_property(self.program.function(one)))

    def fields_in_place(self, receiver: Instance, name: str) -> tuple[ClassSymbol, ...]:
        """Return the classes below, or with what a protocol asks for, that have a field in place of a property."""
        key = (receiver.cls, name)
        known = self._in_place.get(key)
        if known is None:
            method = self.program.method(receiver.cls, name)
            found: dict[ClassSymbol, None] = {}
            if method is not None and is_property(self.program.function(method)):
                for cls in self._that_may_be(receiver.cls):
                    owner = self._field_in_place(cls, receiver.cls, name)
                    if owner is not None:
                        found.setdefault(owner)
            known = self._in_place[key] = tuple(found)
        return known

    def _field_in_place(self, cls: ClassSymbol, above: ClassSymbol, name: str) -> ClassSymbol | None:
        """Return the class with a field that replaces a property from above: a body has it before any has a method.

        A class that only has what a protocol asks for replaces nothing: its methods may set the field as well.
        """
        for one in self.program.mro(cls):
            if isinstance(one, ClassSymbol):
                summary = self.program.class_(one)
                if name in summary.methods:
                    return None
                if name in summary.fields:
                    return one
        return None if above in self.program.mro(cls) else self.owner_of_field(cls, name)

    @cached_property
    def _method_names(self) -> frozenset[str]:
        classes = map(self.program.class_, self.program.classes())
        return frozenset(name for summary in classes for name in summary.methods)

    def implementers(self, protocol: ClassSymbol) -> tuple[ClassSymbol, ...]:
        """Return the classes that have all methods of a protocol."""
        if protocol not in self._implementers:
            wanted = {name for name in self.program.class_(protocol).methods if name != "__init__"}
            self._implementers[protocol] = tuple(
                cls
                for cls in self._candidates(wanted)
                if cls != protocol and all(self._offers(cls, protocol, name) for name in wanted)
            )
        return self._implementers[protocol]

    def _candidates(self, wanted: set[str]) -> Iterable[ClassSymbol]:
        """Return the classes that can have all of these names: those that have the rarest of them."""
        if self._having is None:
            self._having = {}
            for cls in self.program.classes():
                line = [one for one in self.program.mro(cls) if isinstance(one, ClassSymbol)]
                for name in dict.fromkeys(name for one in line for name in self._own_names(one)):
                    self._having.setdefault(name, []).append(cls)
        return min((self._having.get(name, []) for name in sorted(wanted)), key=len, default=[])

    def _own_names(self, cls: ClassSymbol) -> Iterator[str]:
        """Yield the methods and fields of a class itself."""
        self._collect_once(cls.module)
        summary = self.program.class_(cls)
        yield from itertools.chain(
            summary.methods, summary.fields, summary.annotated, self._stored_names.get(cls, ())
        )

    def _is_readable(self, protocol: ClassSymbol, name: str) -> bool:
        asked = self.program.method(protocol, name)
        return asked is not None and is_property(self.program.function(asked))

    def _offers(self, cls: ClassSymbol, protocol: ClassSymbol, name: str) -> bool:
        """Whether a class has what a protocol asks for: a method, or for a property a field as well."""
        if self.program.method(cls, name) is not None:
            return True
        return self._is_readable(protocol, name) and self.owner_of_field(cls, name) is not None

    def method_above(self, cls: ClassSymbol, name: str) -> FunctionSymbol | None:
        """Return what `super().name` is: the next definition above, which no override below replaces."""
        for one in self.program.mro(cls)[1:]:
            if isinstance(one, ClassSymbol) and name in self.program.class_(one).methods:
                return FunctionSymbol(one.module, self.program.class_(one).methods[name])
        return None


def receiver_name(summary: FunctionSummary) -> str | None:
    """Return the name of the parameter that a method is bound by (`self`, `cls`)."""
    if summary.owner is None or not summary.parameters or is_static(summary):
        return None
    return summary.parameters[0].name


def takes_class(summary: FunctionSummary) -> bool:
    """Whether a method's first parameter is the class itself."""
    implicit = summary.owner is not None and summary.qualname.rpartition(".")[2] in _ON_THE_CLASS
    return implicit or "classmethod" in summary.decorators


def is_static(summary: FunctionSummary) -> bool:
    """Whether a method is given neither an object nor the class."""
    return "staticmethod" in summary.decorators


def is_property(summary: FunctionSummary) -> bool:
    """Whether a method is read like a field."""
    return any(
        decorator.rpartition(".")[2] in {"property", "cached_property"} for decorator in summary.decorators
    )
