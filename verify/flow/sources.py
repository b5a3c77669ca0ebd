"""What a value is made of: from any node of a value graph back to the carriers and constants it draws on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from ..source import ClassSymbol, FunctionSymbol, ModuleSymbol, Program
from ..source.model import CallShape, EffectKind, Kind, Node, Span, ValueGraph
from ..source.program import ConstantSymbol
from .arguments import arguments, keyed_arguments
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
from .inference import Inference, is_property
from .mappings import Mappings
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

# Calls that hand their argument on as it is, but for its container or number type.
COPIES = {
    "int",
    "float",
    "bool",
    "list",
    "tuple",
    "set",
    "frozenset",
    "deque",
    "dict",
    "iter",
    "next",
    "copy",
    "deepcopy",
    "sorted",
    "reversed",
    "cast",
    "enumerate",
    "zip",
    "item",
    "tolist",
    "replace",
}
# Methods that put their arguments into the object they are called on.
MUTATORS = {
    "append",
    "appendleft",
    "add",
    "extend",
    "extendleft",
    "insert",
    "update",
    "setdefault",
    "put",
    "put_nowait",
    "push",
    "__setitem__",
}
# Methods that hand out what is in the object they are called on; their arguments only choose.
TAKERS = {"get", "pop", "popleft", "setdefault", "values", "items", "get_nowait"}
_NO_CIRCLE = sys.maxsize
_KEY_READERS = {"get", "pop", "setdefault"}


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that a value draws on; `origin` is the expression in the function that asked."""

    carrier: Carrier | Constant
    how: How
    origin: Span
    partial: bool = False


class Sources:
    """Answers what a node draws on. Calls are followed by what they return, each caller with its own arguments."""

    def __init__(self, program: Program, inference: Inference) -> None:
        self.program = program
        self.inference = inference
        self.mappings = Mappings(program, inference)
        self._hands_back: dict[FunctionSymbol, dict[str, How]] = {}
        self._mutated: dict[FunctionSymbol, dict[int, list[int]]] = {}
        self._answers: dict[tuple[FunctionSymbol, int], list[Source]] = {}
        self._steps: dict[FunctionSymbol, dict[int, tuple[Source | _Onward, ...]]] = {}
        self._unsettled = 0  # functions whose own result is being asked for
        self._asked: dict[tuple[FunctionSymbol, int], int] = {}  # open questions, by depth
        self._circle = _NO_CIRCLE  # the outermost open question that an answer had to do without

    def of(self, function: FunctionSymbol, index: int) -> list[Source]:
        """Return what a node draws on, each carrier once, the most faithful way first."""
        key = (function, index)
        answer = self._answers.get(key)
        if answer is not None:
            return answer
        if key in self._asked:  # functions that hand each other their results: the outer answer has it all
            self._circle = min(self._circle, self._asked[key])
            return []
        depth = self._asked[key] = len(self._asked)
        try:
            answer = self._search(function, index)
        finally:
            del self._asked[key]
        if self._circle >= depth:
            self._circle = _NO_CIRCLE
        if self._is_settled():
            self._answers[key] = answer
        return answer

    def _is_settled(self) -> bool:
        """Whether what was just found out is all there is: no question that it depends on is still open."""
        return not self._unsettled and self._circle == _NO_CIRCLE

    def _search(self, function: FunctionSymbol, index: int) -> list[Source]:
        graph = self.program.function(function).graph
        known = self._steps.setdefault(function, {})
        best: dict[tuple[Carrier | Constant, bool], Source] = {}
        pending: list[tuple[int, How, bool]] = [(index, How.COPY, False)]
        seen = set(pending)
        while pending:
            node_index, how, partial = pending.pop()
            steps = known.get(node_index)
            if steps is None:
                steps = self._all_steps(function, graph, node_index)
                if self._is_settled():
                    known[node_index] = steps
            for step in steps:
                if isinstance(step, _Onward):
                    following = (step.node, max(how, step.how), partial or step.partial)
                    if following not in seen:
                        seen.add(following)
                        pending.append(following)
                    continue
                found = Source(step.carrier, max(how, step.how), step.origin, partial or step.partial)
                key = (found.carrier, found.partial)
                if key not in best or found.how < best[key].how:
                    best[key] = found
        return list(best.values())

    def hands_back(self, function: FunctionSymbol) -> dict[str, How]:
        """Return the parameters that a function's result draws on, and how."""
        if function not in self._hands_back:
            self._hands_back[function] = {}  # a function that calls itself
            found: dict[str, How] = {}
            self._unsettled += 1
            try:
                for effect in self.program.function(function).graph.effects:
                    if effect.kind in {EffectKind.RETURN, EffectKind.YIELD}:
                        for source in self.of(function, effect.value):
                            carrier = source.carrier
                            if isinstance(carrier, ParameterCarrier) and carrier.function == function:
                                found[carrier.name] = min(source.how, found.get(carrier.name, How.CONTROL))
            except RecursionError:
                del self._hands_back[function]
                raise
            finally:
                self._unsettled -= 1
            self._hands_back[function] = found
        return self._hands_back[function]

    def mutations(self, function: FunctionSymbol) -> dict[int, list[int]]:
        """Return what is put into the containers that a function makes itself: node -> values."""
        if function not in self._mutated:
            graph = self.program.function(function).graph
            found: dict[int, list[int]] = {}
            for node in graph.nodes:
                if node.kind is not Kind.CALL:
                    continue
                callee = graph.nodes[node.operands[0]]
                if callee.kind is Kind.ATTR and callee.data in MUTATORS and not node.gated:
                    keyed = {operand for _, operand, _ in keyed_arguments(graph, node)}
                    for root in local_roots(graph, callee.operands[0]):
                        put_in = [operand for operand in node.operands[1:] if operand not in keyed]
                        found.setdefault(root, []).extend(put_in)
            for effect in graph.effects:
                if effect.kind is EffectKind.STORE_ITEM and effect.name is None:
                    for root in local_roots(graph, effect.base):
                        found.setdefault(root, []).append(effect.value)
            self._mutated[function] = found
        return self._mutated[function]

    def _all_steps(
        self, function: FunctionSymbol, graph: ValueGraph, index: int
    ) -> tuple[Source | _Onward, ...]:
        """Return one step back from a node, and what is put into it where it is a container made here."""
        put_in = (_Onward(value, How.COPY) for value in self.mutations(function).get(index, ()))
        return (*self._step(function, graph, graph.nodes[index]), *put_in)

    # -- one step back ----------------------------------------------------------------------------------------

    def _step(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | _Onward]:
        match node.kind:
            case Kind.CONST:
                yield Source(Constant(repr(node.data), in_handler=node.in_handler), How.COPY, node.span)
            case Kind.PARAM:
                yield Source(ParameterCarrier(function, str(node.data)), How.COPY, node.span)
            case Kind.GLOBAL:
                symbol = self.program.resolve(function.module, str(node.data))
                if isinstance(symbol, ConstantSymbol):
                    yield Source(ModuleCarrier(symbol.module, symbol.name), How.COPY, node.span)
            case Kind.FREE:
                yield from self._free(function, node)
            case Kind.REBOUND:
                inner, values = self.inference.rebound(function, node)
                for value in values:
                    yield from self.of(inner, value)
            case Kind.ATTR:
                yield from self._attribute(function, graph, node)
            case Kind.ITEM:
                yield from self._item(function, graph, node)
            case Kind.CALL:
                yield from self._call(function, graph, node)
            case Kind.PHI | Kind.NARROW | Kind.ELEMENT | Kind.ENTER | Kind.SEQUENCE:
                for operand in node.operands:
                    yield _Onward(operand, How.COPY)
                if node.control is not None:
                    yield _Onward(node.control, How.CONTROL)
            case Kind.UNPACK:
                yield from self._unpack(function, graph, node)
            case Kind.DICT:
                for key, operand in zip(_keys(node), node.operands, strict=True):
                    if key is None:
                        yield _Onward(operand, How.COPY)  # literal keys are carriers of their own
            case Kind.OP | Kind.COMPARE:
                for operand in node.operands:
                    yield _Onward(operand, How.COMPUTED)
            case Kind.FUNCTION:
                if node.data in self.program.modules[function.module].functions:
                    inner = FunctionSymbol(function.module, str(node.data))
                    yield Source(ReturnCarrier(inner), How.COMPUTED, node.span)

    def _free(self, function: FunctionSymbol, node: Node) -> Iterator[Source | _Onward]:
        enclosing = self.inference.enclosing_binding(function, str(node.data))
        if enclosing is not None:
            outer, values = enclosing
            for value in values:
                for source in self.of(outer, value):
                    yield Source(source.carrier, source.how, node.span, source.partial)

    def _attribute(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node
    ) -> Iterator[Source | _Onward]:
        base, name = node.operands[0], str(node.data)
        receivers = members(self.inference.type_of(function, base))
        for carrier in self.fields(receivers, name):
            yield Source(carrier, How.COPY, node.span)
        for receiver in receivers:
            if isinstance(receiver, Instance):
                method = self.program.method(receiver.cls, name)
                if method is not None and is_property(self.program.function(method)):
                    yield Source(ReturnCarrier(method), How.COPY, node.span)
                if method is None and graph.nodes[base].kind is not Kind.PARAM:
                    yield _Onward(base, How.COPY, partial=True)
            elif isinstance(receiver, SuperObject):
                above = self.inference.method_above(receiver.cls, name)
                if above is not None and is_property(self.program.function(above)):
                    yield Source(ReturnCarrier(above), How.COPY, node.span)
            elif not isinstance(receiver, ClassObject | ModuleObject | FunctionObject):
                yield _Onward(base, How.COMPUTED, partial=True)
        if not receivers:
            yield _Onward(base, How.COMPUTED, partial=True)

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

    def _item(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | _Onward]:
        base, index = node.operands[0], node.operands[1]
        getters = [
            getter
            for receiver in members(self.inference.type_of(function, base))
            if isinstance(receiver, Instance)
            and (getter := self.program.method(receiver.cls, "__getitem__")) is not None
        ]
        for getter in getters:
            yield Source(ReturnCarrier(getter), How.COPY, node.span)
        if getters:
            return
        if isinstance(node.data, str):
            for carrier in self.mappings.read(function, base, node.data):
                yield Source(carrier, How.COPY, node.span)
            for source in self.of(function, base):
                if isinstance(source.carrier, FieldCarrier) and not source.partial:
                    yield Source(source.carrier, How.COPY, node.span, partial=True)
            return
        position = graph.nodes[index]
        if position.kind is Kind.CONST and type(position.data) is int:
            yield from self._part(function, graph, node, position.data)
            return
        yield _Onward(base, How.COPY)
        if position.kind is not Kind.CONST:
            yield _Onward(index, How.COMPUTED)

    def _unpack(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | _Onward]:
        position = node.data
        assert isinstance(position, int)
        yield from self._part(function, graph, node, position)

    def _part(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, position: int
    ) -> Iterator[Source | _Onward]:
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
            yield Source(carrier, How.COPY, node.span)
        if fields and len(fields) == len(receivers):
            return
        for root in local_roots(graph, node.operands[0], every=True):
            value = graph.nodes[root]
            if (
                value.kind is Kind.SEQUENCE
                and value.data in {"tuple", "list"}
                and -len(value.operands) <= position < len(value.operands)
                and not any(graph.nodes[operand].kind is Kind.ELEMENT for operand in value.operands)
                and root not in self.mutations(function)
            ):
                yield _Onward(value.operands[position], How.COPY)
                continue
            returned = self._returned_parts(function, value, position) if value.kind is Kind.CALL else None
            if returned is None:
                yield _Onward(root, How.COPY)
            else:
                yield from returned

    def _returned_parts(
        self, function: FunctionSymbol, call: Node, position: int
    ) -> list[Source | _Onward] | None:
        """Return one element of the tuple that a called function returns, or None where it returns no tuple."""
        found: list[Source | _Onward] = []
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
                for source in self.of(callee.function, value.operands[position]):
                    carrier = source.carrier
                    if isinstance(carrier, ParameterCarrier) and carrier.function == callee.function:
                        given = arguments(self.program, callee, call).get(carrier.name, ())
                        found += [_Onward(argument, source.how, source.partial) for argument in given]
                    else:
                        found.append(Source(carrier, source.how, call.span, source.partial))
        return found if callees else None

    def _call(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | _Onward]:
        callee_index, *operands = node.operands
        callee = graph.nodes[callee_index]
        shape = node.data
        assert isinstance(shape, CallShape)
        if (read := self._key_read(function, graph, node)) is not None:
            yield from read
            return
        types = members(self.inference.type_of(function, callee_index))
        outside = not types
        for one in types:
            match one:
                case FunctionObject():
                    for called in self.inference.dispatch(one.function, one.receiver):
                        yield Source(ReturnCarrier(called), How.COPY, node.span)
                        bound = arguments(self.program, FunctionObject(called, one.receiver), node)
                        for name, how in self.hands_back(called).items():
                            for argument in bound.get(name, ()):
                                yield _Onward(argument, how)
                            is_receiver = one.receiver is not None and callee.kind is Kind.ATTR
                            if is_receiver and name == _first_parameter(self.program, called):
                                yield _Onward(callee.operands[0], how)
                case ClassObject(cls=cls):
                    yield Source(ObjectCarrier(cls), How.COPY, node.span)
                case Instance(cls=cls) if (method := self.program.method(cls, "__call__")) is not None:
                    yield Source(ReturnCarrier(method), How.COPY, node.span)
                case _:
                    outside = True
        if outside:
            is_named = callee.kind in {Kind.GLOBAL, Kind.ATTR}
            how = How.COPY if is_named and callee.data in COPIES else How.COMPUTED
            keyed = {operand for _, operand, _ in keyed_arguments(graph, node)}
            for operand in operands:
                if operand not in keyed:
                    yield _Onward(operand, how)
            if callee.kind is Kind.ATTR and callee.data in {"items", "values"}:
                for root in local_roots(graph, callee.operands[0]):
                    if graph.nodes[root].kind is Kind.DICT:  # under whatever key
                        yield from (_Onward(value, How.COPY) for value in graph.nodes[root].operands)
            if callee.kind is Kind.ATTR and not _is_namespace(
                self.inference.type_of(function, callee.operands[0])
            ):
                yield _Onward(callee.operands[0], How.COPY if callee.data in TAKERS else how)
            elif callee.kind not in {Kind.GLOBAL, Kind.ATTR}:
                yield _Onward(callee_index, How.COMPUTED)
            measured = self._measures(function, graph, node)
            if measured is not None:
                yield Source(OutsideCarrier(measured), How.COMPUTED, node.span)

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
    ) -> list[Source | _Onward] | None:
        """Return what `mapping.get("key", default)` draws on, or None where the call is no such read."""
        callee = graph.nodes[node.operands[0]]
        if callee.kind is not Kind.ATTR or callee.data not in _KEY_READERS or len(node.operands) < 2:
            return None
        key = graph.nodes[node.operands[1]]
        if key.kind is not Kind.CONST or not isinstance(key.data, str):
            return None
        receivers = members(self.inference.type_of(function, callee.operands[0]))
        if any(
            isinstance(one, Instance) and self.program.method(one.cls, str(callee.data)) for one in receivers
        ):
            return None
        carriers = self.mappings.read(function, callee.operands[0], key.data)
        found: list[Source | _Onward] = [Source(carrier, How.COPY, node.span) for carrier in carriers]
        for default in node.operands[2:]:
            inner = graph.nodes[default]
            if inner.kind is Kind.CONST:
                constant = Constant(repr(inner.data), masks=key.data, in_handler=node.in_handler)
                found.append(Source(constant, How.COPY, inner.span))
            else:
                found.append(_Onward(default, How.COPY))
        return found


@dataclass(frozen=True, slots=True)
class _Onward:
    node: int
    how: How
    partial: bool = False


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


def local_roots(graph: ValueGraph, index: int, *, every: bool = False) -> list[int]:
    """Return the nodes that a value is, alternatives and narrowings looked through.

    Only containers made in this function are returned, or every root with `every`.
    """
    found: list[int] = []
    seen: set[int] = set()
    pending = [index]
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        node = graph.nodes[current]
        if node.kind in {Kind.PHI, Kind.NARROW}:
            pending.extend(node.operands)
        elif every or node.kind in {Kind.SEQUENCE, Kind.DICT, Kind.CALL}:
            found.append(current)
    return found
