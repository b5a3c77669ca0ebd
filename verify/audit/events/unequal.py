"""Members of an enumeration compared with a text or number that no member is: `breaker.state == "OPEN"`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ...flow.carriers import FieldCarrier, KeyCarrier
from ...flow.types import Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind, Node
from ...source.program import ExternalSymbol
from ..using.usage import Usage
from .states import EQUAL, operators
from .string_events import with_elements

_TEXTS = {"str", "StrEnum"}
_NUMBERS = {"int", "IntEnum"}
_PLAIN = {"Enum"}
_AUTO = {"auto()", "enum.auto()"}
_OWN_EQUALITY = ("__eq__", "_missing_", "_generate_next_value_", "__new__")


@dataclass(frozen=True, slots=True)
class Unequal:
    """A comparison of a member with a literal that never holds.

    Attributes:
        said: The literal, as written.
        known: What the members are equal to, as written; nothing where they are equal to no literal.
        meant: The member that is called so, or is equal to it but for capitals.
    """

    cls: ClassSymbol
    said: str
    function: FunctionSymbol
    node: Node
    known: tuple[str, ...]
    meant: str | None


def unequal_members(usage: Usage) -> Iterator[Unequal]:
    """Yield each comparison of a value that can only be a member with a literal that none is equal to."""
    finder = _Finder(usage)
    for function in usage.flow.reachable:
        yield from finder.found_in(function)


class _Finder:
    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._program = usage.flow.program
        self._inference = usage.flow.facts.inference
        self._values: dict[ClassSymbol, dict[str, str | int | None] | None] = {}

    def found_in(self, function: FunctionSymbol) -> Iterator[Unequal]:
        graph = self._program.function(function).graph
        for node in graph.nodes:
            if node.kind is not Kind.COMPARE or node.gated or not EQUAL.issuperset(operators(node)):
                continue
            for left, right in itertools.pairwise(node.operands):
                for value, other in ((left, right), (right, left)):
                    said = [
                        graph.nodes[one]
                        for one in with_elements(graph, (other,))
                        if graph.nodes[one].kind is Kind.CONST
                        and isinstance(graph.nodes[one].data, str | int)
                    ]
                    if said and (cls := self._only(function, value)) is not None:
                        for one in said:
                            if (found := self._unequal(cls, function, one)) is not None:
                                yield found

    def _only(self, function: FunctionSymbol, index: int) -> ClassSymbol | None:
        """Return the enumeration that an attribute is a member of, None where it may be anything else.

        A parameter, whatever it is annotated with, and an entry of a mapping may be a text that is still to become one,
        and so may a field of an object that is built from data.
        """
        node = self._program.function(function).graph.nodes[index]
        if node.kind is not Kind.ATTR or self._is_built_from_data(function, node):
            return None
        known = members(self._inference.type_of(function, index))
        classes = {one.cls for one in known if isinstance(one, Instance)}
        if len(classes) != 1 or len(known) != 1:
            return None
        (cls,) = classes
        return cls if self._inference.is_enum(cls) else None

    def _is_built_from_data(self, function: FunctionSymbol, attribute: Node) -> bool:
        """Whether a field that is read here is filled from the entries of a mapping, or somewhere outside."""
        name = str(attribute.data)
        for one in members(self._inference.type_of(function, attribute.operands[0])):
            owner = self._inference.owner_of_field(one.cls, name) if isinstance(one, Instance) else None
            if owner is None:
                continue
            if self._usage.handling.may_fill(owner, name) is not None or any(
                isinstance(hop.source, KeyCarrier) for hop in self._usage.writes(FieldCarrier(owner, name))
            ):
                return True
        return False

    def _unequal(self, cls: ClassSymbol, function: FunctionSymbol, node: Node) -> Unequal | None:
        if cls not in self._values:
            self._values[cls] = self._read(cls)
        values = self._values[cls]
        if not values or node.data in values.values() or isinstance(node.data, bool):
            return None
        text = str(node.data).casefold()
        meant = next(
            (name for name, value in values.items() if text in {name.casefold(), str(value).casefold()}), None
        )
        known = tuple(repr(value) for value in values.values() if value is not None)
        return Unequal(cls, repr(node.data), function, node, known, meant)

    def _read(self, cls: ClassSymbol) -> dict[str, str | int | None] | None:
        """Return the members with what each is equal to, None for nothing; None at all where that is not known."""
        line = self._program.mro(cls)
        bases = {one.dotted.rpartition(".")[2] for one in line if isinstance(one, ExternalSymbol)}
        own = [one for one in line if isinstance(one, ClassSymbol)]
        if any(name in self._program.class_(one).methods for one in own for name in _OWN_EQUALITY):
            return None
        if not bases <= _TEXTS | _NUMBERS | _PLAIN | {"object"} or len(own) > 1:
            return None
        found: dict[str, str | int | None] = {}
        for field in self._program.class_(cls).fields.values():
            if field.annotation is not None or field.default is None or field.name.startswith("_"):
                continue
            if not bases & (_TEXTS | _NUMBERS):
                found[field.name] = None
            elif field.default.is_literal and isinstance(field.default.literal, str | int):
                found[field.name] = field.default.literal
            elif field.default.text in _AUTO and "StrEnum" in bases:
                found[field.name] = field.name.lower()
            else:
                return None
        return found
