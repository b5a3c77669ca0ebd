"""What calls of the program's own functions and classes give, and of what is held in a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..source import FunctionSymbol
from ..source.model import Node
from .given import Given
from .outside import outside_result
from .types import UNKNOWN, ClassObject, External, ExternalObject, FunctionObject, Instance, Type, each

if TYPE_CHECKING:
    from .inference import Inference


def call_result(inference: Inference, function: FunctionSymbol, node: Node) -> Type:
    """Return what a call gives."""
    given = Given.of(function, node)
    return each(inference.type_of(function, node.operands[0]), lambda one: called(inference, one, given))


def called(inference: Inference, callee: Type, given: Given | None) -> Type:
    """Return what calling one alternative gives; `given` is None where somebody else makes the call."""
    match callee:
        case ClassObject(cls=cls):
            return inference.generics.made(cls, given)
        case FunctionObject():
            return inference.returned_to(callee, given)
        case Instance(cls=cls):
            method = inference.program.method(cls, "__call__")
            return inference.returned_to(FunctionObject(method, callee), given) if method else UNKNOWN
        case External(dotted="collections.abc.Callable" | "typing.Callable", arguments=(returned, *_)):
            return returned
        case External(dotted="functools.partial", arguments=(held,)):
            return each(held, lambda one: called(inference, one, None))
        case External(dotted="weakref.ref" | "weakref.ReferenceType", arguments=(held,)):
            return held
        case ExternalObject(dotted=dotted, receiver=receiver):
            if given is None:
                return External(dotted) if receiver is None and not dotted.startswith("?.") else UNKNOWN
            return outside_result(inference, dotted, receiver, given)
        case _:
            return UNKNOWN
