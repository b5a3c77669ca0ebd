"""One step back from a node of a value graph: what it draws on directly."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, ModuleSymbol, Program
from ..source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from .arguments import arguments, keyed_arguments, limit_argument
from .callables import Callables
from .calling import Caller
from .carriers import (
    Carrier,
    Constant,
    FieldCarrier,
    How,
    ModuleCarrier,
    ObjectCarrier,
    OutsideCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UnresolvedCarrier,
)
from .classes import is_property
from .drawn import Onward, Questions, Source
from .inference import Inference
from .keys import Keys
from .literal_values import Binding, Entry
from .names import COPIES, HANDED_ON, KEY_READERS, TAKERS
from .objects import Objects
from .roots import local_roots
from .types import (
    UNKNOWN,
    ClassObject,
    ExternalObject,
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
        self._callables = callables
        self._asked = asked
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
                yield from self._unpack(function, graph, node)
            case Kind.DICT:
                for position, (key, operand) in enumerate(zip(_keys(node), node.operands, strict=True)):
                    computed = node.keys[position] if node.keys else -1
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
                    yield Source(source.carrier, source.how, node.place, source.partial)

    def _attribute(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, base: int, name: str
    ) -> Iterator[Source | Onward]:
        receivers = members(self.inference.type_of(function, base))
        default = self._objects.left_at_default(function, base, name)
        if default is not None:
            yield Source(Constant(default.text, is_default=True), How.COPY, node.place)
            for carrier in self.fields(receivers, name):  # it is read, and its values do not come this way
                yield Source(carrier, How.CONTROL, node.place, partial=True)
            return
        for carrier in self.fields(receivers, name):
            yield Source(carrier, How.COPY, node.place)
        for receiver in receivers:
            if isinstance(receiver, Instance):
                method = self.program.method(receiver.cls, name)
                if method is not None and is_property(self.program.function(method)):
                    yield Source(ReturnCarrier(method), How.COPY, node.place)
                if method is None and graph.nodes[base].kind is not Kind.PARAM:
                    yield Onward(base, How.COPY, partial=True)
            elif isinstance(receiver, SuperObject):
                above = self.inference.method_above(receiver.cls, name)
                if above is not None and is_property(self.program.function(above)):
                    yield Source(ReturnCarrier(above), How.COPY, node.place)
            elif not isinstance(receiver, ClassObject | ModuleObject | FunctionObject):
                yield Onward(base, How.COMPUTED, partial=True)
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
                    elif not self.program.method(cls, name) and not self._has_foreign_base(cls):
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
            yield from self._part(function, graph, node, position.data)
            return
        yield Onward(base, How.COPY)
        if position.kind is not Kind.CONST:
            yield Onward(index, How.COMPUTED)

    def _unpack(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | Onward]:
        position = node.data
        assert isinstance(position, int)
        yield from self._part(function, graph, node, position)

    def _part(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, position: int
    ) -> Iterator[Source | Onward]:
        """One element, by its position: of a tuple spelled out here or returned, or of a NamedTuple's fields."""
        receivers = members(self.inference.type_of(function, node.operands[0]))
        fields = [
            FieldCarrier(owner, name)
            for one in receivers
            if isinstance(one, Instance)
            and (name := self.inference.field_at(one.cls, position)) is not None
            and (owner := self.inference.owner_of_field(one.cls, name)) is not None
        ]
        for carrier in fields:
            yield Source(carrier, How.COPY, node.place)
        if fields and len(fields) == len(receivers):
            return
        for root in local_roots(graph, node.operands[0], every=True):
            value = graph.nodes[root]
            if (
                value.kind is Kind.SEQUENCE
                and value.data in {"tuple", "list"}
                and -len(value.operands) <= position < len(value.operands)
                and not any(graph.nodes[operand].kind is Kind.ELEMENT for operand in value.operands)
                and root not in self._asked.mutations(function)
            ):
                yield Onward(value.operands[position], How.COPY)
                continue
            returned = self._returned_parts(function, value, position) if value.kind is Kind.CALL else None
            if returned is None:
                yield Onward(root, How.COPY)
            else:
                yield from returned

    def _returned_parts(
        self, function: FunctionSymbol, call: Node, position: int
    ) -> list[Source | Onward] | None:
        """Return one element of the tuple that a called function returns, or None where it returns no tuple."""
        found: list[Source | Onward] = []
        callees = members(self.inference.type_of(function, call.operands[0]))
        for callee in callees:
            if not isinstance(callee, FunctionObject):
                return None
            graph = self.program.function(callee.function).graph
            for effect in graph.effects:
                if effect.kind is not EffectKind.RETURN:
                    continue
                value = graph.nodes[effect.value]
                is_tuple = value.kind is Kind.SEQUENCE and value.data == "tuple"
                if not is_tuple or not -len(value.operands) <= position < len(value.operands):
                    return None
                for source in self._asked.of(callee.function, value.operands[position]):
                    carrier = source.carrier
                    if isinstance(carrier, ParameterCarrier) and carrier.function == callee.function:
                        given = arguments(self.program, callee, call).get(carrier.name, ())
                        found += [Onward(argument, source.how, source.partial) for argument in given]
                    else:
                        found.append(Source(carrier, source.how, call.place, source.partial))
        return found if callees else None

    def _call(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | Onward]:
        callee_index, *operands = node.operands
        callee = graph.nodes[callee_index]
        shape = node.data
        assert isinstance(shape, CallShape)
        read = self._key_read(function, graph, node)
        if read is None:
            read = self._attribute_read(function, graph, node)
        if read is not None:
            yield from read
            return
        types = members(self.inference.type_of(function, callee_index))
        outside = not types
        for one in types:
            match one:
                case FunctionObject():
                    for called in self.inference.dispatch(one.function, one.receiver):
                        chosen = list(self._chosen(function, FunctionObject(called, one.receiver), node))
                        yield from chosen or (Source(ReturnCarrier(called), How.COPY, node.place),)
                        bound = arguments(self.program, FunctionObject(called, one.receiver), node)
                        for name, how in self._asked.hands_back(called).items():
                            for argument in bound.get(name, ()):
                                yield Onward(argument, how)
                            is_receiver = one.receiver is not None and callee.kind is Kind.ATTR
                            if is_receiver and name == _first_parameter(self.program, called):
                                yield Onward(callee.operands[0], how)
                case ClassObject(cls=cls):
                    yield Source(ObjectCarrier(cls), How.COPY, node.place)
                case Instance(cls=cls) if (method := self.program.method(cls, "__call__")) is not None:
                    yield Source(ReturnCarrier(method), How.COPY, node.place)
                case _:
                    outside = True
        if outside:
            handed = yield from self._handed_over(function, graph, node)
            outside = not handed
        if outside:
            is_named = callee.kind in {Kind.GLOBAL, Kind.ATTR}
            how = How.COPY if is_named and callee.data in COPIES else How.COMPUTED
            keyed = {operand for _, operand in keyed_arguments(graph, node)}
            limit = limit_argument(graph, node)
            for operand in operands:
                if operand not in keyed:
                    yield Onward(operand, How.CONTROL if operand == limit else how)
            if callee.kind is Kind.ATTR and callee.data in {"items", "values"}:
                for root in local_roots(graph, callee.operands[0]):
                    if graph.nodes[root].kind is Kind.DICT:  # under whatever key
                        yield from (Onward(value, How.COPY) for value in graph.nodes[root].operands)
            if callee.kind is Kind.ATTR and not _is_namespace(
                self.inference.type_of(function, callee.operands[0])
            ):
                yield Onward(callee.operands[0], How.COPY if callee.data in TAKERS else how)
            elif callee.kind not in {Kind.GLOBAL, Kind.ATTR}:
                yield Onward(callee_index, How.COMPUTED)
            measured = self._measures(function, graph, node)
            if measured is not None:
                yield Source(OutsideCarrier(measured), How.COMPUTED, node.place)

    def _chosen(self, function: FunctionSymbol, called: FunctionObject, node: Node) -> Iterator[Source]:
        """Yield what a function returns in one call that says by which key it is to be read."""
        caller = Caller(function, node, self._asked.binding(function))
        for calling in self.keys.callers.answers(called, caller):
            for effect in self.program.function(called.function).graph.effects:
                if effect.kind is EffectKind.RETURN:
                    for source in self._asked.in_round(called.function, effect.value, calling):
                        yield Source(source.carrier, source.how, node.place, source.partial)

    def _handed_over(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node
    ) -> Generator[Source | Onward, None, bool]:
        """Yield what a callback gives, or a function that something outside is told to call; whether it is one."""
        callee = graph.nodes[node.operands[0]]
        bounds = self._callables.of(function, node.operands[0])
        for bound in bounds:
            for called in self.inference.dispatch(bound.function.function, bound.function.receiver):
                yield Source(ReturnCarrier(called), How.COPY, node.place)
                if not bound.positions:
                    given = arguments(self.program, FunctionObject(called, bound.function.receiver), node)
                    for name, how in self._asked.hands_back(called).items():
                        for argument in given.get(name, ()):
                            yield Onward(argument, how)
        position = HANDED_ON.get(str(callee.data)) if callee.kind in {Kind.ATTR, Kind.GLOBAL} else None
        if (
            not bounds
            and position is not None
            and callee.data != "partial"
            and len(node.operands) > position + 1
        ):
            for bound in self._callables.of(function, node.operands[1 + position]):
                yield Source(ReturnCarrier(bound.function.function), How.COPY, node.place)
        return bool(bounds)

    def _measures(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> str | None:
        """Return the name of something outside that is given no value and so gives one of its own.

        That is `time.perf_counter()` or `random.randint(0, 9)`; a builtin of constants is a constant.
        """
        callee = node.operands[0]
        if any(graph.nodes[operand].kind is not Kind.CONST for operand in node.operands[1:]):
            return None
        for one in members(self.inference.type_of(function, callee)):
            if (
                isinstance(one, ExternalObject)
                and one.receiver is None
                and not one.dotted.startswith("builtins.")
            ):
                return one.dotted
        return None

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


def _is_namespace(receiver: Type) -> bool:
    """Whether `receiver.name(...)` is a function of a module or class, and not a method of a value."""
    return isinstance(receiver, ModuleObject) or (
        isinstance(receiver, ExternalObject) and receiver.receiver is None
    )


def _keys(node: Node) -> tuple[str | None, ...]:
    assert isinstance(node.data, tuple)
    return node.data


def _first_parameter(program: Program, function: FunctionSymbol) -> str | None:
    parameters = program.function(function).parameters
    return parameters[0].name if parameters else None
