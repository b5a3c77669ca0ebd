"""States that code waits for and nothing is ever in: `if self.phase == "draining"`.

A state is a field that is set to one of several literals, or members of an enumeration, as the program runs. All that
gives it its values is followed back to where they are written down; where anything else may, nothing is said of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Carrier, Constant, FieldCarrier, How, ObjectCarrier, ParameterCarrier, ReturnCarrier
from ...flow.carriers import ModuleCarrier
from ...flow.types import Instance, members
from ...source import FunctionSymbol
from ...source.model import Kind, Node
from ..using.known_calls import CONSTRUCTORS
from ..using.usage import Usage
from .string_events import with_elements

EQUAL = {"Eq", "NotEq", "Is", "IsNot", "In", "NotIn"}
"""Operators that ask whether values are the same."""
_FEWEST = 2
"""Values that a state has, beside the one that is waited for."""

Value = str | FieldCarrier
"""A literal, or a member of an enumeration."""


@dataclass(frozen=True, slots=True)
class UnknownState:
    """A comparison of a field with a value that nothing gives it.

    Attributes:
        values: What it is given, as written.
    """

    field: FieldCarrier
    value: str
    function: FunctionSymbol
    node: Node
    values: tuple[str, ...]


def unknown_states(usage: Usage) -> Iterator[UnknownState]:
    """Yield each comparison of a field with a state that it is never in."""
    finder = _Finder(usage)
    for function in usage.flow.reachable:
        yield from finder.found_in(function)


class _Finder:
    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._flow = usage.flow
        self._values: dict[FieldCarrier, frozenset[Value]] = {}

    def found_in(self, function: FunctionSymbol) -> Iterator[UnknownState]:
        graph = self._flow.program.function(function).graph
        for node in graph.nodes:
            if node.kind is not Kind.COMPARE or node.gated or not EQUAL.issuperset(operators(node)):
                continue
            for left, right in itertools.pairwise(node.operands):
                for state, other in ((left, right), (right, left)):
                    if graph.nodes[state].kind is not Kind.ATTR:
                        continue
                    for said in with_elements(graph, (other,)):
                        yield from self._compared(function, state, said)

    def _compared(self, function: FunctionSymbol, state: int, said: int) -> Iterator[UnknownState]:
        value = self._said(function, said)
        if value is None:
            return
        field = self._field(function, state)
        if field is None or (isinstance(value, FieldCarrier) and field == value):
            return
        known = self.values(field)
        if len(known) >= _FEWEST and value not in known and _alike(value, known):
            node = self._flow.program.function(function).graph.nodes[said]
            yield UnknownState(field, _text(value), function, node, tuple(sorted(map(_text, known))))

    def _said(self, function: FunctionSymbol, index: int) -> Value | None:
        node = self._flow.program.function(function).graph.nodes[index]
        if node.kind is Kind.CONST:
            return repr(node.data) if isinstance(node.data, str) else None
        if node.kind is not Kind.ATTR:
            return None
        carrier = self._only(function, index)
        return carrier if carrier is not None and self._is_member(carrier) else None

    def _field(self, function: FunctionSymbol, index: int) -> FieldCarrier | None:
        carrier = self._only(function, index)
        return None if carrier is None or self._is_member(carrier) else carrier

    def _only(self, function: FunctionSymbol, index: int) -> FieldCarrier | None:
        whole = [one for one in self._flow.facts.sources.of(function, index) if not one.partial]
        if len(whole) != 1 or whole[0].how is not How.COPY:
            return None
        carrier = whole[0].carrier
        return carrier if isinstance(carrier, FieldCarrier) else None

    def _is_member(self, carrier: FieldCarrier) -> bool:
        return self._flow.facts.inference.is_enum(carrier.owner)

    def values(self, field: FieldCarrier) -> frozenset[Value]:
        """All that a state may be; nothing where something may be given to it that is not written down."""
        if field not in self._values:
            self._values[field] = self._search(field)
        return self._values[field]

    def _search(self, field: FieldCarrier) -> frozenset[Value]:
        usage = self._usage
        family = usage.family(field)
        if not any(self._is_set_on_the_way(one) or self._is_decided(one) for one in family):
            return frozenset()  # it is what it was made with: an option
        found: set[Value] = set()
        pending: list[Carrier] = [*family]
        seen: set[Carrier] = set(pending)
        while pending:
            current = pending.pop()
            if self._may_be_given(current):
                return frozenset()
            for hop in self._flow.entering(current):
                source = hop.source
                if hop.how is How.CONTROL or (hop.partial and isinstance(source, ObjectCarrier)):
                    continue  # what is read of an object moves as itself
                if hop.how is not How.COPY or hop.partial:
                    return frozenset()
                if isinstance(source, Constant):
                    found.add(source.value)
                elif isinstance(source, FieldCarrier) and self._is_member(source):
                    found.add(source)
                elif source not in seen:
                    seen.add(source)
                    pending.append(source)
        return frozenset(found)

    def _is_set_on_the_way(self, field: FieldCarrier) -> bool:
        """Whether a field is given a value by another function than a constructor."""
        inference = self._flow.facts.inference
        return any(
            function.name not in CONSTRUCTORS
            and any(
                isinstance(one, Instance) and inference.owner_of_field(one.cls, field.name) == field.owner
                for one in members(inference.type_of(function, effect.base))
            )
            for function, effect in self._usage.handling.stores.get(field.name, ())
        )

    def _is_decided(self, field: FieldCarrier) -> bool:
        """Whether an object is made with one of several literals: `state="firing" if is_firing else "resolved"`."""
        for function, value in self._flow.facts.sources.mappings.constructed_with(field.owner, field.name):
            graph = self._flow.program.function(function).graph
            if graph.nodes[value].kind is Kind.PHI:
                decided = [graph.nodes[one].kind is Kind.CONST for one in graph.nodes[value].operands]
                if len(decided) >= _FEWEST and all(decided):
                    return True
        return False

    def _may_be_given(self, carrier: Carrier) -> bool:
        """Whether a carrier may hold what is not seen."""
        match carrier:
            case FieldCarrier(owner=owner, name=name):
                return bool(
                    self._usage.doubts_about_writes(carrier) or self._usage.audience.sees_field(owner, name)
                )
            case ParameterCarrier(function=function) | ReturnCarrier(function=function):
                return self._usage.audience.may_call(function) or not self._flow.is_target(carrier)
            case ModuleCarrier():
                return not self._flow.is_target(carrier)
            case _:
                return True


def operators(node: Node) -> tuple[str, ...]:
    """Return the operators of a comparison, one after the other."""
    return tuple(map(str, node.data)) if isinstance(node.data, tuple) else (str(node.data),)


def _alike(value: Value, known: frozenset[Value]) -> bool:
    """Whether what is waited for is of the kind of what there is."""
    if isinstance(value, str):
        return all(isinstance(one, str) for one in known)
    return all(isinstance(one, FieldCarrier) and one.owner == value.owner for one in known)


def _text(value: Value) -> str:
    return value if isinstance(value, str) else f"{value.owner.name}.{value.name}"
