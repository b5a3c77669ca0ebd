"""A method's own class and own object: in `Layer.of(...)`, `cls` is `Layer`, whichever class above has the method.

So a call of `cls` makes objects of the class that has the method and of those below it; and a method that returns such
an object, `self`, or what another of its own methods gives, returns what that is in the class that it is called on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import EffectKind, Kind, Node
from .classes import receiver_name, takes_class
from .types import ClassObject, FunctionObject, Instance, Type, members, union

if TYPE_CHECKING:
    from .inference import Inference


_DEEPEST = 8
"""How many steps `type(self)`, `self.__class__` and the like are followed within one expression."""
_MOST_METHODS = 32
"""How many methods are followed that return what another of their object's methods gives."""


@dataclass(frozen=True, slots=True)
class _Returns:
    """What a method returns that is another thing in the classes below, by the nodes of its graph."""

    objects: frozenset[int]  # its own object, or one of its own class
    calls: Mapping[int, tuple[str, bool]]  # what its own method of a name gives; whether it is one from above
    only: bool  # it returns nothing else


class OwnClass:
    """Answers what calls of a class make, and what a method gives in the class that it is called on."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._program = inference.program
        self._returns: dict[FunctionSymbol, _Returns] = {}
        self._gives_own: dict[tuple[FunctionSymbol, ClassSymbol], bool] = {}
        self._calls: dict[ClassSymbol, list[tuple[FunctionSymbol, int, Node]]] = {}

    # -- what is made -------------------------------------------------------------------------------------------------

    def made_at(self, function: FunctionSymbol, callee: int) -> Iterator[ClassSymbol]:
        """Yield the classes of which a call of a node may make objects; none where it is no class of the program."""
        for one in members(self._inference.type_of(function, callee)):
            if isinstance(one, ClassObject):
                yield from self.made_by(function, one)

    def made_by(self, function: FunctionSymbol, callee: ClassObject) -> Iterator[ClassSymbol]:
        """Yield the classes of which a call in a function may make objects, where a class is called."""
        yield callee.cls
        if callee.or_below:
            method = self._method_around(function)
            is_own = self._inference.owner_of(function) == callee.cls
            for one in filter(self._inference.existing.may_exist, self._program.subclasses(callee.cls)):
                if not is_own or self._runs_on(method, one):
                    yield one

    def callees(self, function: FunctionSymbol, callee: int) -> Iterator[FunctionObject]:
        """Yield the functions that a call of a node runs: methods with those in their place below, constructors."""
        for one in members(self._inference.type_of(function, callee)):
            if isinstance(one, FunctionObject):
                for reached in self._inference.dispatch(one.function, one.receiver):
                    yield FunctionObject(reached, one.receiver)
        for cls in self.made_at(function, callee):
            if (made := self._inference.constructor(cls)) is not None:
                yield FunctionObject(made, Instance(cls))

    def calls_in(self, cls: ClassSymbol) -> list[tuple[FunctionSymbol, int, Node]]:
        """Return the calls of their own class in the methods of a class, each with the node that is called."""
        found = self._calls.get(cls)
        if found is None:
            found = self._calls[cls] = []
            for method in self._program.class_(cls).methods.values():
                function = FunctionSymbol(cls.module, method)
                for node in self._program.function(function).graph.nodes:
                    if node.kind is Kind.CALL and self._is_class(function, node.operands[0]):
                        found.append((function, node.operands[0], node))
        return found

    def _method_around(self, function: FunctionSymbol) -> FunctionSymbol:
        summary = self._program.function(function)
        while summary.owner is None and summary.enclosing is not None:
            function = FunctionSymbol(function.module, summary.enclosing)
            summary = self._program.function(function)
        return function

    def _runs_on(self, method: FunctionSymbol, cls: ClassSymbol) -> bool:
        """Whether a class below has a method from above, or one in its place that may call it: `super`, `Base.of`."""
        found = self._program.method(cls, method.name)
        if found is None or found == method:
            return True
        functions = self._program.modules[found.module].functions
        waiting = [found.qualname]
        while waiting:
            for node in functions[waiting.pop()].graph.nodes:
                match node.kind:
                    case Kind.GLOBAL if node.data == "super":
                        return True
                    case Kind.ATTR if node.data == method.name:
                        return True
                    case Kind.FUNCTION if str(node.data) in functions:
                        waiting.append(str(node.data))
        return False

    # -- what is returned ---------------------------------------------------------------------------------------------

    def returned(self, function: FunctionSymbol, receiver: Instance | ClassObject) -> Type:
        """Return what a method without annotation gives where it is called on this."""
        returns = self._returned_by(function)
        own = set(returns.objects)
        for value, (name, is_above) in returns.calls.items():
            method = self._own_method(function, receiver.cls, name, is_above=is_above)
            if method is not None and self._gives_own_object(method, receiver.cls):
                own.add(value)
        if not own:
            return self._inference.return_type(function)
        values = dict.fromkeys(self._values(function))
        others = (self._inference.type_of(function, value) for value in values if value not in own)
        return union(Instance(receiver.cls), *others)

    def _gives_own_object(self, method: FunctionSymbol, cls: ClassSymbol) -> bool:
        """Whether a method that is called on an object gives nothing but this, or others of its class."""
        known = self._gives_own.get((method, cls))
        if known is None:
            known = self._gives_own[method, cls] = self._find_gives_own(method, cls)
        return known

    def _find_gives_own(self, method: FunctionSymbol, cls: ClassSymbol) -> bool:
        seen = {method}
        waiting = [method]
        is_given = False
        while waiting:
            function = waiting.pop()
            returns = self._program.function(function).returns
            if returns is not None:
                if returns.rpartition(".")[2] != "Self":
                    return False
                is_given = True
                continue
            found = self._returned_by(function)
            if not found.only:
                return False
            is_given = is_given or bool(found.objects)
            for name, is_above in found.calls.values():
                called = self._own_method(function, cls, name, is_above=is_above)
                if called is None:
                    return False
                if called not in seen:
                    seen.add(called)
                    waiting.append(called)
            if len(seen) > _MOST_METHODS:
                return False
        return is_given

    def _own_method(
        self, function: FunctionSymbol, cls: ClassSymbol, name: str, *, is_above: bool
    ) -> FunctionSymbol | None:
        """Return what `self.name`, or `super().name`, is in a method that is called on an object of a class."""
        owner = self._inference.owner_of(function)
        if is_above:
            return None if owner is None else self._inference.method_above(owner, name)
        return self._program.method(cls, name)

    def _returned_by(self, function: FunctionSymbol) -> _Returns:
        known = self._returns.get(function)
        if known is None:
            summary = self._program.function(function)
            values = set(self._values(function))
            if summary.owner is None or summary.is_generator:
                known = _Returns(frozenset(), {}, only=False)
            else:
                objects = frozenset(value for value in values if self._is_object(function, value))
                calls = {value: self._own_call(function, value) for value in values - objects}
                own_calls = {value: call for value, call in calls.items() if call is not None}
                known = _Returns(objects, own_calls, only=len(own_calls) == len(calls))
            self._returns[function] = known
        return known

    def _values(self, function: FunctionSymbol) -> list[int]:
        effects = self._program.function(function).graph.effects
        return [one.value for one in effects if one.kind is EffectKind.RETURN]

    def _own_call(self, function: FunctionSymbol, index: int) -> tuple[str, bool] | None:
        """Return which method of its own a node calls, and whether one from above: `self.make()`, `super().make()`."""
        call = self._node(function, index)
        if call.kind is not Kind.CALL:
            return None
        callee = self._node(function, call.operands[0])
        if callee.kind is not Kind.ATTR:
            return None
        base = self._node(function, callee.operands[0])
        if base.kind is Kind.CALL and self._is_named(function, base, "super"):
            return str(callee.data), True
        is_own = self._is_class(function, callee.operands[0]) or self._is_object(function, callee.operands[0])
        return (str(callee.data), False) if is_own else None

    def _is_class(self, function: FunctionSymbol, index: int, depth: int = 0) -> bool:
        """Whether a node is the class that a method is called on."""
        node = self._node(function, index)
        match node.kind:
            case _ if depth > _DEEPEST:
                return False
            case Kind.PARAM:
                return self._is_receiver(function, node, is_class=True)
            case Kind.FREE:
                bound = self._inference.enclosing_binding(function, str(node.data))
                return bound is not None and all(
                    self._is_class(bound[0], value, depth + 1) for value in bound[1]
                )
            case Kind.ATTR:
                return node.data == "__class__" and self._is_object(function, node.operands[0], depth + 1)
            case Kind.CALL if len(node.operands) == 2 and self._is_named(function, node, "type"):
                return self._is_object(function, node.operands[1], depth + 1)
            case _:
                return False

    def _is_object(self, function: FunctionSymbol, index: int, depth: int = 0) -> bool:
        """Whether a node is an object of the class that a method is called on."""
        node = self._node(function, index)
        match node.kind:
            case _ if depth > _DEEPEST:
                return False
            case Kind.PARAM:
                return self._is_receiver(function, node, is_class=False)
            case Kind.NARROW:
                return self._is_object(function, node.operands[0], depth + 1)
            case Kind.CALL:
                callee = self._node(function, node.operands[0])
                if callee.kind is Kind.ATTR and callee.data == "__new__":
                    return len(node.operands) > 1 and self._is_class(function, node.operands[1], depth + 1)
                return self._is_class(function, node.operands[0], depth + 1)
            case _:
                return False

    def _is_named(self, function: FunctionSymbol, call: Node, name: str) -> bool:
        callee = self._node(function, call.operands[0])
        return callee.kind is Kind.GLOBAL and callee.data == name

    def _is_receiver(self, function: FunctionSymbol, node: Node, *, is_class: bool) -> bool:
        summary = self._program.function(function)
        return node.data == receiver_name(summary) and takes_class(summary) is is_class

    def _node(self, function: FunctionSymbol, index: int) -> Node:
        return self._program.function(function).graph.nodes[index]
