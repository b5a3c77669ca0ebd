"""Whether an expression makes a value of its own: something outside the program has a hand in it.

`open(path).read()` does, and `time.time()`; `2 * count` and `float(count)` do not, they only carry on what `count` is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...flow import Facts
from ...flow.types import ClassObject, ExternalObject, FunctionObject, Instance, ModuleObject, members
from ...source import ConstantSymbol, FunctionSymbol
from ...source.model import CallShape, Kind, Node

_KEEP_THE_VALUE = {
    "float",
    "int",
    "bool",
    "str",
    "abs",
    "round",
    "cast",
    "item",
    "copy",
    "deepcopy",
    "complex",
}
_KEEP_ONE_OF = {"max", "min"}
_ARITHMETIC = {
    "Add",
    "Sub",
    "Mult",
    "Div",
    "FloorDiv",
    "Mod",
    "Pow",
    "LShift",
    "RShift",
    "BitOr",
    "BitXor",
    "BitAnd",
    "MatMult",
    "UAdd",
    "USub",
    "Not",
    "Invert",
    "f-string",
    "format",
    "repr",
    "and",
    "slice",
}
_LOOKED_THROUGH = {Kind.PHI, Kind.NARROW, Kind.SEQUENCE, Kind.UNPACK, Kind.ELEMENT, Kind.COMPARE}


class Expressions:
    """Answers for any node of a value graph whether it makes a value; every answer is computed once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference
        self._answers: dict[tuple[FunctionSymbol, int], bool] = {}

    def makes_a_value(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a node, or something that it is computed from in this function, comes from outside."""
        key = (function, index)
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = self._search(function, index)
        return known

    def _search(self, function: FunctionSymbol, index: int) -> bool:
        nodes = self._program.function(function).graph.nodes
        pending, seen = [index], set[int]()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            onward = self._onward(function, nodes[current], nodes)
            if onward is None or _counts(nodes, current):
                return True
            pending.extend(onward)
        return False

    def _onward(self, function: FunctionSymbol, node: Node, nodes: Sequence[Node]) -> Sequence[int] | None:
        """Return what a node carries on, None where it makes a value."""
        kind = node.kind
        if kind in {Kind.CONST, Kind.PARAM, Kind.FREE, Kind.REBOUND}:
            return []
        if kind in _LOOKED_THROUGH:
            return node.operands
        if kind is Kind.OP:
            return node.operands if node.data in _ARITHMETIC else None
        if kind is Kind.GLOBAL:
            symbol = self._program.resolve(function.module, str(node.data))
            return [] if isinstance(symbol, ConstantSymbol) else None
        if kind is Kind.ATTR:
            return self._attribute(function, node)
        if kind is Kind.ITEM:
            return [] if isinstance(node.data, str) else [node.operands[0]]
        if kind is Kind.CALL:
            return self._call(function, node, nodes)
        if kind is Kind.DICT:
            return None if node.operands else []
        return None

    def _attribute(self, function: FunctionSymbol, node: Node) -> Sequence[int] | None:
        receivers = members(self._inference.type_of(function, node.operands[0]))
        if receivers and all(isinstance(one, Instance | ClassObject | ModuleObject) for one in receivers):
            return []
        if any(isinstance(one, ExternalObject) for one in receivers):
            return None
        return []  # a field of unknown owner: a carrier of its own

    def _call(self, function: FunctionSymbol, node: Node, nodes: Sequence[Node]) -> Sequence[int] | None:
        types = members(self._inference.type_of(function, node.operands[0]))
        if types and all(isinstance(one, FunctionObject) for one in types):
            return []
        callee = nodes[node.operands[0]]
        if callee.kind not in {Kind.GLOBAL, Kind.ATTR}:
            return None
        name = str(callee.data)
        shape = node.data
        assert isinstance(shape, CallShape)
        operands = node.operands[1:]
        if callee.kind is Kind.ATTR and name in {"get", "pop", "setdefault"} and operands:
            key = nodes[operands[0]]
            return operands[1:] if key.kind is Kind.CONST and isinstance(key.data, str) else None
        keeps = (name in _KEEP_THE_VALUE) or (name in _KEEP_ONE_OF and len(operands) > 1)
        if not keeps or shape.starred:
            return None
        return [*operands, *(callee.operands if callee.kind is Kind.ATTR and not operands else ())]


def _counts(nodes: Sequence[Node], index: int) -> bool:
    """Whether a value is computed anew in each round of a loop from what it was in the round before."""
    if nodes[index].kind is not Kind.PHI:
        return False
    pending, seen = [one for one in nodes[index].operands if one > index], {index}
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        if nodes[current].kind is Kind.OP:
            return True
        if nodes[current].kind in {Kind.PHI, Kind.NARROW}:
            pending += nodes[current].operands
    return False
