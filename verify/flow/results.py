"""What calls give: of functions, classes and builtins, and what `super()` and `cast` mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import CallShape, Kind, Node
from .containers import element, iterated, method_result
from .types import (
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    SuperObject,
    Type,
    each,
    members,
    union,
)

if TYPE_CHECKING:
    from .inference import Inference

_PASSES_ELEMENTS = {"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "deque", "filter"}
_SAME_TYPE = {"copy", "deepcopy", "replace", "__copy__", "__enter__"}


def _super(inference: Inference, function: FunctionSymbol, arguments: Sequence[int]) -> Type:
    if arguments:
        first = inference.type_of(function, arguments[0])
        return SuperObject(first.cls) if isinstance(first, ClassObject) else UNKNOWN
    summary = inference.program.function(function)
    while summary.owner is None and summary.enclosing is not None:
        summary = inference.program.function(FunctionSymbol(function.module, summary.enclosing))
    return UNKNOWN if summary.owner is None else SuperObject(ClassSymbol(function.module, summary.owner))


def call_result(inference: Inference, function: FunctionSymbol, node: Node) -> Type:
    """Return what a call gives."""
    callee = inference.type_of(function, node.operands[0])
    shape = node.data
    assert isinstance(shape, CallShape)
    arguments = node.operands[1 : 1 + shape.positional]
    return each(callee, lambda one: _called(inference, function, one, arguments))


def _called(inference: Inference, function: FunctionSymbol, callee: Type, arguments: Sequence[int]) -> Type:
    match callee:
        case ClassObject(cls=cls):
            return Instance(cls)
        case FunctionObject(function=called, receiver=receiver):
            summary = inference.program.function(called)
            if summary.returns is not None and summary.returns.strip("'\"").endswith("Self"):
                one = next(iter(members(receiver)), UNKNOWN) if receiver is not None else UNKNOWN
                return Instance(one.cls) if isinstance(one, ClassObject) else one
            return inference.return_type(called)
        case Instance(cls=cls):
            method = inference.program.method(cls, "__call__")
            return inference.return_type(method) if method else UNKNOWN
        case External(dotted="collections.abc.Callable", arguments=(returned, *_)):
            return returned
        case ExternalObject(dotted=dotted, receiver=receiver):
            return _external_call(inference, function, dotted, receiver, arguments)
        case _:
            return UNKNOWN


def _external_call(
    inference: Inference,
    function: FunctionSymbol,
    dotted: str,
    receiver: Type | None,
    arguments: Sequence[int],
) -> Type:
    name = dotted.rpartition(".")[2]
    if isinstance(receiver, External):
        return method_result(receiver, name)
    if dotted == "builtins.super":
        return _super(inference, function, arguments)
    if not arguments:
        return External(dotted)
    first = inference.type_of(function, arguments[0])
    if name == "cast":
        return _cast(inference, function, arguments[0])
    if name in _SAME_TYPE:
        return first
    inner = each(first, lambda one: element(iterated(inference, one)))
    if name in _PASSES_ELEMENTS:
        return External(dotted, (inner,))
    if name in {"next", "min", "max"} and len(arguments) == 1:
        return inner
    if name == "enumerate":
        return External("builtins.list", (External("builtins.tuple", (External("builtins.int"), inner)),))
    if name == "zip":
        inners = tuple(
            union(
                *(element(iterated(inference, one)) for one in members(inference.type_of(function, argument)))
            )
            for argument in arguments
        )
        return External("builtins.list", (External("builtins.tuple", inners),))
    if dotted.startswith("?."):
        return UNKNOWN
    return External(dotted)


def _cast(inference: Inference, function: FunctionSymbol, index: int) -> Type:
    node = inference.program.function(function).graph.nodes[index]
    if node.kind is Kind.CONST and isinstance(node.data, str):
        return inference.annotated(function.module, node.data, None)
    found = inference.type_of(function, index)
    return Instance(found.cls) if isinstance(found, ClassObject) else UNKNOWN
