"""Receiver types: whose field is it that `x.name` reads?"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, ModuleSymbol, Program
from ..source.model import DisplayNode, EffectKind, FunctionSummary, Kind, Narrowing, Node, Proof
from ..source.program import ExternalSymbol
from .annotations import annotated_type
from .attributes import LITERALS, attribute, written_in_class
from .by_callers import ByCallers, is_open
from .classes import ClassFacts, receiver_name, takes_class
from .containers import element, entered, item, iterated, unpacked
from .contents import Contents, Put, filled
from .fixpoint import FixedPoint
from .foreign import set_by_computed_names
from .generics import Generics, substituted, variables
from .given import Given
from .lambdas import Lambdas
from .narrowing import assigned_value, classes_of, declared_value, excluded, narrowed, tagged
from .operators import operation
from .overloads import overloaded
from .own_class import OwnClass
from .pools import awaited
from .results import call_result, called
from .rows import RESULT, Place, Rows
from .types import (
    NONE,
    NOTHING,
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    ModuleObject,
    Type,
    each,
    limited,
    members,
    union,
)

_STEP = 100
_LITERAL_TYPES = {python: External(f"builtins.{name}") for python, name in LITERALS.items()}

_FieldOf = tuple[ClassSymbol, str, tuple[Type, ...]]
"""A field of a class with these type arguments."""


class Inference(ClassFacts):
    """Answers what type a node of a value graph has; every answer is computed once."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._types: Rows[Type] = Rows(program)
        self._field_types: dict[_FieldOf, Type] = {}
        self._questions: FixedPoint[Place | _FieldOf, Type] = FixedPoint(
            NOTHING,
            UNKNOWN,
            unsettled=lambda _, found: union(found, UNKNOWN),
            answer=self._answer,
            keep=self._keep,
        )
        self.generics = Generics(self)
        self.own_class = OwnClass(self)
        self.contents = Contents(self)
        self._lambdas = Lambdas(self)
        self._by_callers = ByCallers(self)
        self._set_anyhow: frozenset[ClassSymbol] | None = None
        self._through: dict[FunctionSymbol, int] = {}  # up to which node a body's types were asked for
        self._annotations: dict[tuple[str, str, ClassSymbol | None], Type] = {}
        self._declarations: dict[tuple[str, str, ClassSymbol | None], Type] = {}

    # -- questions ------------------------------------------------------------------------------------------

    def type_of(self, function: FunctionSymbol, index: int) -> Type:
        """Return the type of a node."""
        row = self._types[function]
        known = row[index]
        if known is not None:
            return known
        through = self._through.get(function, 0)
        if (
            index > through + _STEP
        ):  # a long body, from its start: what a node is made of mostly stands before it
            self._through[function] = index
            for earlier in range(through, index):
                if row[earlier] is None:
                    self._questions.ask((function, earlier))
            known = row[index]
        return self._questions.ask((function, index)) if known is None else known

    def field_type(self, cls: ClassSymbol, name: str, arguments: tuple[Type, ...] = ()) -> Type | None:
        """Return a field's type in `cls[arguments]`, or None where the class has no such field."""
        field = (cls, name, arguments)
        known = self._field_types.get(field)
        if known is not None:
            return known
        return None if self.owner_of_field(cls, name) is None else self._questions.ask(field)

    def _answer(self, question: Place | _FieldOf) -> Type:
        if len(question) == 3:
            return limited(self._field(*question))
        function, index = question
        if index == RESULT:
            return limited(self._returned(function))
        return limited(self._infer(function, self.program.function(function), index))

    def _keep(self, question: Place | _FieldOf, found: Type) -> None:
        if len(question) == 3:
            self._field_types[question] = found
        else:
            self._types[question[0]][question[1]] = found

    def _field(self, cls: ClassSymbol, name: str, arguments: tuple[Type, ...]) -> Type:
        line = [one for one in self.program.mro(cls) if isinstance(one, ClassSymbol)]
        for one in line:
            annotation = self.field_annotation(one, name)
            if annotation is not None:
                declared_as = self.declared(one.module, annotation, cls)
                is_open = bool(variables(declared_as))
                return substituted(
                    declared_as, self.generics.bindings(cls, arguments, one) if is_open else {}
                )
        stores = [store for one in line for store in self.field_stores(one, name)]
        found: list[Type] = [self.type_of(store.function, store.value) for store in stores]
        for one in line:
            declared = self.program.class_(one).fields.get(name)
            if declared is not None and declared.default is not None and not self.is_enum(cls):
                found.append(written_in_class(self, one, declared.default.text))
        return each(
            union(*found), lambda one: self._with_puts(one, lambda: self.contents.of_field(cls, name))
        )

    def _with_puts(self, held: Type, puts: Callable[[], list[Put]]) -> Type:
        """Add what is put into a container elsewhere, where nothing is known of what it holds."""
        is_open = isinstance(held, External) and held.arguments[-1:] in {(), (UNKNOWN,), (NOTHING,)}
        return filled(self, held, puts()) if is_open else held

    def return_type(self, function: FunctionSymbol) -> Type:
        """Return what a function returns: as annotated, else as its returns show."""
        known = self._types[function][RESULT]
        return self._questions.ask((function, RESULT)) if known is None else known

    def _returned(self, function: FunctionSymbol) -> Type:
        summary = self.program.function(function)
        if summary.returns is not None:
            owner = ClassSymbol(function.module, summary.owner) if summary.owner else None
            return self.annotated(function.module, summary.returns, owner)
        wanted = EffectKind.YIELD if summary.is_generator else EffectKind.RETURN
        values = [effect.value for effect in summary.graph.effects if effect.kind is wanted]
        found = union(*(self.type_of(function, value) for value in values)) if values else NONE
        return External("collections.abc.Generator", (found,)) if summary.is_generator else found

    def returned_to(self, called: FunctionObject, given: Given | None) -> Type:
        """Return what a function gives to one call: `Self` and type variables are what they are there."""
        summary = self.program.function(called.function)
        if summary.overloads:
            return overloaded(self, called, given)
        receiver = called.receiver
        own = receiver.cls if isinstance(receiver, Instance | ClassObject) else None
        returns = summary.returns
        if returns is None:
            is_inherited = own is not None and own != self.owner_of(called.function)
            if is_inherited and isinstance(receiver, Instance | ClassObject):
                return self.own_class.returned(called.function, receiver)
            return self.return_type(called.function)
        declared_as = self.declared(called.function.module, returns, own if "Self" in returns else None)
        if variables(declared_as):
            return self.generics.returned(called, given, declared_as)
        return declared_as if "Self" in returns else self.return_type(called.function)

    def called(self, callee: Type) -> Type:
        """Return what calling a value gives, whatever it is given."""
        return called(self, callee, None)

    def elements(self, iterable: Type) -> Type:
        """Return what iterating over a value gives."""
        return each(iterable, lambda one: element(iterated(self, one)))

    def owner_of(self, function: FunctionSymbol) -> ClassSymbol | None:
        """Return the class that a function is a method of, or stands in a method of."""
        summary = self.program.function(function)
        while summary.owner is None and summary.enclosing is not None:
            summary = self.program.function(FunctionSymbol(function.module, summary.enclosing))
        return None if summary.owner is None else ClassSymbol(function.module, summary.owner)

    def written_type(self, function: FunctionSymbol, index: int) -> Type:
        """Return the type that an argument names, as in `cast(T, x)`."""
        node = self.program.function(function).graph.nodes[index]
        if node.kind is Kind.CONST:
            return self.annotated(function.module, node.data, None) if isinstance(node.data, str) else NONE
        return each(self.type_of(function, index), lambda one: called(self, one, None))

    def annotated(self, module: str, annotation: str, owner: ClassSymbol | None) -> Type:
        """Return what an annotation in a module means; `owner` is what `Self` stands for."""
        key = (module, annotation, owner)
        if key not in self._annotations:
            self._annotations[key] = substituted(self.declared(module, annotation, owner))
        return self._annotations[key]

    def declared(self, module: str, annotation: str, owner: ClassSymbol | None) -> Type:
        """Return what an annotation means, with its type variables as they are."""
        key = (module, annotation, owner)
        if key not in self._declarations:
            self._declarations[key] = annotated_type(self.program, module, annotation, owner=owner)
        return self._declarations[key]

    def set_by_any_name(self) -> frozenset[ClassSymbol]:
        """Return the classes whose objects are set by names that are not known: `setattr(state, name, value)`."""
        if self._set_anyhow is None:
            self._set_anyhow = frozenset(
                one.cls
                for function, receiver in set_by_computed_names(self.program)
                for one in members(self.type_of(function, receiver))
                if isinstance(one, Instance | ClassObject)
            )
        return self._set_anyhow

    def class_or_below(self, cls: ClassSymbol) -> ClassObject:
        """Return the class of an object that is of a class or of one below it."""
        return ClassObject(cls, bool(self.program.subclasses(cls)))

    # -- inference ------------------------------------------------------------------------------------------

    def _infer(self, function: FunctionSymbol, summary: FunctionSummary, index: int) -> Type:
        node = summary.graph.nodes[index]
        match node.kind:
            case Kind.CONST:
                return _LITERAL_TYPES.get(type(node.data), NONE)
            case Kind.PARAM:
                return self._parameter(function, summary, name_of(node))
            case Kind.GLOBAL:
                return self._global(function.module, name_of(node))
            case Kind.FREE:
                return self._free(function, name_of(node))
            case Kind.REBOUND:
                setter, values = self.rebound(function, node)
                return union(*(self.type_of(setter, value) for value in values))
            case Kind.FUNCTION:
                qualname = name_of(node)
                if qualname in self.program.modules[function.module].classes:
                    return ClassObject(ClassSymbol(function.module, qualname))
                return FunctionObject(FunctionSymbol(function.module, qualname))
            case Kind.ATTR:
                base = self.type_of(function, node.operands[0])
                return each(base, lambda one: self.attribute(one, name_of(node)))
            case Kind.CALL:
                return filled(
                    self, call_result(self, function, node), self.contents.of_local(function, index)
                )
            case Kind.PHI:
                return union(*(self.type_of(function, operand) for operand in node.operands))
            case Kind.NARROW:
                return self._narrow(function, summary, node)
            case Kind.ELEMENT:
                return self.elements(self.type_of(function, node.operands[0]))
            case Kind.UNPACK:
                return unpacked(self, self.type_of(function, node.operands[0]), node.data)
            case Kind.ITEM:
                base = self.type_of(function, node.operands[0])
                position = summary.graph.nodes[node.operands[1]]
                return each(base, lambda one: item(self, one, position))
            case Kind.SEQUENCE:
                inner = tuple(self.type_of(function, operand) for operand in node.operands)
                if node.data == "tuple" and inner:
                    return External("builtins.tuple", inner)
                made = External(f"builtins.{name_of(node)}", (union(*inner) if inner else NOTHING,))
                return filled(self, made, self.contents.of_local(function, index))
            case Kind.DICT:
                assert isinstance(node.data, tuple)
                key = self._keys(function, node)
                inner = tuple(self.type_of(function, operand) for operand in node.operands)
                value = union(*inner) if inner else NOTHING
                made = External("builtins.dict", (key, value))
                return filled(self, made, self.contents.of_local(function, index))
            case Kind.ENTER:
                return entered(self, self.type_of(function, node.operands[0]))
            case Kind.COMPARE:
                return External("builtins.bool")
            case Kind.OP:
                return operation(self, node.data, [self.type_of(function, one) for one in node.operands])

    def _keys(self, function: FunctionSymbol, display: Node) -> Type:
        """Return what the keys of a mapping are that is written as one."""
        assert isinstance(display.data, tuple)
        computed = display.keys if isinstance(display, DisplayNode) else ()
        found = [
            External("builtins.str")
            if key is not None
            else UNKNOWN
            if node < 0
            else self.type_of(function, node)
            for key, node in itertools.zip_longest(display.data, computed, fillvalue=-1)
        ]
        return union(*found) if found else UNKNOWN

    def _parameter(self, function: FunctionSymbol, summary: FunctionSummary, name: str) -> Type:
        if name == receiver_name(summary) and summary.owner is not None:
            owner = ClassSymbol(function.module, summary.owner)
            return self.class_or_below(owner) if takes_class(summary) else Instance(owner)
        for parameter in summary.parameters:
            if parameter.name == name and parameter.annotation is not None:
                owner_class = ClassSymbol(function.module, summary.owner) if summary.owner else None
                found = self.annotated(function.module, parameter.annotation, owner_class)
                if parameter.kind == "args":
                    return External("builtins.tuple", (found,))
                return (
                    External("builtins.dict", (External("builtins.str"), found))
                    if parameter.kind == "kwargs"
                    else found
                )
            if parameter.name == name and is_open(parameter) and not function.name.startswith("<lambda"):
                return self._by_callers.parameter(function, summary, parameter)
            if parameter.name == name and parameter.default is not None and parameter.default.is_literal:
                literal = LITERALS.get(type(parameter.default.literal))
                return External(f"builtins.{literal}") if literal else UNKNOWN
        if function.name.startswith("<lambda"):
            names = [parameter.name for parameter in summary.parameters]
            return self._lambdas.parameter(function, names.index(name)) if name in names else UNKNOWN
        return UNKNOWN

    def _free(self, function: FunctionSymbol, name: str) -> Type:
        enclosing = self.enclosing_binding(function, name)
        if enclosing is None:
            return UNKNOWN
        outer, values = enclosing
        return union(*(self.type_of(outer, value) for value in values))

    def enclosing_binding(
        self, function: FunctionSymbol, name: str
    ) -> tuple[FunctionSymbol, tuple[int, ...]] | None:
        """Return the enclosing function that binds a free name, with every value it was given there."""
        summary = self.program.function(function)
        while summary.enclosing is not None:
            outer = FunctionSymbol(function.module, summary.enclosing)
            summary = self.program.function(outer)
            if name in summary.graph.bindings:
                return outer, summary.graph.bindings[name]
        return None

    def rebound(self, function: FunctionSymbol, node: Node) -> tuple[FunctionSymbol, tuple[int, ...]]:
        """Return a nested function and every value that it gives a name of `function` by `nonlocal`."""
        assert isinstance(node.data, tuple)
        qualname, name = node.data
        inner = FunctionSymbol(function.module, str(qualname))
        return inner, self.program.function(inner).graph.bindings.get(str(name), ())

    def _global(self, module: str, name: str) -> Type:
        return self.symbol_type(self.program.resolve(module, name))

    def symbol_type(self, symbol: object) -> Type:
        """Return the type of what a name means: a class, a function, a module, a variable."""
        match symbol:
            case ClassSymbol():
                return ClassObject(symbol)
            case FunctionSymbol():
                return FunctionObject(symbol)
            case ModuleSymbol(name=name):
                return ModuleObject(name)
            case ConstantSymbol(module=module, name=name):
                variable = self.program.modules[module].variables.get(name)
                if variable is not None and variable.annotation is not None:
                    return self.annotated(module, variable.annotation, None)
                stores = self.global_stores(module, name)
                found = union(*(self.type_of(store.function, store.value) for store in stores))
                return each(
                    found, lambda one: self._with_puts(one, lambda: self.contents.of_global(module, name))
                )
            case ExternalSymbol(dotted=dotted):
                return ExternalObject(dotted)
            case _:
                return UNKNOWN

    def attribute(self, base: Type, name: str) -> Type:
        """Return the type of `base.name` for one alternative of a receiver."""
        return attribute(self, base, name)

    def _narrow(self, function: FunctionSymbol, summary: FunctionSummary, node: Node) -> Type:
        narrowing = node.data
        assert isinstance(narrowing, Narrowing)
        value = self.type_of(function, node.operands[0])
        owner = ClassSymbol(function.module, summary.owner) if summary.owner else None
        if narrowing.proof is Proof.AWAITED:
            return awaited(value)
        if narrowing.proof in {Proof.TAGGED, Proof.NOT_TAGGED}:
            field_name, tag = narrowing.types
            return tagged(self, value, field_name, tag, holds=narrowing.proof is Proof.TAGGED)
        named = union(*(self.annotated(function.module, written, owner) for written in narrowing.types))
        match narrowing.proof:
            case Proof.IS:
                return narrowed(self.program, value, named)
            case Proof.IS_NOT:
                return excluded(self.program, value, named)
            case Proof.SUBCLASS:
                return narrowed(self.program, value, classes_of(named))
            case Proof.NOT_SUBCLASS:
                return excluded(self.program, value, classes_of(named))
            case Proof.DECLARED:
                return declared_value(self.program, value, named)
            case Proof.ASSIGNED:
                return assigned_value(self.program, value, named)


def name_of(node: Node) -> str:
    """Return the name that a node holds: of a parameter, a global, an attribute, a function."""
    assert isinstance(node.data, str)
    return node.data
