"""Which literals a value can be: constants by name, members of enums and tables, and strings built of them.

`for head in HEADS: out[f"head_{head}_entropy"] = ...` writes one key for each member of `HEADS`. What depends on more
than the text of the program has no literals.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from ..source import ConstantSymbol, FunctionSymbol, ModuleSymbol, Program
from ..source.model import CallShape, Kind, Node, ValueGraph
from .class_literals import ClassLiterals
from .inference import Inference
from .literal_rows import MANY, SAME_ROWS, LiteralRows, elements_of
from .literal_values import (
    UNBOUND,
    Binding,
    Entry,
    Struct,
    Table,
    Value,
    Values,
    method_result,
    named,
    operated,
    part,
    text_of,
)
from .types import ClassObject, Instance, ModuleObject, members

_PLAIN = str | int | float | bytes | complex
_NO_STRINGS = {Kind.PARAM, Kind.COMPARE, Kind.FUNCTION}
_TEXT_METHODS = {
    "lower",
    "upper",
    "title",
    "strip",
    "replace",
    "removeprefix",
    "removesuffix",
    "format",
    "join",
}


class Literals:
    """Answers which literals a node can be. `known_keys` gives the keys of the mapping that a node is."""

    def __init__(
        self,
        program: Program,
        inference: Inference,
        known_keys: Callable[[FunctionSymbol, int], frozenset[str]],
    ) -> None:
        self._program = program
        self._inference = inference
        self._classes = ClassLiterals(program, inference)
        self.rows = LiteralRows(program, inference, self._classes, values=self.values, known_keys=known_keys)
        self._answers: dict[tuple[FunctionSymbol, int], Values | None] = {}
        self._open: set[tuple[FunctionSymbol, int]] = set()

    def forget(self) -> None:
        """Forget all answers: the keys of mappings that they were made from are known better now."""
        self._answers.clear()

    # -- questions ------------------------------------------------------------------------------------------

    def strings(
        self, function: FunctionSymbol, index: int, binding: Binding = UNBOUND
    ) -> tuple[str, ...] | None:
        """Return the strings that a node can be as a key or a name, None where they are not known."""
        values = self.values(function, index, binding)
        if values is None:
            return None
        found: list[str] = []
        for value in values:
            if isinstance(value, Entry):
                inside = self._under(value.mapping, value.key)
                if inside is None or len(inside) != 1:
                    return None
                value = inside[0]
            text = value.text if isinstance(value, Struct) else value
            if not isinstance(text, str):
                return None
            found.append(text)
        return tuple(dict.fromkeys(found))

    def fixed_strings(self, function: FunctionSymbol, index: int) -> tuple[str, ...]:
        """Return the strings that a node can be, whatever mappings hold; none where they are not known."""
        graph = self._graph(function)
        if graph.nodes[index].kind in _NO_STRINGS or elements_of(graph, index):
            return ()
        return self.strings(function, index) or ()

    def expansions(self, function: FunctionSymbol, index: int) -> list[tuple[Binding, str]] | None:
        """Return each string that a node is, with the loop variables of that round; None where not known."""
        found: list[tuple[Binding, str]] = []
        elements = elements_of(self._graph(function), index)
        for binding in self._rounds(function, elements, {}):
            strings = None if binding is None else self.strings(function, index, binding)
            if binding is None or strings is None:
                return None
            found += [(binding, string) for string in strings]
            if len(found) > MANY:
                return None
        return found

    def loop_rounds(
        self, function: FunctionSymbol, nodes: Iterable[int], binding: Binding
    ) -> Iterator[Binding | None]:
        """Yield what the loop variables that nodes are built of are, round by round; None where not known."""
        graph = self._graph(function)
        elements = {element for node in nodes for element in elements_of(graph, node)}
        return self._rounds(function, sorted(elements), dict(binding))

    def values(self, function: FunctionSymbol, index: int, binding: Binding = UNBOUND) -> Values | None:
        """Return the literals that a node can be, None where they are not known."""
        node = self._graph(function).nodes[index]
        if node.kind is Kind.CONST:
            literal = node.data
            return (literal,) if literal is None or isinstance(literal, _PLAIN) else None
        place = (function, index)
        if not binding and place in self._answers:
            return self._answers[place]
        if place in self._open:
            return None  # a value that feeds itself
        self._open.add(place)
        try:
            found = self._values(function, index, node, binding)
        finally:
            self._open.remove(place)
        if found is not None:
            found = tuple(dict.fromkeys(found))
            found = None if len(found) > MANY else found
        if not binding and not self._open:
            self._answers[place] = found
        return found

    # -- rounds of loops --------------------------------------------------------------------------------------

    def _graph(self, function: FunctionSymbol) -> ValueGraph:
        return self._program.function(function).graph

    def _rounds(
        self, function: FunctionSymbol, elements: list[int], binding: dict[int, Value]
    ) -> Iterator[Binding | None]:
        if not elements:
            yield binding
            return
        first, *others = elements
        rows = self.rows.of(function, self._graph(function).nodes[first].operands[0], binding)
        if rows is None or len(rows) > MANY:
            yield None
            return
        for row in rows:
            yield from self._rounds(function, others, {**binding, first: row})

    # -- nodes ------------------------------------------------------------------------------------------------

    def _values(self, function: FunctionSymbol, index: int, node: Node, binding: Binding) -> Values | None:
        graph = self._graph(function)
        match node.kind:
            case Kind.PARAM:
                return (binding[index],) if index in binding else None
            case Kind.ELEMENT:
                if index in binding:
                    return (binding[index],)
                return self.rows.of(function, node.operands[0], binding)
            case Kind.NARROW | Kind.PHI:
                return self._any((function, operand) for operand in node.operands if operand != index)
            case Kind.UNPACK:
                return self._each(
                    self.values(function, node.operands[0], binding), lambda value: part(value, node.data)
                )
            case Kind.GLOBAL:
                symbol = self._program.resolve(function.module, str(node.data))
                return self._constant(symbol) if isinstance(symbol, ConstantSymbol) else None
            case Kind.FREE:
                outer = self._inference.enclosing_binding(function, str(node.data))
                return None if outer is None else self._any((outer[0], value) for value in outer[1])
            case Kind.ATTR:
                return self._attribute(function, node, binding)
            case Kind.ITEM:
                return self._item(function, node, binding)
            case Kind.SEQUENCE:
                return self._sequence(function, graph, node, binding)
            case Kind.DICT:
                return (Table(function, index),)
            case Kind.OP:
                return self._operation(function, node, binding)
            case Kind.CALL:
                return self._call(function, graph, node, binding)
            case _:
                return None

    def _any(self, places: Iterator[tuple[FunctionSymbol, int]]) -> Values | None:
        found: list[Value] = []
        for function, index in places:
            values = self.values(function, index)
            if values is None:
                return None
            found += values
        return tuple(found) or None

    @staticmethod
    def _each(values: Values | None, part: Callable[[Value], Values | None]) -> Values | None:
        if values is None:
            return None
        found: list[Value] = []
        for value in values:
            inside = part(value)
            if inside is None:
                return None
            found += inside
        return tuple(found)

    def _constant(self, symbol: ConstantSymbol) -> Values | None:
        if not self._inference.is_given_once(symbol.module, symbol.name):
            return None
        stores = self._inference.global_stores(symbol.module, symbol.name)
        return self._any((store.function, store.value) for store in stores)

    def _attribute(self, function: FunctionSymbol, node: Node, binding: Binding) -> Values | None:
        name = str(node.data)
        known = self.values(function, node.operands[0], binding)
        if known is not None:
            return self._each(known, lambda value: named(value, name))
        found: list[Value] = []
        for one in members(self._inference.type_of(function, node.operands[0])):
            match one:
                case ClassObject(cls=cls):
                    values = self._classes.of_class(cls, name)
                case Instance(cls=cls):
                    values = self._classes.of_any(cls, name)
                case ModuleObject(name=module):
                    symbol = self._program.member(ModuleSymbol(module), name)
                    values = self._constant(symbol) if isinstance(symbol, ConstantSymbol) else None
                case _:
                    values = None
            if values is None:
                return None
            found += values
        return tuple(found) or None

    def _item(self, function: FunctionSymbol, node: Node, binding: Binding) -> Values | None:
        base = self.values(function, node.operands[0], binding)
        keys = self.values(function, node.operands[1], binding) if node.data is None else (node.data,)
        if base is None or keys is None:
            return None
        found: list[Value] = []
        for value, key in itertools.product(base, keys):
            inside = self._under(value, key) if isinstance(key, int | str | Struct) else None
            if inside is None:
                return None
            found += inside
        return tuple(found)

    def _under(self, value: Value, key: Value) -> Values | None:
        if isinstance(value, tuple):
            return part(value, key)
        key = key.text if isinstance(key, Struct) else key
        if not isinstance(value, Table) or not isinstance(key, str):
            return None
        node = self._graph(value.function).nodes[value.node]
        if node.kind is not Kind.DICT or not isinstance(node.data, tuple):
            return None
        for position, literal in enumerate(node.data):
            names: tuple[str, ...] | None = (literal,) if isinstance(literal, str) else None
            if names is None and node.keys and node.keys[position] >= 0:
                names = self.strings(value.function, node.keys[position])
            if names == (key,):
                return self.values(value.function, node.operands[position])
        return None

    def _sequence(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, binding: Binding
    ) -> Values | None:
        found: list[Value] = []
        for operand in node.operands:
            values = self.values(function, operand, binding)
            is_spread = graph.nodes[operand].kind is Kind.ELEMENT or len(node.operands) == 1
            if values is None or (len(values) != 1 and not is_spread):
                return None
            found += values
        return (tuple(found),)

    def _operation(self, function: FunctionSymbol, node: Node, binding: Binding) -> Values | None:
        if node.data not in {"f-string", "format", "Add", "Mod"}:
            return None
        if node.data == "format" and len(node.operands) > 1:
            return None  # a format of its own
        operands: list[Values] = []
        for operand in node.operands:
            values = self.values(function, operand, binding)
            if values is None:
                return None
            operands.append(values)
        found: list[Value] = []
        for parts in itertools.islice(itertools.product(*operands), MANY + 1):
            result = operated(str(node.data), parts)
            if result is None:
                return None
            found.append(result)
        return tuple(found)

    def _call(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, binding: Binding
    ) -> Values | None:
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        if shape.keywords or shape.starred:
            return None
        if callee.kind is Kind.GLOBAL and callee.data == "str" and shape.positional == 1:
            values = self.values(function, node.operands[1], binding)
            return self._each(values, lambda value: None if (text := text_of(value)) is None else (text,))
        if callee.kind is Kind.GLOBAL and callee.data in SAME_ROWS and shape.positional == 1:
            rows = self.rows.of_call(function, graph, node, binding)
            return None if rows is None or callee.data == "dict" else (rows,)
        if callee.kind is not Kind.ATTR or callee.data not in _TEXT_METHODS:
            return None
        operands: list[Values] = []
        for operand in (callee.operands[0], *node.operands[1:]):
            values = self.values(function, operand, binding)
            if values is None:
                return None
            operands.append(values)
        found: list[Value] = []
        for receiver, *arguments in itertools.islice(itertools.product(*operands), MANY + 1):
            result = method_result(receiver, str(callee.data), arguments)
            if result is None:
                return None
            found.append(result)
        return tuple(found)
