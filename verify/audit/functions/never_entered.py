"""Objects that measure a `with` block, and that nobody enters: what they say stays as it was made.

`watch = Stopwatch()`, and later `watch.seconds`, without a `with watch` between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import FieldCarrier, Flow
from ...flow.trail import Spot, UseKind
from ...flow.types import FunctionObject, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import EffectKind, Kind, Span
from ..using.entering import Entering
from ..using.handling import Handling
from ..using.known_calls import CONSTRUCTORS

_MEASURES = {"__enter__", "__exit__", "__aenter__", "__aexit__"}


@dataclass(frozen=True, slots=True)
class NeverEntered:
    """An object of a class that is made for `with`, and the field of it that is read without one."""

    cls: ClassSymbol
    name: str
    function: FunctionSymbol
    span: Span
    read_at: Span


def never_entered(flow: Flow, handling: Handling, entering: Entering) -> Iterator[NeverEntered]:
    """Yield each object that is asked for what only a `with` block gives it, and that is in none."""
    for cls in flow.program.classes():
        if _MEASURES.isdisjoint(flow.program.class_(cls).methods):
            continue
        measured = _measured(handling, cls)
        for function, node in handling.constructions.get(cls, ()) if measured else ():
            trail = flow.facts.whereabouts.follow([Spot(function, node)])
            asked = [use for use in trail.of_kind(UseKind.ATTRIBUTE) if use.name in measured]
            if asked and not entering.may_be_entered(trail) and function in flow.reachable:
                graph = flow.program.function(function).graph
                read = flow.program.function(asked[0].function).graph.nodes[asked[0].node]
                assert asked[0].name is not None
                yield NeverEntered(cls, asked[0].name, function, graph.nodes[node].span, read.span)


def dropped_blocks(flow: Flow) -> Iterator[tuple[FunctionSymbol, FunctionSymbol, Span]]:
    """Yield each call of a context manager of the program that nothing enters: where it is, what it calls.

    `timers.phase("sample")` as a statement makes the block and runs nothing of it.
    """
    for function in flow.program.functions():
        if function not in flow.reachable:
            continue
        graph = flow.program.function(function).graph
        for effect in graph.effects:
            node = graph.nodes[effect.value] if effect.kind is EffectKind.DROP else None
            if node is None or node.kind is not Kind.CALL or effect.gated:
                continue
            known = members(flow.facts.inference.type_of(function, node.operands[0]))
            called = [one.function for one in known if isinstance(one, FunctionObject)]
            if len(called) == len(list(known)) == 1 and _is_block(flow, called[0]):
                yield function, called[0], node.span


def _is_block(flow: Flow, function: FunctionSymbol) -> bool:
    decorators = flow.program.function(function).decorators
    return any(one.rpartition(".")[2] in {"contextmanager", "asynccontextmanager"} for one in decorators)


def _measured(handling: Handling, cls: ClassSymbol) -> frozenset[str]:
    """Return the fields that are given a value where an object is entered or left, and nowhere but where it is made."""
    return frozenset(
        field
        for field in handling.attributes.get(cls, {})
        if not field.startswith("_")
        and (stored := {function.name for function, _ in handling.stored_values(FieldCarrier(cls, field))})
        & _MEASURES
        and stored <= _MEASURES.union(CONSTRUCTORS)
    )
