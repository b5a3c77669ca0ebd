"""Keys that callers give: `def log(self, key, value): self.metrics[key] = value`, called as `log("loss", loss)`.

Each call is a round of its own: what it gives as the key goes with what it gives as the value. Calls are followed
outwards, from function to function, until a key is literal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import EffectKind, Kind, Node, ValueGraph
from .arguments import arguments
from .classes import receiver_name
from .inference import Inference
from .literal_values import Binding, Value
from .literals import Literals
from .mappings import Mappings
from .types import FunctionObject

_DEEPEST = 3  # functions that hand a key on, before it is given up
_DEEPEST_ANSWERS = 2  # calls around each other that each give a key by which the result is read
_MANY = 1024  # calls
_FRUITLESS = 3  # calls that give no literal, before the others are not looked at
_LONG = 40  # nodes of a result that are looked through for a read
_NO_VALUE = {Kind.DICT, Kind.FUNCTION}


class Calling(dict[int, Value]):
    """What a function's parameters and loop variables are in one call of it, and where that call stands."""

    def __init__(self, binding: Binding, callee: FunctionObject, caller: Caller) -> None:
        super().__init__(binding)
        self.callee = callee
        self.caller = caller
        self.depth = 1 + _depth(caller.binding)


@dataclass(frozen=True, slots=True)
class Caller:
    """A call: the function that makes it, the node, and what its own variables are then."""

    function: FunctionSymbol
    node: Node
    binding: Binding


def _depth(binding: Binding) -> int:
    """How many calls stand around each other."""
    return binding.depth if isinstance(binding, Calling) else 0


def _callers(caller: Caller) -> Iterator[FunctionSymbol]:
    """Yield the function that makes a call, and those that call it."""
    yield caller.function
    if isinstance(caller.binding, Calling):
        yield from _callers(caller.binding.caller)


def is_gated(binding: Binding) -> bool:
    """Whether the call that gives the key cannot run."""
    if not isinstance(binding, Calling):
        return False
    caller = binding.caller
    return caller.node.gated or is_gated(caller.binding)


class Callers:
    """Answers what the parameters that a key is made of are in each call."""

    def __init__(
        self, program: Program, inference: Inference, mappings: Mappings, literals: Literals
    ) -> None:
        self._program = program
        self._inference = inference
        self._mappings = mappings
        self._literals = literals
        self._open: set[FunctionSymbol] = set()
        self._rounds: dict[tuple[FunctionSymbol, int], tuple[list[tuple[Binding, str]], bool]] = {}
        self._chosen_by: dict[FunctionSymbol, list[int]] = {}

    def rounds(self, function: FunctionSymbol, key: int) -> tuple[list[tuple[Binding, str]], bool]:
        """Return the strings that a key made of parameters is, with the call of each, and whether these are all."""
        place = (function, key)
        if place not in self._rounds:
            self._rounds[place] = self._find(function, key)
        return self._rounds[place]

    def forget(self) -> None:
        """Forget all answers; what is asked for again is found again."""
        self._rounds.clear()
        self._chosen_by.clear()

    def _find(self, function: FunctionSymbol, key: int) -> tuple[list[tuple[Binding, str]], bool]:
        found: list[tuple[Binding, str]] = []
        unknown = 0
        for binding in self._bindings(function, (key,)):
            strings = None if binding is None else self._literals.strings(function, key, binding)
            if binding is None or strings is None or len(found) > _MANY:
                unknown += 1
                if unknown > _FRUITLESS and not found:
                    break  # its keys are no names
                continue
            found += [(binding, string) for string in strings]
        return found, bool(found) and not unknown

    def answers(self, called: FunctionObject, caller: Caller) -> list[Calling]:
        """Return what the parameters are in one call, by which a function chooses the keys of what it returns.

        Calls that stand around each other too deeply are none, and neither is one that leads back into the function
        itself: what an encoder of nested values gives itself is no choice of a key, and is much.
        """
        if _depth(caller.binding) >= _DEEPEST_ANSWERS or called.function in _callers(caller):
            return []
        parameters = self._choosing(called.function)
        return list(self._in_call(called, caller, parameters)) if parameters else []

    def _choosing(self, function: FunctionSymbol) -> list[int]:
        """Return the parameters of which a function makes the keys by which it reads what it returns."""
        if function not in self._chosen_by:
            graph = self._program.function(function).graph
            returned = [effect.value for effect in graph.effects if effect.kind is EffectKind.RETURN]
            keys: list[int] = []
            seen: set[int] = set()
            while returned and len(seen) < _LONG:
                current = returned.pop()
                if current in seen:
                    continue
                seen.add(current)
                node = graph.nodes[current]
                key = _key_of(graph, node)
                if key is not None:
                    keys.append(key)
                elif node.kind not in _NO_VALUE:
                    returned += node.operands
            self._chosen_by[function] = self._parameters(function, keys) if keys else []
        return self._chosen_by[function]

    # -- inside -------------------------------------------------------------------------------------------------

    def _parameters(self, function: FunctionSymbol, nodes: list[int] | tuple[int, ...]) -> list[int]:
        """Return the parameters that nodes are made of."""
        summary = self._program.function(function)
        receiver = receiver_name(summary)
        found: set[int] = set()
        seen: set[int] = set()
        pending = list(nodes)
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            node = summary.graph.nodes[current]
            if node.kind is Kind.PARAM and node.data != receiver:
                found.add(current)
            if node.kind not in _NO_VALUE:
                pending += node.operands
        return sorted(found)

    def _bindings(self, function: FunctionSymbol, nodes: tuple[int, ...]) -> Iterator[Binding | None]:
        """Yield what the variables that nodes are made of are, call by call; None for a call that is not known."""
        parameters = self._parameters(function, nodes)
        if not parameters:
            yield from self._literals.loop_rounds(function, nodes, {})
            return
        if function in self._open or len(self._open) >= _DEEPEST or not self._are_all_known(function):
            yield None
            if function in self._open or len(self._open) >= _DEEPEST:
                return
        self._open.add(function)
        try:
            for callee, caller, call in self._mappings.calls_of(function):
                yield from self._called(callee, caller, call, parameters, nodes)
        finally:
            self._open.remove(function)

    def _called(
        self,
        callee: FunctionObject,
        caller: FunctionSymbol,
        call: Node,
        parameters: list[int],
        nodes: tuple[int, ...],
    ) -> Iterator[Binding | None]:
        given = tuple(one for one in self._given(callee, call, parameters).values() if one is not None)
        if any(self._literals.rows.tables(caller, one) for one in given):
            yield None  # the keys of another mapping
            return
        for outer in self._bindings(caller, given):
            if outer is None:
                yield None
                continue
            is_known = False
            for binding in self._in_call(callee, Caller(caller, call, outer), parameters):
                is_known = True
                loops = self._literals.loop_rounds(callee.function, nodes, binding)
                for one in loops:
                    yield None if one is None else Calling(one, callee, binding.caller)
            if not is_known:
                yield None

    def _given(self, callee: FunctionObject, call: Node, parameters: list[int]) -> dict[int, int | None]:
        """Return which node a call gives to each parameter; None where it gives none, or more than one."""
        nodes = self._program.function(callee.function).graph.nodes
        bound = arguments(self._program, callee, call)
        given = {parameter: bound.get(str(nodes[parameter].data), []) for parameter in parameters}
        return {parameter: values[0] if len(values) == 1 else None for parameter, values in given.items()}

    def _in_call(self, callee: FunctionObject, caller: Caller, parameters: list[int]) -> Iterator[Calling]:
        """Yield what the parameters are in a call; nothing where that is not known."""
        summary = self._program.function(callee.function)
        defaults = {one.name: one.default for one in summary.parameters}
        values: list[tuple[Value, ...]] = []
        for parameter, given in self._given(callee, caller.node, parameters).items():
            if given is not None:
                known = self._literals.values(caller.function, given, caller.binding)
            else:
                default = defaults.get(str(summary.graph.nodes[parameter].data))
                known = (default.literal,) if default is not None and default.is_literal else None
            if known is None:
                return
            values.append(known)
        for chosen in itertools.product(*values):
            yield Calling(dict(zip(parameters, chosen, strict=True)), callee, caller)

    def _are_all_known(self, function: FunctionSymbol) -> bool:
        """Whether nobody but the calls that are seen calls a function."""
        if self._mappings.may_be_called_unseen(function) or not self._mappings.calls_of(function):
            return False
        summary = self._program.function(function)
        if summary.owner is None or function.name.startswith("_"):
            return True
        return self._inference.is_closed(ClassSymbol(function.module, summary.owner))


def _key_of(graph: ValueGraph, node: Node) -> int | None:
    """Return the key of a read whose key is no literal."""
    if node.kind is Kind.ITEM and node.data is None:
        return node.operands[1]
    if node.kind is not Kind.CALL or len(node.operands) < 2:
        return None
    callee = graph.nodes[node.operands[0]]
    if callee.kind is Kind.ATTR and callee.data == "get":
        return node.operands[1]
    if callee.kind is Kind.GLOBAL and callee.data == "getattr" and len(node.operands) > 2:
        return node.operands[2]
    return None
