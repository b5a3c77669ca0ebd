"""What a lambda is given: by the builtin that calls it, or as the parameter that takes it is annotated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import CallShape, Kind, Node
from ..source.summarise import TOP_LEVEL
from .arguments import argument_positions
from .types import UNKNOWN, ClassObject, External, ExternalObject, FunctionObject, Instance, Type, each, union

if TYPE_CHECKING:
    from .inference import Inference

_KEYED = {"builtins.sorted", "builtins.min", "builtins.max", "itertools.groupby", "heapq.merge"}


class Lambdas:
    """Finds the calls that lambdas are handed to; every function is looked through once."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._handed: dict[FunctionSymbol, dict[str, tuple[Node, int]]] = {}

    def parameter(self, function: FunctionSymbol, position: int) -> Type:
        """Return the type of a lambda's parameter, where the call that the lambda is handed to tells."""
        enclosing = self._inference.program.function(function).enclosing
        outer = FunctionSymbol(function.module, TOP_LEVEL if enclosing is None else enclosing)
        handed = self._handed_over(outer).get(function.qualname)
        if handed is None:
            return UNKNOWN
        call, argument = handed
        callee = self._inference.type_of(outer, call.operands[0])
        return each(callee, lambda one: self._given(outer, call, one, argument, position))

    def _handed_over(self, outer: FunctionSymbol) -> dict[str, tuple[Node, int]]:
        if outer not in self._handed:
            found = self._handed[outer] = {}
            nodes = self._inference.program.function(outer).graph.nodes
            for node in nodes:
                if node.kind is Kind.CALL:
                    for argument, operand in enumerate(node.operands[1:]):
                        if nodes[operand].kind is Kind.FUNCTION:
                            found[str(nodes[operand].data)] = (node, argument)
        return self._handed[outer]

    def _given(self, outer: FunctionSymbol, call: Node, callee: Type, argument: int, position: int) -> Type:
        shape = call.data
        assert isinstance(shape, CallShape)
        match callee:
            case ExternalObject(dotted="builtins.map") if argument == 0:
                return self._elements_of(outer, call, position + 1)
            case ExternalObject(dotted="builtins.filter") if argument == 0:
                return self._elements_of(outer, call, 1)
            case ExternalObject(dotted=dotted) if dotted in _KEYED and argument >= shape.positional:
                several = shape.positional > 1 and dotted != "itertools.groupby"
                given = [
                    self._inference.type_of(outer, one) for one in call.operands[1 : 1 + shape.positional]
                ]
                return union(*given) if several else self._elements_of(outer, call, 0)
            case ExternalObject(dotted=dotted, receiver=External() as receiver) if dotted.endswith(".sort"):
                return self._inference.elements(receiver)
            case FunctionObject():
                return self._annotated(callee, call, argument, position)
            case ClassObject(cls=cls) if (made := self._inference.constructor(cls)) is not None:
                return self._annotated(FunctionObject(made, Instance(cls)), call, argument, position)
            case _:
                return UNKNOWN

    def _elements_of(self, outer: FunctionSymbol, call: Node, argument: int) -> Type:
        shape = call.data
        assert isinstance(shape, CallShape)
        if argument >= shape.positional:
            return UNKNOWN
        return self._inference.elements(self._inference.type_of(outer, call.operands[1 + argument]))

    def _annotated(self, called: FunctionObject, call: Node, argument: int, position: int) -> Type:
        """`f(lambda x: ...)` where `f` declares `Callable[[T], R]`."""
        summary = self._inference.program.function(called.function)
        owner = ClassSymbol(called.function.module, summary.owner) if summary.owner else None
        for name, positions in argument_positions(self._inference.program, called, call).items():
            declared = next((p.annotation for p in summary.parameters if p.name == name), None)
            if argument in positions and declared is not None:
                expected = self._inference.annotated(called.function.module, declared, owner)
                return each(expected, lambda one: _parameter_of(one, position))
        return UNKNOWN


def _parameter_of(expected: Type, position: int) -> Type:
    """Return a parameter of `Callable[[...], R]`, whose first argument here is what it returns."""
    if not isinstance(expected, External) or expected.dotted != "collections.abc.Callable":
        return UNKNOWN
    inside = 1 + position < len(expected.arguments)
    return expected.arguments[1 + position] if inside else UNKNOWN
