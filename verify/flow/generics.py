"""Type variables: what they stand for in a class `Box[Stats]`, and in a call that shows it by its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..source import ClassSymbol
from .arguments import argument_positions
from .given import Given
from .types import (
    NONE,
    UNKNOWN,
    ClassObject,
    External,
    FunctionObject,
    Instance,
    Type,
    TypeVariable,
    Union,
    each,
    members,
    union,
)

if TYPE_CHECKING:
    from .inference import Inference

Bindings = Mapping[TypeVariable, Type]

_DECLARES = {"typing.Generic", "typing.Protocol", "typing_extensions.Protocol"}
_NO_BINDINGS: Bindings = {}


def variables(type_: Type) -> tuple[TypeVariable, ...]:
    """Return the type variables that a type mentions, in order, each once."""
    match type_:
        case TypeVariable():
            return (type_,)
        case External(arguments=()) | Instance(arguments=()):
            return ()
        case External() | Instance() | Union():
            known = _variables.get(type_)
            if known is None:
                parts = members(type_) if isinstance(type_, Union) else type_.arguments
                found = dict.fromkeys(one for part in parts for one in variables(part))
                known = _variables[type_] = tuple(found)
            return known
        case _:
            return ()


_variables: dict[Type, tuple[TypeVariable, ...]] = {}


def substituted(type_: Type, bindings: Bindings = _NO_BINDINGS) -> Type:
    """Return a type with its variables replaced: by what they are bound to, else by what bounds them."""
    match type_:
        case TypeVariable(bound=bound):
            return bindings.get(type_, bound)
        case External(dotted="builtins.type", arguments=(held,)):
            return each(
                substituted(held, bindings),
                lambda one: ClassObject(one.cls) if isinstance(one, Instance) else UNKNOWN,
            )
        case External(dotted=dotted, arguments=parts) if parts:
            return External(dotted, tuple(substituted(part, bindings) for part in parts))
        case Instance(cls=cls, arguments=parts) if parts:
            return Instance(cls, tuple(substituted(part, bindings) for part in parts))
        case Union(members=parts):
            return union(*(substituted(part, bindings) for part in parts))
        case _:
            return type_


class Generics:
    """What the type variables of a program's classes and functions stand for."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._bases: dict[ClassSymbol, tuple[Type, ...]] = {}
        self._parameters: dict[ClassSymbol, tuple[TypeVariable, ...]] = {}

    def parameters(self, cls: ClassSymbol) -> tuple[TypeVariable, ...]:
        """Return the type variables that a class is declared with."""
        if cls not in self._parameters:
            bases = self._written_bases(cls)
            named = self._inference.program.class_(cls).type_parameters
            declared = [self._inference.declared(cls.module, name, None) for name in named] or [
                one for one in bases if isinstance(one, External) and one.dotted in _DECLARES
            ]
            found = [one for base in declared or bases for one in variables(base)]
            self._parameters[cls] = tuple(dict.fromkeys(found))
        return self._parameters[cls]

    def _written_bases(self, cls: ClassSymbol) -> tuple[Type, ...]:
        if cls not in self._bases:
            written = [base for base in self._inference.program.class_(cls).bases if "[" in base]
            self._bases[cls] = tuple(self._inference.declared(cls.module, base, None) for base in written)
        return self._bases[cls]

    def bindings(self, cls: ClassSymbol, arguments: tuple[Type, ...], above: ClassSymbol) -> Bindings:
        """Return what the variables of a class above stand for in `cls[arguments]`."""
        own = dict(zip(self.parameters(cls), arguments, strict=False))
        if above == cls:
            return own
        mro = self._inference.program.mro
        for base in self._written_bases(cls):
            if isinstance(base, Instance) and above in mro(base.cls):
                inner = tuple(substituted(part, own) for part in base.arguments)
                return self.bindings(base.cls, inner, above)
        for plain in self._inference.program.bases(cls):
            if isinstance(plain, ClassSymbol) and above in mro(plain):
                return self.bindings(plain, (), above)
        return _NO_BINDINGS

    def made(self, cls: ClassSymbol, given: Given | None) -> Instance:
        """Return what `cls(...)` gives: what its type variables are shows in the arguments."""
        wanted = self.parameters(cls)
        if not wanted or given is None:
            return Instance(cls)
        constructor = self._inference.constructor(cls)
        found: dict[TypeVariable, Type] = {}
        if constructor is not None:
            self._match_arguments(FunctionObject(constructor, Instance(cls)), given, found)
        else:
            names = dict(zip(self._inference.positional_fields(cls), given.positional, strict=False))
            for name, node in {**names, **given.keywords}.items():
                annotation = self._inference.field_annotation(cls, name)
                if annotation is not None:
                    pattern = self._inference.declared(cls.module, annotation, cls)
                    match_type(self._inference, pattern, self._inference.type_of(given.function, node), found)
        return Instance(cls, tuple(found.get(one, one.bound) for one in wanted) if found else ())

    def returned(self, called: FunctionObject, given: Given | None, returns: Type) -> Type:
        """Return what a call gives of a function that declares to return a type with variables."""
        function, receiver = called.function, called.receiver
        summary = self._inference.program.function(function)
        found: dict[TypeVariable, Type] = {}
        if summary.owner is not None and isinstance(receiver, Instance):
            owner = ClassSymbol(function.module, summary.owner)
            found.update(self.bindings(receiver.cls, receiver.arguments, owner))
        if receiver is not None and summary.parameters and summary.parameters[0].annotation is not None:
            bound = self._inference.declared(function.module, summary.parameters[0].annotation, None)
            match_type(self._inference, bound, receiver, found)
        if given is not None:
            self._match_arguments(called, given, found)
        return substituted(returns, found)

    def _match_arguments(self, called: FunctionObject, given: Given, found: dict[TypeVariable, Type]) -> None:
        """Bind the variables of a function's parameters by what a call gives them; what is bound stays."""
        summary = self._inference.program.function(called.function)
        owner = ClassSymbol(called.function.module, summary.owner) if summary.owner else None
        annotations = {p.name: p.annotation for p in summary.parameters if p.annotation is not None}
        matched: dict[TypeVariable, Type] = {}
        for name, positions in argument_positions(self._inference.program, called, given.node).items():
            pattern = self._inference.declared(called.function.module, annotations.get(name, "object"), owner)
            if not variables(pattern):
                continue
            for position in positions:
                operand = given.node.operands[1 + position]
                actual = self._inference.type_of(given.function, operand)
                match_type(self._inference, pattern, actual, matched)
        for variable, bound in matched.items():
            found.setdefault(variable, bound)


def match_type(inference: Inference, pattern: Type, actual: Type, found: dict[TypeVariable, Type]) -> None:
    """Bind the variables of a declared type by a type that is given for it."""
    match pattern, actual:
        case TypeVariable(), _:
            known = actual if actual is not NONE else UNKNOWN
            found[pattern] = union(found[pattern], known) if pattern in found else known
        case Union(members=parts), _:
            plain = {one for one in parts if not variables(one)}
            rest = union(*([one for one in members(actual) if one not in plain] or [UNKNOWN]))
            for one in parts:
                if variables(one):
                    match_type(inference, one, rest, found)
        case External(dotted="builtins.type", arguments=(inner,)), ClassObject(cls=cls):
            match_type(inference, inner, Instance(cls), found)
        case External(dotted="collections.abc.Callable", arguments=(returned, *_)), _:
            match_type(inference, returned, each(actual, inference.called), found)
        case (External(arguments=wanted), External(arguments=given)) if len(wanted) == len(given):
            for one, other in zip(wanted, given, strict=True):
                match_type(inference, one, other, found)
        case External(arguments=(inner,)), _:
            match_type(inference, inner, inference.elements(actual), found)
        case Instance(cls=cls, arguments=wanted), Instance(cls=other, arguments=given):
            if cls in inference.program.mro(other):
                bound = inference.generics.bindings(other, given, cls)
                for one, variable in zip(wanted, inference.generics.parameters(cls), strict=False):
                    match_type(inference, one, bound.get(variable, UNKNOWN), found)
        case _:
            pass  # shows nothing
