"""What iterating over a value gives, where that is written in the program: tables, enums, the keys of mappings."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from ..source import FunctionSymbol, Program
from ..source.model import CallShape, Kind, Node, ValueGraph
from .class_literals import ClassLiterals
from .inference import Inference
from .literal_values import UNBOUND, Binding, Entry, Struct, Table, Value, Values
from .types import ClassObject, Instance, members

MANY = 256  # more alternatives than these are as good as unknown
SAME_ROWS = {"list", "tuple", "sorted", "set", "frozenset", "reversed", "iter", "dict"}
_ROWS_OF_ROWS = {*SAME_ROWS, "enumerate", "zip", "chain"}
_FIELD_NAMES = {
    "_fields",
    "__annotations__",
    "__dataclass_fields__",
    "__struct_fields__",
    "model_fields",
    "__slots__",
}


class LiteralRows:
    """Answers what iterating gives, in order.

    `values` gives the literals that a node can be, `known_keys` the keys of the mapping that it is.
    """

    def __init__(
        self,
        program: Program,
        inference: Inference,
        classes: ClassLiterals,
        *,
        values: Callable[[FunctionSymbol, int, Binding], Values | None],
        known_keys: Callable[[FunctionSymbol, int], frozenset[str]],
    ) -> None:
        self._program = program
        self._inference = inference
        self._classes = classes
        self._values = values
        self._known_keys = known_keys

    def of(self, function: FunctionSymbol, index: int, binding: Binding) -> Values | None:
        """Return what iterating over a node gives, in order, None where it is not known."""
        graph = self._graph(function)
        node = graph.nodes[index]
        if node.kind is Kind.CALL:
            called = self.of_call(function, graph, node, binding)
            if called is not None:
                return called
        if node.kind is Kind.ATTR and node.data in _FIELD_NAMES:
            return self._field_names(function, node.operands[0])
        values = self._values(function, index, binding)
        if values is not None:
            found: list[Value] = []
            for value in values:
                inside = self._inside(value)
                if inside is None:
                    return None
                found += inside
            return tuple(dict.fromkeys(found)) if len(values) > 1 else tuple(found)
        types = members(self._inference.type_of(function, index))
        if types and all(isinstance(one, ClassObject) for one in types):
            listed = [self._classes.members(one.cls) for one in types if isinstance(one, ClassObject)]
            return tuple(itertools.chain.from_iterable(listed)) or None
        return tuple(sorted(self._known_keys(function, index))) or None

    def tables(self, function: FunctionSymbol, index: int) -> list[Table]:
        """Return the mappings whose keys are iterated for what a node is built of."""
        graph = self._graph(function)
        found: list[Table] = []
        pending = [graph.nodes[element].operands[0] for element in elements_of(graph, index)]
        while pending:
            current = pending.pop()
            node = graph.nodes[current]
            callee = graph.nodes[node.operands[0]] if node.kind is Kind.CALL else node
            if node.kind is Kind.CALL and callee.kind is Kind.GLOBAL and callee.data in _ROWS_OF_ROWS:
                pending += node.operands[1:]
            elif node.kind is Kind.CALL and callee.kind is Kind.ATTR and len(node.operands) == 1:
                pending.append(callee.operands[0])  # mapping.items()
            elif self._iterates_keys(function, current):
                values = self._values(function, current, UNBOUND)
                tables = [value for value in values or () if isinstance(value, Table)]
                found += [Table(function, current)] if values is None else tables
        return found

    def _iterates_keys(self, function: FunctionSymbol, index: int) -> bool:
        node = self._graph(function).nodes[index]
        if node.kind is Kind.CALL or (node.kind is Kind.ATTR and node.data in _FIELD_NAMES):
            return node.kind is Kind.CALL and self.of_call(function, self._graph(function), node, {}) is None
        types = members(self._inference.type_of(function, index))
        return not types or not all(isinstance(one, ClassObject) for one in types)

    def _graph(self, function: FunctionSymbol) -> ValueGraph:
        return self._program.function(function).graph

    def _inside(self, value: Value) -> Values | None:
        if isinstance(value, tuple):
            return value
        if isinstance(value, Table):
            return tuple(sorted(self._known_keys(value.function, value.node)))
        return None

    def _field_names(self, function: FunctionSymbol, index: int) -> Values | None:
        found: dict[str, None] = {}
        for one in members(self._inference.type_of(function, index)):
            if not isinstance(one, Instance | ClassObject):
                return None
            found.update(dict.fromkeys(self._inference.constructor_fields(one.cls)))
        return tuple(found) or None

    def of_call(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, binding: Binding
    ) -> Values | None:
        """Return what iterating over the result of a call gives: `zip(...)`, `mapping.items()`."""
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        given = node.operands[1 : 1 + shape.positional]
        if shape.starred:
            return None
        name = callee.data
        if callee.kind is Kind.ATTR and not given and name in {"items", "keys", "values"}:
            return self._of_mapping(function, callee.operands[0], str(name), binding)
        if name == "fields" and len(given) == 1:
            names = self._field_names(function, given[0])
            return None if names is None else tuple(Struct((("name", one),)) for one in names)
        if callee.kind is not Kind.GLOBAL and not (callee.kind is Kind.ATTR and name == "chain"):
            return None
        if name == "range" and len(given) == 1 and not shape.keywords:
            counts = self._values(function, given[0], binding)
            if counts is not None and len(counts) == 1 and isinstance(counts[0], int) and counts[0] <= MANY:
                return tuple(range(counts[0]))
            return None
        if name not in _ROWS_OF_ROWS or not given:
            return None
        rows: list[Values] = []
        for argument in given:
            inside = self.of(function, argument, binding)
            if inside is None:
                return None
            rows.append(inside)
        match name:
            case "enumerate":
                return tuple(enumerate(rows[0]))
            case "zip":
                return tuple(zip(*rows, strict=False))
            case "chain":
                return tuple(itertools.chain(*rows))
            case _:
                return rows[0]

    def _of_mapping(
        self, function: FunctionSymbol, index: int, method: str, binding: Binding
    ) -> Values | None:
        tables = self._values(function, index, binding)
        table = Table(function, index)
        if tables is not None:
            if len(tables) != 1 or not isinstance(tables[0], Table):
                return None
            table = tables[0]
        keys = sorted(self._known_keys(table.function, table.node))
        if method == "keys":
            return tuple(keys) or None
        entries = [Entry(table, key) for key in keys]
        return (tuple(entries) if method == "values" else tuple(zip(keys, entries, strict=True))) or None


def elements_of(graph: ValueGraph, index: int) -> list[int]:
    """Return the iterated elements that a node is built of, the outer loops first."""
    found: set[int] = set()
    seen: set[int] = set()
    pending = [index]
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        node = graph.nodes[current]
        if node.kind is Kind.ELEMENT:
            found.add(current)
        if node.kind not in {Kind.DICT, Kind.PARAM, Kind.FUNCTION}:
            pending += node.operands
    return sorted(found)
