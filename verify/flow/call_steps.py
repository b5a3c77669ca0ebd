"""One step back from a call: what the function hands back, what an object is made of, what leaves the program."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ..source import FunctionSymbol, Program
from ..source.model import EffectKind, Kind, Node, ValueGraph
from .arguments import arguments, keyed_arguments, limit_argument
from .callables import Callables
from .calling import Caller
from .carriers import How, ObjectCarrier, OutsideCarrier, ReturnCarrier
from .drawn import Onward, Questions, Source
from .inference import Inference
from .keys import Keys
from .names import COPIES, HANDED_ON, MAPPED, MAPPED_TO_ROWS, TAKERS
from .roots import local_roots
from .types import ClassObject, ExternalObject, FunctionObject, Instance, ModuleObject, Type, members

_FIRST_CALLED = {name: position for name, position in HANDED_ON.items() if name != "partial"}
_FIRST_CALLED |= dict.fromkeys(MAPPED | MAPPED_TO_ROWS | {"apply_async"}, 0)
"""Where the function stands that a call of something outside calls, and gives the results of."""
_BUILTINS_THAT_MEASURE = {"eval", "hash", "id", "input", "open"}


class CallSteps:
    """Answers what a call draws on directly."""

    def __init__(
        self, program: Program, inference: Inference, keys: Keys, callables: Callables, asked: Questions
    ) -> None:
        self._program = program
        self._inference = inference
        self._keys = keys
        self._callables = callables
        self._asked = asked

    def of(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[Source | Onward]:
        """Yield what a call draws on."""
        callee_index, *operands = node.operands
        callee = graph.nodes[callee_index]
        types = members(self._inference.type_of(function, callee_index))
        outside = not types
        for one in types:
            match one:
                case FunctionObject():
                    for called in self._inference.dispatch(one.function, one.receiver):
                        chosen = list(self._chosen(function, FunctionObject(called, one.receiver), node))
                        yield from chosen or (Source(ReturnCarrier(called), How.COPY, node.place),)
                        bound = arguments(self._program, FunctionObject(called, one.receiver), node)
                        for name, how in self._asked.hands_back(called).items():
                            for argument in bound.get(name, ()):
                                yield Onward(argument, how)
                            is_receiver = one.receiver is not None and callee.kind is Kind.ATTR
                            if is_receiver and name == _first_parameter(self._program, called):
                                yield Onward(callee.operands[0], how)
                case ClassObject(cls=cls):
                    yield Source(ObjectCarrier(cls), How.COPY, node.place)
                case Instance(cls=cls) if (method := self._program.method(cls, "__call__")) is not None:
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
                self._inference.type_of(function, callee.operands[0])
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
        for calling in self._keys.callers.answers(called, caller):
            for effect in self._program.function(called.function).graph.effects:
                if effect.kind is EffectKind.RETURN:
                    for source in self._asked.in_round(called.function, effect.value, calling):
                        yield source._replace(origin=node.place)

    def _handed_over(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node
    ) -> Generator[Source | Onward, None, bool]:
        """Yield what a callback gives, or a function that something outside is told to call; whether it is one."""
        callee = graph.nodes[node.operands[0]]
        bounds = self._callables.of(function, node.operands[0])
        for bound in bounds:
            for called in self._inference.dispatch(bound.function.function, bound.function.receiver):
                yield Source(ReturnCarrier(called), How.COPY, node.place)
                if not bound.positions:
                    given = arguments(self._program, FunctionObject(called, bound.function.receiver), node)
                    for name, how in self._asked.hands_back(called).items():
                        for argument in given.get(name, ()):
                            yield Onward(argument, how)
        position = _FIRST_CALLED.get(str(callee.data)) if callee.kind in {Kind.ATTR, Kind.GLOBAL} else None
        if not bounds and position is not None and len(node.operands) > position + 1:
            for bound in self._callables.of(function, node.operands[1 + position]):
                yield Source(ReturnCarrier(bound.function.function), How.COPY, node.place)
        return bool(bounds)

    def _measures(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> str | None:
        """Return the name of something outside that is given no value and so gives one of its own.

        That is `time.perf_counter()`, `random.randint(0, 9)` or `input()`; another builtin of constants is a constant.
        """
        callee = node.operands[0]
        if any(graph.nodes[operand].kind is not Kind.CONST for operand in node.operands[1:]):
            return None
        for one in members(self._inference.type_of(function, callee)):
            if isinstance(one, ExternalObject) and one.receiver is None:
                builtin = one.dotted.removeprefix("builtins.")
                if builtin == one.dotted or builtin in _BUILTINS_THAT_MEASURE:
                    return builtin
        return None


def _is_namespace(receiver: Type) -> bool:
    """Whether `receiver.name(...)` is a function of a module or class, and not a method of a value."""
    return isinstance(receiver, ModuleObject) or (
        isinstance(receiver, ExternalObject) and receiver.receiver is None
    )


def _first_parameter(program: Program, function: FunctionSymbol) -> str | None:
    parameters = program.function(function).parameters
    return parameters[0].name if parameters else None
