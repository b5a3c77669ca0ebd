"""A method's own class and own object: in `Layer.of(...)`, `cls` is `Layer`, whichever class above has the method.

So a call of `cls` makes objects of the class that has the method and of those below it; and a method that returns such
an object, `self`, or what another of its own methods gives, returns what that is in the class that it is called on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import EffectKind, Kind, Node
from .classes import receiver_name, takes_class
from .given import Given
from .results import called
from .types import ClassObject, FunctionObject, Instance, Type, members, union

if TYPE_CHECKING:
    from .inference import Inference


class OwnClass:
    """Answers what calls of a class make, and what a method gives in the class that it is called on."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._program = inference.program
        self._returns: dict[FunctionSymbol, frozenset[int]] = {}
        self._open: set[tuple[FunctionSymbol, ClassSymbol]] = set()
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
        """Whether a class below has a method from above, or an own one that calls those above."""
        found = self._program.method(cls, method.name)
        if found is None or found == method:
            return True
        nodes = self._program.function(found).graph.nodes
        return any(node.kind is Kind.GLOBAL and node.data == "super" for node in nodes)

    # -- what is returned ---------------------------------------------------------------------------------------------

    def returned(self, function: FunctionSymbol, receiver: Instance | ClassObject) -> Type:
        """Return what a method without annotation gives where it is called on this."""
        question = (function, receiver.cls)
        own = self._returned_by(function) if question not in self._open else ()
        if not own:
            return self._inference.return_type(function)
        self._open.add(question)
        try:
            effects = self._program.function(function).graph.effects
            values = dict.fromkeys(one.value for one in effects if one.kind is EffectKind.RETURN)
            found = [
                self._on(function, value, receiver.cls)
                if value in own
                else self._inference.type_of(function, value)
                for value in values
            ]
        finally:
            self._open.remove(question)
        return union(*found)

    def _on(self, function: FunctionSymbol, index: int, cls: ClassSymbol) -> Type:
        """Return what a node is that is the method's own, where the method is called on this class."""
        if self._is_object(function, index):
            return Instance(cls)
        call = self._node(function, index)
        callee = self._node(function, call.operands[0])
        is_class = self._is_class(function, callee.operands[0])
        receiver = self._inference.class_or_below(cls) if is_class else Instance(cls)
        found = self._inference.attribute(receiver, str(callee.data))
        given = Given.of(function, call)
        return union(*(called(self._inference, one, given) for one in members(found)))

    def _returned_by(self, function: FunctionSymbol) -> frozenset[int]:
        """Return the nodes that a method returns which are another thing in the classes below."""
        known = self._returns.get(function)
        if known is None:
            summary = self._program.function(function)
            effects = () if summary.is_generator or summary.owner is None else summary.graph.effects
            returned = {one.value for one in effects if one.kind is EffectKind.RETURN}
            known = frozenset(
                one for one in returned if self._is_object(function, one) or self._is_own_call(function, one)
            )
            self._returns[function] = known
        return known

    def _is_own_call(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a node is a call of a method of its own: `self.make()`, `cls.make()`."""
        call = self._node(function, index)
        if call.kind is not Kind.CALL:
            return False
        callee = self._node(function, call.operands[0])
        if callee.kind is not Kind.ATTR:
            return False
        base = callee.operands[0]
        if not (self._is_class(function, base) or self._is_object(function, base)):
            return False
        found = members(self._inference.type_of(function, call.operands[0]))
        return bool(found) and all(isinstance(one, FunctionObject) for one in found)

    def _is_class(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a node is the class that a method is called on."""
        node = self._node(function, index)
        match node.kind:
            case Kind.PARAM:
                return self._is_receiver(function, node, is_class=True)
            case Kind.FREE:
                bound = self._inference.enclosing_binding(function, str(node.data))
                return bound is not None and all(self._is_class(bound[0], value) for value in bound[1])
            case Kind.ATTR:
                return node.data == "__class__" and self._is_object(function, node.operands[0])
            case Kind.CALL if len(node.operands) == 2:
                return self._is_named(function, node, "type") and self._is_object(function, node.operands[1])
            case _:
                return False

    def _is_object(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a node is an object of the class that a method is called on."""
        node = self._node(function, index)
        match node.kind:
            case Kind.PARAM:
                return self._is_receiver(function, node, is_class=False)
            case Kind.NARROW:
                return self._is_object(function, node.operands[0])
            case Kind.CALL:
                return self._is_class(function, node.operands[0]) or self._is_made_bare(function, node)
            case _:
                return False

    def _is_made_bare(self, function: FunctionSymbol, call: Node) -> bool:
        """Whether a call is `cls.__new__(cls)`, or a method above that gives an object of the class of this one."""
        callee = self._node(function, call.operands[0])
        if callee.kind is not Kind.ATTR:
            return False
        if callee.data == "__new__":
            return len(call.operands) > 1 and self._is_class(function, call.operands[1])
        base = self._node(function, callee.operands[0])
        if base.kind is not Kind.CALL or not self._is_named(function, base, "super"):
            return False
        found = members(self._inference.type_of(function, call.operands[0]))
        return bool(found) and all(
            isinstance(one, FunctionObject) and self._gives_own_object(one.function) for one in found
        )

    def _gives_own_object(self, function: FunctionSymbol) -> bool:
        summary = self._program.function(function)
        if summary.returns is not None:
            return summary.returns.rpartition(".")[2] == "Self"
        effects = summary.graph.effects
        returned = [one.value for one in effects if one.kind is EffectKind.RETURN]
        return bool(returned) and all(self._is_object(function, one) for one in returned)

    def _is_named(self, function: FunctionSymbol, call: Node, name: str) -> bool:
        callee = self._node(function, call.operands[0])
        return callee.kind is Kind.GLOBAL and callee.data == name

    def _is_receiver(self, function: FunctionSymbol, node: Node, *, is_class: bool) -> bool:
        summary = self._program.function(function)
        return node.data == receiver_name(summary) and takes_class(summary) is is_class

    def _node(self, function: FunctionSymbol, index: int) -> Node:
        return self._program.function(function).graph.nodes[index]
