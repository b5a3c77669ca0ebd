"""How a program handles objects as wholes: who builds them, to whom they are handed, which names are computed.

The flow follows single fields. Where an object is built by a framework, turned into a mapping or handed to something
outside, its fields are written or read without being named. This index says where, so that no field is accused of
being unwired when somebody may touch it that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...flow import Facts, FieldCarrier
from ...flow.types import (
    ClassObject,
    External,
    Instance,
    Type,
    members,
)
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, Effect, Kind, Node, ValueGraph
from ...source.program import Place
from .known_calls import ENCODES, TURNS_INTO_MAPPING

TURNS_INTO_OTHERS = TURNS_INTO_MAPPING | ENCODES
"""Calls that turn an object into something else with all that it holds."""


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
        factories: Each `lambda` that is called without arguments by what makes a default.
        built_outside: Classes that are handed to something that may build objects of them, with the reason.
        filled_outside: Classes that something outside may fill as well: a base, a decorator, code for attributes.
        models: Classes of a library that fills objects, of which only the program makes any, with the base.
        exported: Classes whose objects are turned into a mapping, text or bytes as a whole, or handed outside.
        given_back: Classes whose objects are returned to somebody who is no part of the program.
        computed_names: Classes whose fields are read or stored by names that are computed when the program runs.
        listed_names: Likewise, where all of these names are known: a loop over a tuple of them.
        stored_by_names: Those of the classes of `computed_names` whose fields are stored, and not only read.
        stored_listed_names: Those of `listed_names` that are stored.
        constructions: Every call that makes an object of a class.
        made_bare: The functions that name a class as a factory, which makes objects without arguments.
        keywords: Keywords of calls that lead to something unknown: they may be fields.
        strings: Texts that stand in the code by themselves, and not as the key of a mapping: they may name a field.
        stores: Every `object.name = value`, by name.
        computes_any_name: Whether a name is computed for an object of unknown class.
        stores_any_name: Whether one is under which something is stored.
    """

    facts: Facts
    factories: frozenset[FunctionSymbol] = frozenset()
    built_outside: dict[ClassSymbol, str] = field(default_factory=dict)
    filled_outside: dict[ClassSymbol, str] = field(default_factory=dict)
    models: dict[ClassSymbol, str] = field(default_factory=dict)
    exported: dict[ClassSymbol, Handed] = field(default_factory=dict)
    given_back: dict[ClassSymbol, Handed] = field(default_factory=dict)
    computed_names: dict[ClassSymbol, Handed] = field(default_factory=dict)
    listed_names: dict[ClassSymbol, set[str]] = field(default_factory=dict)
    stored_by_names: set[ClassSymbol] = field(default_factory=set)
    stored_listed_names: dict[ClassSymbol, set[str]] = field(default_factory=dict)
    constructions: dict[ClassSymbol, list[tuple[FunctionSymbol, int]]] = field(default_factory=dict)
    made_bare: dict[ClassSymbol, list[FunctionSymbol]] = field(default_factory=dict)
    keywords: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    stores: dict[str, list[tuple[FunctionSymbol, Effect]]] = field(default_factory=dict)
    computes_any_name: bool = False
    stores_any_name: bool = False

    def lines(self, owner: ClassSymbol) -> list[ClassSymbol]:
        """Return a class with those above and below it: what is done to one is done to the others' fields."""
        program = self.facts.program
        above = [one for one in program.mro(owner) if isinstance(one, ClassSymbol)]
        return [*above, *program.subclasses(owner)]

    def is_made(self, owner: ClassSymbol) -> bool:
        """Whether the program makes objects of a class, or of one above or below it."""
        return any(one in self.constructions or one in self.made_bare for one in self.lines(owner))

    def makers(self, owner: ClassSymbol) -> Iterator[FunctionSymbol]:
        """Yield the functions that make objects of a class, or of one above or below it."""
        for one in self.lines(owner):
            yield from (function for function, _ in self.constructions.get(one, ()))
            yield from self.made_bare.get(one, ())

    def may_build(self, owner: ClassSymbol) -> str | None:
        """Return why something outside may make objects of a class or fill their fields, None where nothing does."""
        tables = (self.filled_outside, self.built_outside)
        return next((table[one] for one in self.lines(owner) for table in tables if one in table), None)

    def may_fill(self, owner: ClassSymbol, name: str) -> str | None:
        """Return why something outside may give a field of a class a value, None where nothing does.

        Who only makes an object gives no value to what it keeps for itself, and who makes an object of a base none to
        the fields of the classes below.
        """
        filled = self.filled_outside
        found = next((filled[one] for one in self.lines(owner) if one in filled), None)
        if found is not None or self.is_kept(owner, name):
            return found
        below = (owner, *self.facts.program.subclasses(owner))
        return next((self.built_outside[one] for one in below if one in self.built_outside), None)

    def is_kept(self, owner: ClassSymbol, name: str) -> bool:
        """Whether an object keeps a field for itself: an underscore begins its name, and no class body declares it."""
        if not name.startswith("_") or name.startswith("__"):
            return False
        return not any(name in self.facts.program.class_(one).fields for one in self.lines(owner))

    def takes_whole(self, owner: ClassSymbol, name: str) -> Handed | None:
        """Return who takes objects of a class as wholes and may so read a field of it, None where nobody does.

        What an object keeps for itself is only read by who turns all of it into something else.
        """
        tables = [self.exported] if name.startswith("_") else [self.exported, self.given_back]
        lines = self.lines(owner)
        takers = (table[one] for table in tables for one in lines if one in table)
        if self.is_kept(owner, name):
            return next((one for one in takers if one.name in TURNS_INTO_OTHERS), None)
        return next(takers, None)

    def names_computed(self, owner: ClassSymbol, name: str) -> bool:
        """Whether a field may be touched under a name that is computed when the program runs."""
        lines = self.lines(owner)
        if any(one in self.computed_names or name in self.listed_names.get(one, ()) for one in lines):
            return True
        return self.computes_any_name and name in self.strings

    def names_computed_to_store(self, owner: ClassSymbol, name: str) -> bool:
        """Whether something may be stored into a field under a name that is computed when the program runs."""
        lines = self.lines(owner)
        if any(one in self.stored_by_names or name in self.stored_listed_names.get(one, ()) for one in lines):
            return True
        return self.stores_any_name and name in self.strings

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


def as_written(graph: ValueGraph, index: int) -> Node:
    """Return the node of a value, what its name was declared as looked through: `self.seen: dict[str, int] = {}`."""
    node = graph.nodes[index]
    while node.kind is Kind.NARROW:
        node = graph.nodes[node.operands[0]]
    return node


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
