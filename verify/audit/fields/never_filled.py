"""Lists that start empty, that nothing is put into, and that are looked at all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import FieldCarrier, Flow
from ...source import FunctionSymbol
from ...source.model import CallShape, Kind, Span, ValueGraph
from ..using.handling import as_written
from ..using.usage import Usage

_REDUCES = frozenset({"mean", "nanmean", "safe_mean", "fmean", "median", "max", "min", "std", "average"})
"""Functions whose result says nothing for an empty list: no number, or an error."""
_LOOKS = _REDUCES | {
    "sum",
    "len",
    "sorted",
    "any",
    "all",
    "list",
    "tuple",
    "set",
    "enumerate",
    "zip",
    "str",
    "print",
}
"""Functions that put nothing into what they are given."""
_GIVES_ALL = frozenset({"values", "items", "keys"})
EMPTY = {
    "list": "[]",
    "dict": "{}",
    "set": "set()",
    "deque": "deque()",
    "Counter": "Counter()",
    "defaultdict": "defaultdict()",
}
"""What is made empty, as it is written, by the name of what makes it."""


@dataclass(frozen=True, slots=True)
class NeverFilled:
    """An empty list that is reduced to a number: its local name, and where it is reduced by what."""

    name: str
    function: FunctionSymbol
    span: Span
    by: str


def never_filled(flow: Flow) -> Iterator[NeverFilled]:
    """Yield every local list that is made empty and is handed to reducing functions only, in code that can run."""
    whereabouts = flow.facts.whereabouts
    for function in flow.program.functions():
        if function not in flow.reachable:
            continue
        graph = flow.program.function(function).graph
        empty = [
            index
            for index, node in enumerate(graph.nodes)
            if node.kind is Kind.SEQUENCE and node.data == "list" and not node.operands and not node.gated
        ]
        if not empty or whereabouts.nested(function):
            continue  # an inner function may fill it
        users, effects = whereabouts.users(function)
        for index in empty:
            names = [name for name, given in graph.bindings.items() if index in given]
            if len(names) != 1 or len(graph.bindings[names[0]]) != 1 or effects.get(index):
                continue
            calls = [_reduction(graph, user, index) for user in users.get(index, ())]
            if calls and all(call is not None for call in calls):
                span, by = next(call for call in calls if call is not None)
                yield NeverFilled(names[0], function, span, by)


def is_only_looked_at(usage: Usage, carrier: FieldCarrier) -> bool:
    """Whether what a field holds is counted, added up or gone through wherever it is read, so that nobody fills it."""
    for function, index, fits in usage.places_that_read(carrier):
        graph = usage.flow.program.function(function).graph
        users, effects = usage.flow.facts.whereabouts.users(function)
        if not fits or effects.get(index) or any(one.base == index for one in graph.effects):
            return False  # handed on, or stored into
        for user in users.get(index, ()):
            node = graph.nodes[user]
            if node.kind is Kind.CALL:
                callee = graph.nodes[node.operands[0]]
                is_looking = callee.kind in {Kind.GLOBAL, Kind.ATTR} and callee.data in _LOOKS
                if not is_looking or index not in node.operands[1:]:
                    return False
            elif node.kind is Kind.ATTR:
                if node.data not in _GIVES_ALL:
                    return False
            elif node.kind not in {Kind.ELEMENT, Kind.COMPARE}:
                return False
    return True


def made_empty(maker: str) -> str | None:
    """Return what somebody makes by a call without values, as it is written, if that is an empty container."""
    return EMPTY.get(maker.rpartition(".")[2])


def empty_start(usage: Usage, carrier: FieldCarrier) -> str | None:
    """Return what a field is given wherever it is given anything, as it is written, if that is an empty container.

    One that something else is done with before or after is given as that leaves it.
    """
    found: set[str] = set()
    for function, value in usage.handling.stored_values(carrier):
        graph = usage.flow.program.function(function).graph
        if _uses(usage, function, value) > 1:
            return None
        node = as_written(graph, value)
        if node.kind is Kind.CALL and isinstance(node.data, CallShape):
            callee = graph.nodes[node.operands[0]]
            made = made_empty(str(callee.data)) or ""
            factories = 1 if made == EMPTY["defaultdict"] else 0
            is_empty = node.data.positional == factories and {*node.data.keywords} <= {"maxlen"}
            found.add(made if is_empty else "")
        elif node.kind is Kind.DICT:
            found.add("" if node.operands else "{}")
        else:
            found.add(
                "[]" if node.kind is Kind.SEQUENCE and node.data == "list" and not node.operands else ""
            )
    return found.pop() if len(found) == 1 and "" not in found else None


def _uses(usage: Usage, function: FunctionSymbol, value: int) -> int:
    """Return how often a value is used in a function, under whatever declared name."""
    users, effects = usage.flow.facts.whereabouts.users(function)
    nodes = usage.flow.program.function(function).graph.nodes
    found = len(users.get(value, ())) + len(effects.get(value, ()))
    while nodes[value].kind is Kind.NARROW:
        (value,) = nodes[value].operands
        found += len(users.get(value, ())) + len(effects.get(value, ())) - 1  # less the name
    return found


def _reduction(graph: ValueGraph, user: int, index: int) -> tuple[Span, str] | None:
    """Return where and by what a node reduces a list, None where it does anything else with it."""
    node = graph.nodes[user]
    if node.kind is not Kind.CALL or not isinstance(node.data, CallShape) or node.operands[1:] != (index,):
        return None
    callee = graph.nodes[node.operands[0]]
    name = callee.data if callee.kind in {Kind.GLOBAL, Kind.ATTR} else None
    return (node.span, str(name)) if name in _REDUCES and not node.gated else None
