"""Which literals a value can be: constants by name, members of enums and tables, and strings built of them.

`for head in HEADS: out[f"head_{head}_entropy"] = ...` writes one key for each member of `HEADS`. What depends on more
than the text of the program has no literals.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, ModuleSymbol, Program
from ..source.model import CallShape, FieldSummary, Kind, Node, ValueGraph
from ..source.program import ExternalSymbol
from .inference import Inference
from .types import ClassObject, Instance, ModuleObject, members

_MANY = 256  # more alternatives than these are as good as unknown
_PLAIN = str | int | float | bytes | complex
_SAME_ROWS = {"list", "tuple", "sorted", "set", "frozenset", "reversed", "iter", "dict"}
_FIELD_NAMES = {
    "_fields",
    "__annotations__",
    "__dataclass_fields__",
    "__struct_fields__",
    "model_fields",
    "__slots__",
}
_NO_STRINGS = {Kind.PARAM, Kind.COMPARE, Kind.FUNCTION}
_ROWS_OF_ROWS = {*_SAME_ROWS, "enumerate", "zip", "chain"}
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


@dataclass(frozen=True, slots=True)
class Struct:
    """A literal with named parts: an enum's member, an item of `dataclasses.fields`. `text` is it as a string."""

    parts: tuple[tuple[str, Value], ...]
    text: str | None = None
    formats: bool = False  # whether an f-string shows `text`


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, by the node that it is in."""

    function: FunctionSymbol
    node: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What a mapping holds under a key."""

    mapping: Table
    key: str


Value = str | int | float | bool | bytes | complex | tuple["Value", ...] | Struct | Table | Entry | None
"""A literal."""

Values = tuple[Value, ...]
"""The literals that something can be."""

Binding = Mapping[int, Value]
"""What loop variables are in one round: the node of each iterated element, and its value."""

_UNBOUND: Binding = {}


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
        self._known_keys = known_keys
        self._answers: dict[tuple[FunctionSymbol, int], Values | None] = {}
        self._open: set[tuple[FunctionSymbol, int]] = set()

    def forget(self) -> None:
        """Forget all answers: the keys of mappings that they were made from are known better now."""
        self._answers.clear()

    # -- questions ------------------------------------------------------------------------------------------

    def strings(
        self, function: FunctionSymbol, index: int, binding: Binding = _UNBOUND
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
        if graph.nodes[index].kind in _NO_STRINGS or self._elements(graph, index):
            return ()
        return self.strings(function, index) or ()

    def expansions(self, function: FunctionSymbol, index: int) -> list[tuple[Binding, str]] | None:
        """Return each string that a node is, with the loop variables of that round; None where not known."""
        found: list[tuple[Binding, str]] = []
        elements = self._elements(self._graph(function), index)
        for binding in self._rounds(function, elements, {}):
            strings = None if binding is None else self.strings(function, index, binding)
            if binding is None or strings is None:
                return None
            found += [(binding, string) for string in strings]
            if len(found) > _MANY:
                return None
        return found

    def loop_rounds(
        self, function: FunctionSymbol, nodes: Iterable[int], binding: Binding
    ) -> Iterator[Binding | None]:
        """Yield what the loop variables that nodes are built of are, round by round; None where not known."""
        graph = self._graph(function)
        elements = {element for node in nodes for element in self._elements(graph, node)}
        return self._rounds(function, sorted(elements), dict(binding))

    def values(self, function: FunctionSymbol, index: int, binding: Binding = _UNBOUND) -> Values | None:
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
            found = None if len(found) > _MANY else found
        if not binding and not self._open:
            self._answers[place] = found
        return found

    def rows(self, function: FunctionSymbol, index: int, binding: Binding = _UNBOUND) -> Values | None:
        """Return what iterating over a node gives, in order, None where it is not known."""
        graph = self._graph(function)
        node = graph.nodes[index]
        if node.kind is Kind.CALL:
            called = self._rows_of_call(function, graph, node, binding)
            if called is not None:
                return called
        if node.kind is Kind.ATTR and node.data in _FIELD_NAMES:
            return self._field_names(function, node.operands[0])
        values = self.values(function, index, binding)
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
            listed = [self._members(one.cls) for one in types if isinstance(one, ClassObject)]
            return tuple(itertools.chain.from_iterable(listed)) or None
        return tuple(sorted(self._known_keys(function, index))) or None

    def tables(self, function: FunctionSymbol, index: int) -> list[Table]:
        """Return the mappings whose keys are iterated for what a node is built of."""
        graph = self._graph(function)
        found: list[Table] = []
        pending = [graph.nodes[element].operands[0] for element in self._elements(graph, index)]
        while pending:
            current = pending.pop()
            node = graph.nodes[current]
            callee = graph.nodes[node.operands[0]] if node.kind is Kind.CALL else node
            if node.kind is Kind.CALL and callee.kind is Kind.GLOBAL and callee.data in _ROWS_OF_ROWS:
                pending += node.operands[1:]
            elif node.kind is Kind.CALL and callee.kind is Kind.ATTR and len(node.operands) == 1:
                pending.append(callee.operands[0])  # mapping.items()
            elif self._iterates_keys(function, current):
                values = self.values(function, current)
                tables = [value for value in values or () if isinstance(value, Table)]
                found += [Table(function, current)] if values is None else tables
        return found

    def _iterates_keys(self, function: FunctionSymbol, index: int) -> bool:
        node = self._graph(function).nodes[index]
        if node.kind is Kind.CALL or (node.kind is Kind.ATTR and node.data in _FIELD_NAMES):
            return (
                node.kind is Kind.CALL
                and self._rows_of_call(function, self._graph(function), node, {}) is None
            )
        types = members(self._inference.type_of(function, index))
        return not types or not all(isinstance(one, ClassObject) for one in types)

    # -- rounds of loops --------------------------------------------------------------------------------------

    def _graph(self, function: FunctionSymbol) -> ValueGraph:
        return self._program.function(function).graph

    @staticmethod
    def _elements(graph: ValueGraph, index: int) -> list[int]:
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

    def _rounds(
        self, function: FunctionSymbol, elements: list[int], binding: dict[int, Value]
    ) -> Iterator[Binding | None]:
        if not elements:
            yield binding
            return
        first, *others = elements
        rows = self.rows(function, self._graph(function).nodes[first].operands[0], binding)
        if rows is None or len(rows) > _MANY:
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
                return self.rows(function, node.operands[0], binding)
            case Kind.NARROW | Kind.PHI:
                return self._any((function, operand) for operand in node.operands if operand != index)
            case Kind.UNPACK:
                return self._each(
                    self.values(function, node.operands[0], binding), lambda value: _part(value, node.data)
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
            return self._each(known, lambda value: _named(value, name))
        found: list[Value] = []
        for one in members(self._inference.type_of(function, node.operands[0])):
            match one:
                case ClassObject(cls=cls):
                    values = self._class_attribute(cls, name)
                case Instance(cls=cls):
                    values = self._attribute_of_any(cls, name)
                case ModuleObject(name=module):
                    symbol = self._program.member(ModuleSymbol(module), name)
                    values = self._constant(symbol) if isinstance(symbol, ConstantSymbol) else None
                case _:
                    values = None
            if values is None:
                return None
            found += values
        return tuple(found) or None

    def _attribute_of_any(self, cls: ClassSymbol, name: str) -> Values | None:
        """Return what a class attribute is for an instance, whose class may be any below."""
        found: list[Value] = []
        for one in (cls, *self._program.subclasses(cls)):
            declared = self._program.field(one, name)
            if declared is None or self._inference.owner_of_field(one, name) != declared[0]:
                return None
            annotation = declared[1].annotation
            if annotation is not None and "ClassVar" not in annotation and "Final" not in annotation:
                return None
            values = self._class_attribute(one, name)
            if values is None:
                return None
            found += values
        return tuple(found)

    def _class_attribute(self, cls: ClassSymbol, name: str) -> Values | None:
        declared = self._program.field(cls, name)
        if declared is None:
            return None
        owner, field = declared
        if self._is_enum(owner):
            member = self._member(owner, field)
            return None if member is None else (member,)
        if self._inference.field_stores(owner, name) or field.default is None:
            return None
        return _written(field.default.text)

    def _is_enum(self, cls: ClassSymbol) -> bool:
        return any(
            isinstance(one, ExternalSymbol) and one.dotted.rpartition(".")[2].endswith(("Enum", "Flag"))
            for one in self._program.mro(cls)
        )

    def _members(self, cls: ClassSymbol) -> list[Value]:
        if not self._is_enum(cls):
            return []
        declared = self._program.class_(cls).fields.values()
        return [member for field in declared if (member := self._member(cls, field)) is not None]

    def _member(self, cls: ClassSymbol, field: FieldSummary) -> Struct | None:
        """Return an enum's member. As a key it is its string where it is one, else its own name."""
        if field.annotation is not None or field.default is None or field.name.startswith("_"):
            return None
        bases = {
            one.dotted.rpartition(".")[2] for one in self._program.mro(cls) if isinstance(one, ExternalSymbol)
        }
        if field.default.text.rpartition(".")[2] == "auto()":
            value: Value = field.name.lower() if "StrEnum" in bases else field.name
        else:
            written = _written(field.default.text)
            value = written[0] if written is not None else None
        is_text = isinstance(value, str) and bool(bases & {"StrEnum", "str"})
        text = str(value) if is_text else f"{cls.qualname}.{field.name}"
        return Struct((("value", value), ("name", field.name)), text, "StrEnum" in bases or not is_text)

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
            return _part(value, key)
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
        for parts in itertools.islice(itertools.product(*operands), _MANY + 1):
            result = _operated(str(node.data), parts)
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
            return self._each(values, lambda value: None if (text := _text(value)) is None else (text,))
        if callee.kind is Kind.GLOBAL and callee.data in _SAME_ROWS and shape.positional == 1:
            rows = self._rows_of_call(function, graph, node, binding)
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
        for receiver, *arguments in itertools.islice(itertools.product(*operands), _MANY + 1):
            result = _method(receiver, str(callee.data), arguments)
            if result is None:
                return None
            found.append(result)
        return tuple(found)

    # -- iterating ----------------------------------------------------------------------------------------------

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

    def _rows_of_call(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, binding: Binding
    ) -> Values | None:
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        given = node.operands[1 : 1 + shape.positional]
        if shape.starred:
            return None
        name = callee.data
        if callee.kind is Kind.ATTR and not given and name in {"items", "keys", "values"}:
            return self._rows_of_mapping(function, callee.operands[0], str(name), binding)
        if name == "fields" and len(given) == 1:
            names = self._field_names(function, given[0])
            return None if names is None else tuple(Struct((("name", one),)) for one in names)
        if callee.kind is not Kind.GLOBAL and not (callee.kind is Kind.ATTR and name == "chain"):
            return None
        if name == "range" and len(given) == 1 and not shape.keywords:
            counts = self.values(function, given[0], binding)
            if counts is not None and len(counts) == 1 and isinstance(counts[0], int) and counts[0] <= _MANY:
                return tuple(range(counts[0]))
            return None
        if name not in _ROWS_OF_ROWS or not given:
            return None
        rows: list[Values] = []
        for argument in given:
            inside = self.rows(function, argument, binding)
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

    def _rows_of_mapping(
        self, function: FunctionSymbol, index: int, method: str, binding: Binding
    ) -> Values | None:
        tables = self.values(function, index, binding)
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


def _part(value: Value, position: object) -> Values | None:
    if not isinstance(value, tuple) or not isinstance(position, int) or isinstance(position, bool):
        return None
    return (value[position],) if -len(value) <= position < len(value) else None


def _named(value: Value, name: str) -> Values | None:
    if not isinstance(value, Struct):
        return None
    return next(((part,) for own, part in value.parts if own == name), None)


def _written(text: str) -> Values | None:
    """Return the literal that a source text is."""
    try:
        return (_frozen(ast.literal_eval(text)),)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _frozen(value: object) -> Value:
    match value:
        case list() | tuple():
            return tuple(_frozen(one) for one in value)
        case set():
            return tuple(sorted((_frozen(one) for one in value), key=repr))
        case dict():
            return tuple(_frozen(one) for one in value)  # iterated by its keys
        case None | str() | int() | float() | bytes() | complex():
            return value
        case _:
            raise ValueError(value)


def _text(value: Value) -> str | None:
    """Return a literal as an f-string shows it."""
    match value:
        case Struct(text=text, formats=True):
            return text
        case str() | int():
            return str(value)
        case _:
            return None


def _operated(operator: str, parts: tuple[Value, ...]) -> Value:
    if operator in {"f-string", "format"}:
        texts = [_text(part) for part in parts]
        return None if None in texts else "".join(text for text in texts if text is not None)
    left, right = parts
    if operator == "Add":
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        return left + right if isinstance(left, tuple) and isinstance(right, tuple) else None
    arguments: tuple[str | None, ...] = tuple(
        _text(one) for one in (right if isinstance(right, tuple) else (right,))
    )
    if not isinstance(left, str) or None in arguments:
        return None
    if left.count("%") != left.count("%s") + left.count("%d"):
        return None  # widths and names
    try:
        return left % arguments
    except (TypeError, ValueError):
        return None


def _method(receiver: Value, name: str, arguments: list[Value]) -> str | None:
    if name == "join":
        parts = arguments[0] if arguments else None
        if not isinstance(receiver, str) or not isinstance(parts, tuple):
            return None
        texts = [part for part in parts if isinstance(part, str)]
        return receiver.join(texts) if len(texts) == len(parts) else None
    receiver = receiver.text if isinstance(receiver, Struct) else receiver
    texts = [text for text in map(_text, arguments) if text is not None]
    if not isinstance(receiver, str) or len(texts) != len(arguments):
        return None
    if name == "format" and set(receiver) & set(":!.["):
        return None  # widths and parts
    try:
        result = getattr(receiver, name)(*texts)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        return None
    return result if isinstance(result, str) else None
