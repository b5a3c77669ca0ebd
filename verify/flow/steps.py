"""One step back from a node of a value graph: what it draws on directly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, ModuleSymbol, Program
from ..source.model import Kind, Node, ValueGraph
from .call_steps import CallSteps
from .callables import Callables
from .carriers import (
    Carrier,
    Constant,
    FieldCarrier,
    How,
    ModuleCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UnresolvedCarrier,
)
from .classes import is_property
from .drawn import Onward, Questions, Source
from .inference import Inference
from .keys import Keys
from .literal_values import Binding, Entry
from .names import KEY_READERS
from .objects import Objects
from .part_steps import PartSteps
from .pools import holds_a_result
from .types import (
    UNKNOWN,
    ClassObject,
    FunctionObject,
    Instance,
    ModuleObject,
    SuperObject,
    Type,
    members,
)

_NO_NAMES = {Kind.PARAM, Kind.COMPARE, Kind.FUNCTION}


class Steps:
    """Answers what a node draws on directly: carriers, constants, and other nodes of its graph."""

    def __init__(
        self,
        program: Program,
        inference: Inference,
        keys: Keys,
        callables: Callables,
        objects: Objects,
        asked: Questions,
    ) -> None:
        self.program = program
        self.inference = inference
        self.keys = keys
        self._asked = asked
        self._calls = CallSteps(program, inference, keys, callables, asked)
        self._parts = PartSteps(program, inference, asked)
        self._objects = objects

    def of(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | Onward]:
        """Return one step back from a node."""
        match node.kind:
            case Kind.CONST:
                yield Source(Constant(repr(node.data), None, node.in_handler), How.COPY, node.place)
            case Kind.PARAM:
                yield Source(ParameterCarrier(function, str(node.data)), How.COPY, node.place)
            case Kind.GLOBAL:
                symbol = self.program.resolve(function.module, str(node.data))
                if isinstance(symbol, ConstantSymbol):
                    yield Source(ModuleCarrier(symbol.module, symbol.name), How.COPY, node.place)
            case Kind.FREE:
                yield from self._free(function, node)
            case Kind.REBOUND:
                inner, values = self.inference.rebound(function, node)
                for value in values:
                    yield from self._asked.of(inner, value)
            case Kind.ATTR:
                yield from self._attribute(function, graph, node, node.operands[0], str(node.data))
            case Kind.ITEM:
                yield from self._item(function, graph, node)
            case Kind.CALL:
                yield from self._call(function, graph, node)
            case Kind.PHI | Kind.NARROW | Kind.ELEMENT | Kind.ENTER | Kind.SEQUENCE:
                for operand in node.operands:
                    yield Onward(operand, How.COPY)
                if node.control is not None:
                    yield Onward(node.control, How.CONTROL)
            case Kind.UNPACK:
                assert isinstance(node.data, int)
                yield from self._parts.of(function, graph, node, node.data)
            case Kind.DICT:
                for position, (key, operand) in enumerate(zip(_keys(node), node.operands, strict=True)):
                    computed = node.keys[position] if node.keys else -1
                    if computed >= 0 and holds_a_result(self.inference.type_of(function, computed)):
                        yield Onward(computed, How.COPY)  # `{pool.submit(work, x): x for x in rows}`
                    if key is None and not (computed >= 0 and self.keys.is_spelled_out(function, computed)):
                        yield Onward(operand, How.COPY)  # literal keys are carriers of their own
            case Kind.OP | Kind.COMPARE:
                for operand in node.operands:
                    yield Onward(operand, How.COMPUTED)
            case Kind.FUNCTION:
                if node.data in self.program.modules[function.module].functions:
                    inner = FunctionSymbol(function.module, str(node.data))
                    yield Source(ReturnCarrier(inner), How.COMPUTED, node.place)

    def _free(self, function: FunctionSymbol, node: Node) -> Iterator[Source | Onward]:
        enclosing = self.inference.enclosing_binding(function, str(node.data))
        if enclosing is not None:
            outer, values = enclosing
            for value in values:
                for source in self._asked.of(outer, value):
                    yield source._replace(origin=node.place)

    def _attribute(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, base: int, name: str
    ) -> Iterator[Source | Onward]:
        receivers = members(self.inference.type_of(function, base))
        default = self._objects.left_at_default(function, base, name)
        if default is not None:
            yield Source(Constant(default.text, is_default=True), How.COPY, node.place)
            for carrier in self.fields(receivers, name):  # it is read, and its values do not come this way
                yield Source(carrier, How.CONTROL, node.place, partial=True, fresh=True)
            return
        for carrier in self.fields(receivers, name):
            yield Source(carrier, How.COPY, node.place)
        for receiver in receivers:
            if isinstance(receiver, Instance):
                for getter in self.inference.getters(receiver, name):
                    yield Source(ReturnCarrier(getter), How.COPY, node.place)
                for owner in self.inference.fields_in_place(receiver, name):
                    yield Source(FieldCarrier(owner, name), How.COPY, node.place)
                method = self.program.method(receiver.cls, name)
                if method is None and graph.nodes[base].kind is not Kind.PARAM:
                    yield Onward(base, How.COPY, partial=True)
            elif isinstance(receiver, SuperObject):
                above = self.inference.method_above(receiver.cls, name)
                if above is not None and is_property(self.program.function(above)):
                    yield Source(ReturnCarrier(above), How.COPY, node.place)
            elif not isinstance(receiver, ClassObject | ModuleObject | FunctionObject):
                yield Onward(
                    base, How.COMPUTED, partial=receiver is UNKNOWN
                )  # else it has no carrier of its own
        if not receivers:
            yield Onward(base, How.COMPUTED, partial=True)

    def fields(self, receivers: tuple[Type, ...], name: str) -> Iterator[Carrier]:
        """Return the carriers that `receiver.name` stands for; an unknown receiver gives an unresolved one."""
        for receiver in receivers:
            match receiver:
                case Instance(cls=cls) | ClassObject(cls=cls):
                    owner = self.inference.owner_of_field(cls, name)
                    if owner is not None:
                        yield FieldCarrier(owner, name)
                        continue
                    if isinstance(receiver, Instance):
                        for below in self.inference.fields_below(cls, name):
                            yield FieldCarrier(below, name)
                    if not self.program.method(cls, name) and not self._has_foreign_base(cls):
                        yield UnresolvedCarrier(name)
                case ModuleObject(name=module):
                    symbol = self.program.member(ModuleSymbol(module), name)
                    if isinstance(symbol, ConstantSymbol):
                        yield ModuleCarrier(symbol.module, symbol.name)
                case _ if receiver is UNKNOWN:
                    yield UnresolvedCarrier(name)
                case _:
                    pass  # something outside the program
        if not receivers:
            yield UnresolvedCarrier(name)

    def _has_foreign_base(self, cls: ClassSymbol) -> bool:
        return any(not isinstance(one, ClassSymbol) for one in self.program.mro(cls))

    def _item(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | Onward]:
        base, index = node.operands[0], node.operands[1]
        getters = [
            getter
            for receiver in members(self.inference.type_of(function, base))
            if isinstance(receiver, Instance)
            and (getter := self.program.method(receiver.cls, "__getitem__")) is not None
        ]
        for getter in getters:
            yield Source(ReturnCarrier(getter), How.COPY, node.place)
        if getters:
            return
        names = (node.data,) if isinstance(node.data, str) else self._names(function, graph, index)
        if names:
            for name in names:
                for carrier in self.keys.read(function, base, name):
                    yield Source(carrier, How.COPY, node.place)
            for source in self._asked.of(function, base):
                if isinstance(source.carrier, FieldCarrier) and not source.partial:
                    through = not self.keys.is_open(function, base)
                    yield Source(source.carrier, How.COPY, node.place, partial=True, through=through)
            return
        position = graph.nodes[index]
        if position.kind is Kind.CONST and type(position.data) is int:
            yield from self._parts.of(function, graph, node, position.data)
            return
        yield Onward(base, How.COPY)
        if position.kind is not Kind.CONST:
            yield Onward(index, How.COMPUTED)

    def _call(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | Onward]:
        read = self._key_read(function, graph, node)
        if read is None:
            read = self._attribute_read(function, graph, node)
        yield from self._calls.of(function, graph, node) if read is None else read

    def _key_read(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node
    ) -> list[Source | Onward] | None:
        """Return what `mapping.get("key", default)` draws on, or None where the call is no such read."""
        callee = graph.nodes[node.operands[0]]
        if callee.kind is not Kind.ATTR or callee.data not in KEY_READERS or len(node.operands) < 2:
            return None
        names = self._names(function, graph, node.operands[1])
        if not names:
            return None
        receivers = members(self.inference.type_of(function, callee.operands[0]))
        if any(
            isinstance(one, Instance) and self.program.method(one.cls, str(callee.data)) for one in receivers
        ):
            return None
        carriers = [
            carrier for name in names for carrier in self.keys.read(function, callee.operands[0], name)
        ]
        found: list[Source | Onward] = [Source(carrier, How.COPY, node.place) for carrier in carriers]
        return [*found, *_defaults(graph, node, node.operands[2:], names)]

    def _attribute_read(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node
    ) -> list[Source | Onward] | None:
        """Return what `getattr(object, "name", default)` draws on, or None where the call is no such read."""
        callee = graph.nodes[node.operands[0]]
        if callee.kind is not Kind.GLOBAL or callee.data != "getattr" or len(node.operands) < 3:
            return None
        names = self._names(function, graph, node.operands[2])
        if not names:
            return None
        found: list[Source | Onward] = []
        for name in names:
            found += self._attribute(function, graph, node, node.operands[1], name)
        return [*found, *_defaults(graph, node, node.operands[3:], names)]

    def _names(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> tuple[str, ...]:
        """Return the strings that a key or a name is; none where they are not known."""
        node = graph.nodes[index]
        if node.kind is Kind.CONST:
            return (node.data,) if isinstance(node.data, str) else ()
        binding = self._asked.binding(function)
        is_given = node.kind is Kind.PARAM and index not in binding
        if node.kind in _NO_NAMES and not is_given and index not in binding:
            return ()
        found = None if is_given else self.keys.literals.strings(function, index, binding)
        if found is None and node.kind in {Kind.PARAM, Kind.OP}:
            rounds, is_all = self.keys.callers.rounds(function, index)  # by any of its callers
            return tuple(dict.fromkeys(key for _, key in rounds)) if is_all else ()
        return () if found is None else found

    def in_round(
        self, function: FunctionSymbol, graph: ValueGraph, index: int, binding: Binding
    ) -> tuple[Source, ...] | None:
        """Return what a loop variable draws on in one round, None for any other node."""
        node = graph.nodes[index]
        if index not in binding and node.kind is not Kind.UNPACK:
            return None
        values = self.keys.literals.values(function, index, binding)
        match values:
            case (Entry(mapping=table, key=key),):
                carriers = self.keys.read(table.function, table.node, key)
                return tuple(Source(carrier, How.COPY, node.place) for carrier in carriers)
            case (str() | int() | float() as literal,):
                return (Source(Constant(repr(literal)), How.COPY, node.place),)
            case _:
                return None


def _defaults(
    graph: ValueGraph, node: Node, defaults: Sequence[int], names: tuple[str, ...]
) -> Iterator[Source | Onward]:
    """Yield what stands in where a read finds no such key or attribute."""
    for default in defaults:
        inner = graph.nodes[default]
        if inner.kind is Kind.CONST:
            constant = Constant(repr(inner.data), masks=", ".join(names), in_handler=node.in_handler)
            yield Source(constant, How.COPY, inner.place)
        else:
            yield Onward(default, How.COPY)


def _keys(node: Node) -> tuple[str | None, ...]:
    assert isinstance(node.data, tuple)
    return node.data
