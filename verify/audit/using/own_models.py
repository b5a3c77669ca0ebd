"""Models of pydantic and structs of msgspec that only the program itself makes and fills.

A library can make an object of such a class out of data, so that its fields may be filled without being named. That
is ruled out where no class of its line is named but to construct an object with what is written there, to test for
it, and in annotations of what the program itself calls. What it encodes and decodes is its own as well: decoding gives
a field what a construction gave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from ...flow.restoring import with_inner
from ...flow.trail import Spot, UseKind
from ...flow.types import UNKNOWN, ClassObject, ExternalObject, Instance, members
from ...source import ClassSymbol, ConstantSymbol, FunctionSymbol
from ...source.model import CallShape, EffectKind, FunctionSummary, Kind, Node
from ...source.program import ExternalSymbol
from ..words.flags import is_config_class
from .audience import KEEPS_THE_CALLER, Audience
from .factories import factories_of
from .handling import Handling
from .known_calls import KNOWN_DECORATORS, LOOKS_ONLY, PLAIN_BASES

_BASES = {"pydantic.BaseModel", "pydantic.main.BaseModel", "msgspec.Struct"}
_OWN_CODE = {
    "__init__",
    "__new__",
    "__setattr__",
    "__getattr__",
    "__getattribute__",
    "__setstate__",
    "__reduce__",
}
_VALIDATES = re.compile(r"validator|serializer|hook", re.IGNORECASE)
_SAYS_WHAT_IT_IS = {
    "model_json_schema",
    "model_fields",
    "model_rebuild",
    "schema",
    "__name__",
    "__qualname__",
    "__module__",
    "__doc__",
    "__struct_fields__",
}
"""Attributes of a class that make no object of it."""
_DECODERS = re.compile(
    r"msgspec\.(?:json|msgpack)\.(?:Decoder|decode)|pydantic\.(?:type_adapter\.)?TypeAdapter"
)
_WRITES_OUT = {"model_dump", "model_dump_json", "encode", "dump_json"}
_BASE_NAMES = {"BaseModel", "Struct"}
_WORD = re.compile(r"\w+")


def own_models(handling: Handling, audience: Audience) -> Iterator[ClassSymbol]:
    """Yield every class that a library could fill, and that only the program itself makes objects of."""
    found = [cls for cls in handling.facts.program.classes() if _is_model(handling, cls)]
    if found:
        yield from _Makers(handling, audience, found).own()


def _is_model(handling: Handling, cls: ClassSymbol) -> bool:
    """Whether a class is a plain model: nothing but the library's own base can fill its fields."""
    program = handling.facts.program
    if is_config_class(cls.name):
        return False
    outside = {one.dotted for one in program.mro(cls) if isinstance(one, ExternalSymbol)}
    if not outside & _BASES or any(
        one not in _BASES and one.rpartition(".")[2] not in PLAIN_BASES for one in outside
    ):
        return False
    summary = program.class_(cls)
    if any(_bare(one) not in KNOWN_DECORATORS for one in summary.decorators):
        return False
    if not _OWN_CODE.isdisjoint(summary.methods):
        return False
    functions = program.modules[cls.module].functions
    return not any(
        _VALIDATES.search(text) for name in summary.methods.values() for text in functions[name].decorators
    )


def _bare(decorator: str) -> str:
    return decorator.partition("(")[0].rpartition(".")[2]


class _Makers:
    """Looks at every place that names a model, or a name that stands for several."""

    def __init__(self, handling: Handling, audience: Audience, models: list[ClassSymbol]) -> None:
        self._handling = handling
        self._facts = handling.facts
        self._program = handling.facts.program
        self._audience = audience
        self._models = {*models}
        self._words = {one.name for one in models}
        self._made_outside: set[ClassSymbol] = set()
        self._decoded: set[ClassSymbol] = set()
        self._aliases: dict[ConstantSymbol, set[ClassSymbol]] = {}

    def own(self) -> Iterator[ClassSymbol]:
        for function, classes in self._facts.used_classes.items():
            if not self._models.isdisjoint(classes) or self._is_inside(function):
                self._look_at(function)
        for cls in self._models:
            self._constructions(cls)
        self._follow_aliases()
        self._annotations()
        for cls in self._models:
            line = self._handling.lines(cls)
            if self._models.issuperset(line) and not any(self._may_be_made_outside(one) for one in line):
                yield cls

    def _may_be_made_outside(self, cls: ClassSymbol) -> bool:
        if cls in self._made_outside or cls.name in self._handling.strings or self._audience.sees_class(cls):
            return True
        if cls not in self._handling.constructions and not self._program.subclasses(cls):
            return True  # nobody here makes it: who else does, is not known
        return cls in self._decoded and cls not in self._encoded and not self._is_written_out(cls)

    def _is_written_out(self, cls: ClassSymbol) -> bool:
        """Whether objects of a class get to a function that writes out any model: `send(message: BaseModel)`."""
        if not self._writers:
            return False
        made = [Spot(*one) for one in self._handling.constructions.get(cls, ())]
        return any(spot.function in self._writers for spot in self._facts.whereabouts.follow(made).spots)

    @cached_property
    def _writers(self) -> frozenset[FunctionSymbol]:
        """The functions that take a model of whatever class, by the library's own base, and write it out."""
        return frozenset(
            function
            for function in self._program.functions()
            for summary in (self._program.function(function),)
            if any(_bare(one.annotation or "") in _BASE_NAMES for one in summary.parameters)
            and any(node.kind is Kind.ATTR and node.data in _WRITES_OUT for node in summary.graph.nodes)
        )

    @cached_property
    def _encoded(self) -> frozenset[ClassSymbol]:
        facts = self._facts
        return frozenset(inner for cls in facts.exported for inner in with_inner(facts, cls))

    def _is_inside(self, function: FunctionSymbol) -> bool:
        """Whether a function stands in the body of a model: its own class is a parameter of it, which no name says."""
        outer = function.qualname.partition(".<locals>")[0].rpartition(".")[0]
        return ClassSymbol(function.module, outer) in self._models

    # -- bodies -------------------------------------------------------------------------------------------------------

    def _look_at(self, function: FunctionSymbol) -> None:
        nodes = self._program.function(function).graph.nodes
        for index, node in enumerate(nodes):
            if node.kind in {Kind.GLOBAL, Kind.ATTR, Kind.FREE, Kind.PARAM}:
                known = members(self._facts.inference.type_of(function, index))
                classes = {one.cls for one in known if isinstance(one, ClassObject)} & self._models
                if classes:
                    self._uses(function, index, classes)

    def _constructions(self, cls: ClassSymbol) -> None:
        """`Model(**data)`: what is in the data is not known, whoever makes the object."""
        for function, call in self._handling.constructions.get(cls, ()):
            shape = self._program.function(function).graph.nodes[call].data
            assert isinstance(shape, CallShape)
            if shape.starred or None in shape.keywords:
                self._made_outside.add(cls)

    def _follow_aliases(self) -> None:
        """`Message = Union[Heartbeat, Step]`: what is done with the name is done with each."""
        done: set[ConstantSymbol] = set()
        while pending := self._aliases.keys() - done:
            for alias in pending:
                done.add(alias)
                self._words.add(alias.name)
                for module, name in self._facts.whereabouts.index.names_of(alias):
                    self._words.add(name)
                    for qualname, summary in self._program.modules[module].functions.items():
                        for index, node in enumerate(summary.graph.nodes):
                            if node.kind is Kind.GLOBAL and node.data == name:
                                self._uses(FunctionSymbol(module, qualname), index, self._aliases[alias])

    def _uses(self, function: FunctionSymbol, start: int, classes: set[ClassSymbol]) -> None:
        graph = self._program.function(function).graph
        users, effects = self._facts.whereabouts.users(function)
        pending, seen = [start], {start}
        while pending:
            current = pending.pop()
            for effect in effects.get(current, ()):
                if effect.kind is EffectKind.STORE_GLOBAL and current != start:
                    alias = ConstantSymbol(function.module, str(effect.name))
                    self._aliases.setdefault(alias, set()).update(classes)
                elif effect.kind not in {EffectKind.EVALUATE, EffectKind.DROP}:
                    self._made_outside |= classes
            for user in users.get(current, ()):
                node = graph.nodes[user]
                if node.kind in {Kind.SEQUENCE, Kind.ITEM, Kind.PHI, Kind.NARROW, Kind.OP}:
                    if user not in seen:
                        seen.add(user)
                        pending.append(user)
                else:
                    self._use(function, node, current, classes)

    def _use(self, function: FunctionSymbol, user: Node, value: int, classes: set[ClassSymbol]) -> None:
        """One use of a class, or of a union of some, as a value."""
        if user.kind is Kind.COMPARE:
            return
        if user.kind is Kind.ATTR:
            if not all(self._is_its_own(cls, str(user.data)) for cls in classes):
                self._made_outside |= classes
            return
        if user.kind is not Kind.CALL:
            self._made_outside |= classes
            return
        if user.operands[0] == value:
            return
        callee = self._program.function(function).graph.nodes[user.operands[0]]
        if str(callee.data) in LOOKS_ONLY or value in factories_of(self._facts, function, user):
            return
        into = self._decoded if self._is_decoder(function, user) else self._made_outside
        into |= classes

    def _is_its_own(self, cls: ClassSymbol, name: str) -> bool:
        """Whether a member of a class is one that the program gives it, or makes no object."""
        if name in _SAYS_WHAT_IT_IS:
            return True
        return self._program.method(cls, name) is not None or self._program.field(cls, name) is not None

    def _is_decoder(self, function: FunctionSymbol, call: Node) -> bool:
        known = members(self._facts.inference.type_of(function, call.operands[0]))
        return bool(known) and all(
            isinstance(one, ExternalObject) and _DECODERS.fullmatch(one.dotted) for one in known
        )

    # -- declarations -------------------------------------------------------------------------------------------------

    def _annotations(self) -> None:
        """A model in the signature of what something outside calls, or in a class that it fills, is made by that."""
        for module in self._program.modules.values():
            for qualname, summary in module.functions.items():
                self._signature(FunctionSymbol(module.name, qualname), summary)
            for qualname, declared in module.classes.items():
                cls = ClassSymbol(module.name, qualname)
                for base in declared.bases:
                    if "[" in base:
                        self._named_in(module.name, base.partition("[")[2].rstrip("]"))
                if cls not in self._models and cls in self._handling.filled_outside:
                    for field in declared.fields.values():
                        self._named_in(module.name, field.annotation)

    def _signature(self, function: FunctionSymbol, summary: FunctionSummary) -> None:
        taken = [one.annotation for one in summary.parameters if self._names_any(one.annotation)]
        given = summary.returns if self._names_any(summary.returns) else None
        if not taken and given is None:
            return
        is_registered = any(_bare(one) not in KEEPS_THE_CALLER for one in summary.decorators)
        if given is not None and is_registered and not self._gives_only_objects(function, summary):
            self._named_in(function.module, given)
        if taken and (is_registered or self._is_called_by_others(function, summary)):
            for annotation in taken:
                self._named_in(function.module, annotation)

    def _is_called_by_others(self, function: FunctionSymbol, summary: FunctionSummary) -> bool:
        if summary.owner is not None and ClassSymbol(function.module, summary.owner) in self._models:
            return False
        if self._facts.call_sites.get(function) and function not in self._audience.handed_on:
            return False
        return summary.owner is None or not self._is_kept_inside(function)

    def _is_kept_inside(self, method: FunctionSymbol) -> bool:
        """Whether a method is handed over, and only to where the program itself calls it: a list of listeners."""
        whereabouts = self._facts.whereabouts
        spots: list[Spot] = []
        for function, node, is_sure in whereabouts.index.property_reads(method):
            if not is_sure:
                return False
            spots.append(Spot(function, node))
        trail = whereabouts.follow(spots)
        return bool(trail.of_kind(UseKind.CALLED)) and not trail.of_kind(UseKind.LEAVES, UseKind.UNCALLED)

    def _gives_only_objects(self, function: FunctionSymbol, summary: FunctionSummary) -> bool:
        """Whether what a function gives back is an object already, and not data that somebody makes one of."""
        given = [
            one.value for one in summary.graph.effects if one.kind in {EffectKind.RETURN, EffectKind.YIELD}
        ]
        known = [members(self._facts.inference.type_of(function, value)) for value in given]
        return all(one and UNKNOWN not in one and all(isinstance(x, Instance) for x in one) for one in known)

    def _names_any(self, annotation: str | None) -> bool:
        return annotation is not None and not self._words.isdisjoint(_WORD.findall(annotation))

    def _named_in(self, module: str, annotation: str | None) -> None:
        """Whoever fills what is annotated makes the models that the annotation names."""
        if annotation is None or not self._names_any(annotation):
            return
        for word in re.findall(r"[\w.]+", annotation):
            symbol = self._program.resolve(module, word)
            if isinstance(symbol, ClassSymbol) and symbol in self._models:
                self._made_outside.add(symbol)
            elif isinstance(symbol, ConstantSymbol):
                self._made_outside |= self._aliases.get(symbol, set())
