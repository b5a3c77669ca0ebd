"""Comparisons with the last of an ordered enumeration that never hold: `status > Severity.CRITICAL`.

The members of an enumeration are all there are, so that nothing of it is above the greatest or below the least.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...flow.types import ClassObject, Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import EffectKind, FieldSummary, Kind, Node, ValueGraph
from ...source.program import ExternalSymbol
from ..using.usage import Usage

_ABOVE = {"Gt": True, "Lt": False}
"""Operators, by whether what stands on the left is to be above."""
_MIRRORED = {"Gt": "Lt", "Lt": "Gt"}
_SIGNS = {"Gt": ">", "Lt": "<"}
_ORDERS = {"__lt__": "Lt", "__gt__": "Gt", "__le__": "LtE", "__ge__": "GtE"}
_VALUES = {"value", "_value_"}
_AUTO = {"auto()", "enum.auto()"}
_FEWEST = 2
"""Members of which one is above another."""
_RAISED = ("Error", "Exception", "Exit", "Warning")

Member = tuple[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Beyond:
    """A comparison that asks for more than the greatest member, or for less than the least one.

    Attributes:
        asked: What is asked for, as `> Severity.CRITICAL`.
        known: The members by their values, as written.
    """

    cls: ClassSymbol
    asked: str
    is_above: bool
    function: FunctionSymbol
    node: Node
    known: tuple[str, ...]


def beyond_members(usage: Usage) -> Iterator[Beyond]:
    """Yield each comparison of members that can never hold, where it is no guard against such a value."""
    finder = _Finder(usage)
    for function in usage.flow.reachable:
        yield from finder.found_in(function)


class _Finder:
    def __init__(self, usage: Usage) -> None:
        self._program = usage.flow.program
        self._inference = usage.flow.facts.inference
        self._members: dict[ClassSymbol, list[Member]] = {}

    def found_in(self, function: FunctionSymbol) -> Iterator[Beyond]:
        graph = self._program.function(function).graph
        for index, node in enumerate(graph.nodes):
            if node.kind is not Kind.COMPARE or node.gated or not isinstance(node.data, tuple):
                continue
            for operator, (left, right) in zip(node.data, itertools.pairwise(node.operands), strict=True):
                if operator not in _ABOVE:
                    continue
                sides = ((left, right, str(operator)), (right, left, _MIRRORED[str(operator)]))
                for value, bound, asked in sides:
                    found = self._beyond(function, graph, value, bound, asked)
                    if found is not None and not _is_guard(graph, index, bound):
                        yield found

    def _beyond(
        self, function: FunctionSymbol, graph: ValueGraph, value: int, bound: int, operator: str
    ) -> Beyond | None:
        node = graph.nodes[bound]
        if node.kind is not Kind.ATTR:
            return None
        owners = members(self._inference.type_of(function, node.operands[0]))
        if len(owners) != 1 or not isinstance(owners[0], ClassObject):
            return None
        cls = owners[0].cls
        known = self._ordered(cls)
        if len(known) < _FEWEST or known[-1 if _ABOVE[operator] else 0][0] != node.data:
            return None
        types = members(self._inference.type_of(function, value))
        if not types or not all(isinstance(one, Instance) and one.cls == cls for one in types):
            return None
        asked = f"{_SIGNS[operator]} {cls.name}.{node.data}"
        names = tuple(f"{cls.name}.{name}" for name, _ in known)
        return Beyond(cls, asked, _ABOVE[operator], function, node, names)

    def _ordered(self, cls: ClassSymbol) -> list[Member]:
        """Return the members of an enumeration by their values; none where these or their order are not known."""
        if cls not in self._members:
            self._members[cls] = self._read(cls) if self._has_order(cls) else []
        return self._members[cls]

    def _has_order(self, cls: ClassSymbol) -> bool:
        """Whether members compare as their values do."""
        line = self._program.mro(cls)
        outside = {one.dotted.rpartition(".")[2] for one in line if isinstance(one, ExternalSymbol)}
        if "_missing_" in self._program.class_(cls).methods or any("Flag" in one for one in outside):
            return False
        own = [
            (name, method)
            for name in _ORDERS
            if (method := self._program.method(cls, name)) is not None  # of the program
        ]
        if own:
            return bool(outside & {"Enum", "IntEnum"}) and all(self._is_by_value(*one) for one in own)
        return "IntEnum" in outside or {"int", "Enum"} <= outside

    def _is_by_value(self, name: str, method: FunctionSymbol) -> bool:
        graph = self._program.function(method).graph
        compared = [
            node for node in graph.nodes if node.kind is Kind.COMPARE and node.data == (_ORDERS[name],)
        ]
        return any(
            all(
                graph.nodes[one].kind is Kind.ATTR
                and graph.nodes[one].data in _VALUES
                and graph.nodes[graph.nodes[one].operands[0]].kind in {Kind.PARAM, Kind.NARROW}
                for one in node.operands
            )
            and _is_first_parameter(graph, node.operands[0])
            for node in compared
        )

    def _read(self, cls: ClassSymbol) -> list[Member]:
        found: list[Member] = []
        for field in self._program.class_(cls).fields.values():
            if field.name.startswith("_"):
                continue
            value = _value(field, found)
            if value is None:
                return []
            found.append((field.name, value))
        texts = [isinstance(value, str) for _, value in found]
        if any(texts) and not all(texts):
            return []
        return sorted(found, key=lambda one: one[1])


def _value(field: FieldSummary, before: Sequence[Member]) -> int | float | str | None:
    if field.annotation is not None or field.default is None:
        return None
    if field.default.text in _AUTO:
        numbers = [value for _, value in before if not isinstance(value, str)]
        return max(numbers, default=0) + 1
    literal = field.default.literal
    return literal if field.default.is_literal and isinstance(literal, int | float | str) else None


def _is_first_parameter(graph: ValueGraph, attribute: int) -> bool:
    base = graph.nodes[graph.nodes[attribute].operands[0]]
    return base.kind is Kind.PARAM and base.data == "self"


def _is_guard(graph: ValueGraph, comparison: int, bound: int) -> bool:
    """Whether what is beyond is kept out: by an exception, or by taking the last member instead."""
    tests = _tests(graph, comparison)
    guarded = [effect for effect in graph.effects if not tests.isdisjoint(effect.guards)]
    if any(effect.kind is EffectKind.EVALUATE and _is_raised(graph, effect.value) for effect in guarded):
        return True
    member = graph.nodes[bound].data
    return any(
        node.kind is Kind.PHI
        and node.control in tests
        and any(
            graph.nodes[one].kind is Kind.ATTR and graph.nodes[one].data == member for one in node.operands
        )
        for node in graph.nodes
    )


def _tests(graph: ValueGraph, comparison: int) -> set[int]:
    """Return a comparison with the tests that it is a part of: `a or b`, `not a`."""
    found = {comparison}
    for index, node in enumerate(graph.nodes):  # an operand stands before what it is an operand of
        is_test = (node.kind is Kind.PHI and node.data in {"or", "and"}) or (
            node.kind is Kind.OP and node.data == "Not"
        )
        if is_test and not found.isdisjoint(node.operands):
            found.add(index)
    return found


def _is_raised(graph: ValueGraph, index: int) -> bool:
    node = graph.nodes[index]
    if node.kind is Kind.CALL:
        node = graph.nodes[node.operands[0]]
    return str(node.data).endswith(_RAISED)
