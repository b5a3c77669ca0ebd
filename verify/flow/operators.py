"""What operators give: of the program's classes their methods, of containers what both hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .types import UNKNOWN, External, FunctionObject, Instance, Type, Union, each, union

if TYPE_CHECKING:
    from .inference import Inference

_METHODS = {
    "Add": "__add__",
    "Sub": "__sub__",
    "Mult": "__mul__",
    "Div": "__truediv__",
    "FloorDiv": "__floordiv__",
    "Mod": "__mod__",
    "Pow": "__pow__",
    "MatMult": "__matmul__",
    "BitOr": "__or__",
    "BitAnd": "__and__",
    "BitXor": "__xor__",
    "LShift": "__lshift__",
    "RShift": "__rshift__",
    "USub": "__neg__",
    "UAdd": "__pos__",
    "Invert": "__invert__",
}
_OF_THE_LEFT = {"Sub", "BitAnd"}
_OF_BOTH = {"Add", "BitOr"}


def operation(inference: Inference, operator: object, operands: list[Type]) -> Type:
    """Return what an operator gives; unknown where the operands' types do not show it."""
    if operator in {"f-string", "format", "repr"}:
        return External("builtins.str")
    if operator == "Not":
        return External("builtins.bool")
    if operator in _METHODS and operands:
        return each(operands[0], lambda left: _applied(inference, str(operator), left, operands[1:]))
    return _alike(operands)


def _applied(inference: Inference, operator: str, left: Type, right: list[Type]) -> Type:
    if isinstance(left, Instance):
        method = inference.program.method(left.cls, _METHODS[operator])
        if method is not None:
            return inference.returned_to(FunctionObject(method, left), None)
    if isinstance(left, External) and left.arguments:
        if operator in _OF_THE_LEFT:
            return left
        if operator in _OF_BOTH and len(right) == 1:
            return each(right[0], lambda other: _together(left, other))
    return _alike([left, *right])


def _together(left: External, right: Type) -> Type:
    """`[a] + [b]` holds both; what is added in place of a container of another kind is its elements."""
    if not isinstance(right, External) or right.dotted != left.dotted:
        return left if right is UNKNOWN else _alike([left, right])
    if left.dotted == "builtins.tuple":
        return External(left.dotted, (*left.arguments, *right.arguments))
    if len(left.arguments) != len(right.arguments):
        return left
    pairs = zip(left.arguments, right.arguments, strict=True)
    return External(left.dotted, tuple(union(one, other) for one, other in pairs))


def _alike(operands: list[Type]) -> Type:
    """Numbers of one kind give a number of that kind; of two kinds it is not told which."""
    found = union(*operands)
    return UNKNOWN if isinstance(found, Union) else found
