"""Functions that are declared several times by `@overload`: which declaration a call means."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..source import ClassSymbol
from ..source.model import CallShape, Kind, Overload
from .generics import match_type, substituted
from .given import Given
from .types import (
    NONE,
    NOTHING,
    UNKNOWN,
    ClassObject,
    External,
    FunctionObject,
    Instance,
    Type,
    TypeVariable,
    Union,
    union,
)

if TYPE_CHECKING:
    from .inference import Inference

_PLAIN = {
    "builtins.int",
    "builtins.float",
    "builtins.str",
    "builtins.bool",
    "builtins.bytes",
    "builtins.complex",
}
_TAKEN_AS = {
    ("builtins.bool", "builtins.int"),
    ("builtins.int", "builtins.float"),
    ("builtins.bool", "builtins.float"),
}


def overloaded(inference: Inference, called: FunctionObject, given: Given | None) -> Type:
    """Return what a call of an overloaded function gives: by the first declaration that takes what is given.

    Where that cannot be told, it is what all of those give that may be meant.
    """
    overloads = inference.program.function(called.function).overloads
    fitting: list[Overload] = []
    for one in overloads if given is not None else ():
        assert given is not None
        fits = _fits(inference, called, one, given)
        if fits is not False:
            fitting.append(one)
        if fits:
            break
    return union(*(_returned(inference, called, one, given) for one in fitting or overloads))


def _returned(inference: Inference, called: FunctionObject, overload: Overload, given: Given | None) -> Type:
    parameters, returns = overload
    if returns is None:
        return UNKNOWN
    module, receiver = called.function.module, called.receiver
    own = receiver.cls if isinstance(receiver, Instance | ClassObject) else None
    found: dict[TypeVariable, Type] = {}
    if isinstance(receiver, Instance):
        summary = inference.program.function(called.function)
        declaring = ClassSymbol(module, summary.owner) if summary.owner is not None else receiver.cls
        found.update(inference.generics.bindings(receiver.cls, receiver.arguments, declaring))
    annotations = {name: annotation for name, annotation, _, _ in parameters if annotation is not None}
    if given is not None:
        for name, node in _bound(called, overload, given) or ():
            pattern = inference.declared(module, annotations.get(name, "object"), own)
            match_type(inference, pattern, inference.type_of(given.function, node), found)
    return substituted(inference.declared(module, returns, own), found)


def _bound(called: FunctionObject, overload: Overload, given: Given) -> list[tuple[str, int]] | None:
    """Return which nodes go to which parameters; None where a call does not fit a declaration."""
    parameters = list(overload[0])
    if called.receiver is not None and parameters and parameters[0][2] == "positional":
        del parameters[0]
    places = [name for name, _, kind, _ in parameters if kind == "positional"]
    rest = next((name for name, _, kind, _ in parameters if kind == "args"), None)
    keyword_rest = next((name for name, _, kind, _ in parameters if kind == "kwargs"), None)
    named = {name for name, _, kind, _ in parameters if kind in {"positional", "keyword"}}
    found: list[tuple[str, int]] = []
    for position, node in enumerate(given.positional):
        name = places[position] if position < len(places) else rest
        if name is None:
            return None
        found.append((name, node))
    for keyword, node in given.keywords.items():
        name = keyword if keyword in named else keyword_rest
        if name is None:
            return None
        found.append((name, node))
    have = {name for name, _ in found}
    if any(
        not optional and kind in {"positional", "keyword"} and name not in have
        for name, _, kind, optional in parameters
    ):
        return None
    return found


def _fits(inference: Inference, called: FunctionObject, overload: Overload, given: Given) -> bool | None:
    """Whether a declaration takes what a call gives; None where that cannot be told."""
    shape = given.node.data
    assert isinstance(shape, CallShape)
    if given.starred or None in shape.keywords:
        return None
    bound = _bound(called, overload, given)
    if bound is None:
        return False
    annotations = {name: annotation for name, annotation, _, _ in overload[0]}
    own = called.receiver.cls if isinstance(called.receiver, Instance | ClassObject) else None
    answers = [
        _takes(inference, called.function.module, own, annotations.get(name), given, node)
        for name, node in bound
    ]
    if False in answers:
        return False
    return None if None in answers else True


def _takes(
    inference: Inference,
    module: str,
    own: ClassSymbol | None,
    annotation: str | None,
    given: Given,
    index: int,
) -> bool | None:
    if annotation is None:
        return True
    node = inference.program.function(given.function).graph.nodes[index]
    literals = _literals(annotation)
    if literals is not None and node.kind is Kind.CONST:
        return any(type(one) is type(node.data) and one == node.data for one in literals)
    if literals is not None:
        return None
    wanted = list(_alternatives(inference.declared(module, annotation, own)))
    answers = [
        _any(inference, wanted, one) for one in _alternatives(inference.type_of(given.function, index))
    ]
    if False in answers:
        return False
    return None if None in answers or not answers else True


def _alternatives(type_: Type) -> Iterator[Type]:
    if isinstance(type_, Union):
        yield from type_.members
    else:
        yield type_


def _any(inference: Inference, wanted: list[Type], actual: Type) -> bool | None:
    answers = [_is(inference, one, actual) for one in wanted]
    if True in answers:
        return True
    return None if None in answers else False


def _is(inference: Inference, wanted: Type, actual: Type) -> bool | None:
    """Whether a value of one type is of another; None where that is not known."""
    if actual is UNKNOWN or actual is NOTHING or wanted is UNKNOWN:
        return None
    match wanted, actual:
        case TypeVariable(), _:
            return None
        case (Instance(cls=cls), Instance(cls=other)):
            if inference.program.is_protocol(cls):
                return None
            mro = inference.program.mro(other)
            return (
                True
                if cls in mro
                else (None if any(not isinstance(one, ClassSymbol) for one in mro[:-1]) else False)
            )
        case (External(dotted=dotted), External(dotted=other)):
            if dotted == other:
                return None if wanted != actual and wanted.arguments else True
            if (other, dotted) in _TAKEN_AS:
                return True
            return False if {dotted, other} <= _PLAIN else None
        case (External(dotted=dotted), Instance()):
            return False if dotted in _PLAIN else None
        case (Instance(), External(dotted=dotted)):
            return False if dotted in _PLAIN else None
        case _:
            if NONE in {wanted, actual}:
                return (
                    wanted is actual if not isinstance(wanted, External) or wanted.dotted in _PLAIN else None
                )
            return None


def _literals(annotation: str) -> list[object] | None:
    """Return the values of `Literal["a", 1]`, None where an annotation is none."""
    head, bracket, rest = annotation.partition("[")
    if not bracket or head.rpartition(".")[2] != "Literal":
        return None
    try:
        value = ast.literal_eval(f"({rest.removesuffix(']')},)")
    except (ValueError, SyntaxError):
        return None
    return list(value) if isinstance(value, tuple) else None
