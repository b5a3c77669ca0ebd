"""Parameters without an annotation: they are what the calls of their function give.

Calls are found by name, and each one by the type of what is called. A function that others may call as well, one that
is handed on, and one that is called on an object of unknown type take something unknown besides. A name that is said
too often is not followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import CallShape, EffectKind, FunctionSummary, Kind, Node, Parameter
from .arguments import argument_positions
from .classes import receiver_name
from .types import NONE, UNKNOWN, ClassObject, FunctionObject, Instance, Type, members, union

if TYPE_CHECKING:
    from .inference import Inference

_MANY = 16  # calls and mentions of one name
_NAMES = {Kind.GLOBAL, Kind.ATTR, Kind.FREE}
_PLAIN = {"staticmethod", "classmethod"}

_Said = tuple[FunctionSymbol, int, Node | None]
"""A node that says a name, and the call that it is the callee of."""


class ByCallers:
    """Answers what parameters are given; the program is looked through once, when the first is asked for."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._program = inference.program
        self._said: dict[str, list[_Said]] | None = None

    def parameter(self, function: FunctionSymbol, summary: FunctionSummary, parameter: Parameter) -> Type:
        """Return the type of a parameter by what calls give; unknown where no call is found."""
        if parameter.kind not in {"positional", "keyword"} or not _PLAIN.issuperset(summary.decorators):
            return UNKNOWN
        name = function.name
        owner = None if summary.owner is None else ClassSymbol(function.module, summary.owner)
        makes = owner if name == "__init__" else None
        said = self._mentions(name) if makes is None else self._constructions(makes)
        if said is None:
            return UNKNOWN
        found: list[Type] = []
        is_closed = _is_private(function)
        for caller, index, call in said:
            if caller == function:
                continue
            reached, may_be = self._reaches(function, owner, caller, index)
            is_closed = is_closed and not (may_be or (reached and call is None))
            if call is not None:
                found += (self._given(one, parameter, caller, call) for one in reached)
        if not found:
            return UNKNOWN
        return union(*found) if is_closed else union(*found, UNKNOWN)

    def _mentions(self, name: str) -> list[_Said] | None:
        if self._said is None:
            self._said = self._look()
        found = self._said.get(name, [])
        return found if 0 < len(found) <= _MANY else None

    def _constructions(self, owner: ClassSymbol) -> list[_Said] | None:
        """Return who makes objects by a constructor, or calls it.

        These say the class, one below it that has no constructor of its own, or call the class that they are of.
        """
        found: list[_Said] = []
        for cls in (owner, *self._program.subclasses(owner)):
            if cls != owner and self._inference.constructor(cls) != self._inference.constructor(owner):
                for method in self._program.class_(cls).methods.values():
                    found += self._calls_above(FunctionSymbol(cls.module, method))
                continue
            said = self._mentions(cls.name)
            if said is None and self._said is not None and self._said.get(cls.name):
                return None
            found += said or []
            found += self._inference.own_class.calls_in(cls)
        for above in self._program.mro(owner)[1:]:
            if isinstance(above, ClassSymbol):
                found += self._inference.own_class.calls_in(above)
        return found if 0 < len(found) <= _MANY else None

    def _calls_above(self, function: FunctionSymbol) -> Iterator[_Said]:
        nodes = self._program.function(function).graph.nodes
        for node in nodes:
            if node.kind is Kind.CALL and nodes[node.operands[0]].data == "__init__":
                yield function, node.operands[0], node

    def _look(self) -> dict[str, list[_Said]]:
        wanted = self._wanted()
        said: dict[str, list[_Said]] = {name: [] for name in wanted}
        for function in self._program.functions():
            nodes = self._program.function(function).graph.nodes
            calls: dict[int, Node] = {}
            names: list[int] = []
            for index, node in enumerate(nodes):
                if node.kind is Kind.CALL:
                    calls[node.operands[0]] = node
                elif node.kind in _NAMES and node.data in said:
                    names.append(index)
            if not names:
                continue
            effects = self._program.function(function).graph.effects
            used = {one for node in nodes for one in node.operands}
            used |= {
                one.value for one in effects if one.kind is not EffectKind.EVALUATE
            }  # no base of a class
            for index in names:
                found = said[str(nodes[index].data)]
                if len(found) <= _MANY and index in used:
                    found.append((function, index, calls.get(index)))
        return said

    def _wanted(self) -> set[str]:
        """Return the names of functions and classes that take something without saying what."""
        found: set[str] = set()
        for function in self._program.functions():
            summary = self._program.function(function)
            receiver = receiver_name(summary)
            if any(is_open(one) and one.name != receiver for one in summary.parameters):
                if function.name != "__init__":
                    found.add(function.name)
                elif summary.owner is not None:
                    owner = ClassSymbol(function.module, summary.owner)
                    found.update(cls.name for cls in (owner, *self._program.subclasses(owner)))
        return found

    def _reaches(
        self, function: FunctionSymbol, owner: ClassSymbol | None, caller: FunctionSymbol, index: int
    ) -> tuple[list[FunctionObject], bool]:
        """Return as what a name may mean the function, and whether it may mean it without that being known."""
        found: list[FunctionObject] = []
        may_be = False
        for one in members(self._inference.type_of(caller, index)):
            if one is UNKNOWN:
                may_be = owner is not None
            elif isinstance(one, FunctionObject):
                if function in self._inference.dispatch(one.function, one.receiver):
                    found.append(FunctionObject(function, one.receiver))
            elif isinstance(one, ClassObject):
                made = self._inference.own_class.made_by(caller, one)
                found += (
                    FunctionObject(function, Instance(cls))
                    for cls in made
                    if self._inference.constructor(cls) == function
                )
        return found, may_be

    def _given(
        self, called: FunctionObject, parameter: Parameter, caller: FunctionSymbol, call: Node
    ) -> Type:
        shape = call.data
        assert isinstance(shape, CallShape)
        positions = argument_positions(self._program, called, call).get(parameter.name)
        if positions is None:
            return NONE if parameter.default is not None and parameter.default.text == "None" else UNKNOWN
        is_spread = any(
            one in shape.starred
            or (one >= shape.positional and shape.keywords[one - shape.positional] is None)
            for one in positions
        )
        if is_spread or len(positions) > 1:
            return UNKNOWN
        return self._inference.type_of(caller, call.operands[1 + positions[0]])


def is_open(parameter: Parameter) -> bool:
    """Whether a parameter says nothing of what it takes."""
    return (
        parameter.annotation is None
        and parameter.kind in {"positional", "keyword"}
        and (parameter.default is None or parameter.default.text == "None")
    )


def _is_private(function: FunctionSymbol) -> bool:
    """Whether nobody but the program itself is to call a function: a part of its name keeps others off."""
    parts = function.qualname.split(".")
    return any(part.startswith(("_", "<")) and not part.endswith("__") for part in parts)
