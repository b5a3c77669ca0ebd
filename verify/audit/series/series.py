"""What a program logs, function by function, and what the logged values are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Flow
from ...flow.logger_keys import Logged
from ...source import FunctionSymbol
from ...source.model import Kind, ValueGraph
from ..transfers.transfers import Names

_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Series:
    """One value that is logged under a name.

    Attributes:
        bare: The last part of the name: `entropy_loss` of `train/entropy_loss`.
        called: What the value is called: locals, fields, keys; of `mean(losses)`, what the mean is taken of.
        mapping: The display that it is an entry of, where a mapping is logged as a whole; None for a call of its own.
    """

    logged: Logged
    bare: str
    called: frozenset[str]
    mapping: int | None = None


def series_by_function(flow: Flow) -> Iterator[tuple[FunctionSymbol, list[Series]]]:
    """Yield what each function that can run logs, in calls of its own and as entries of a mapping."""
    together: dict[FunctionSymbol, list[Logged]] = {}
    for one in flow.facts.logged:
        if one.value >= 0 and not one.gated and one.function in flow.reachable:
            together.setdefault(one.function, []).append(one)
    for function, found in together.items():
        graph = flow.program.function(function).graph
        displays = {
            operand: index
            for index, node in enumerate(graph.nodes)
            if node.kind is Kind.DICT
            for operand in node.operands
        }
        names = Names(graph)
        yield (
            function,
            [
                Series(
                    one,
                    one.name.rpartition("/")[2],
                    frozenset(_called(graph, names, one.value)),
                    displays.get(one.value),
                )
                for one in found
            ],
        )


def _called(graph: ValueGraph, names: Names, index: int) -> set[str]:
    """Return the names of a value, looking into calls of one argument and through alternatives."""
    found: set[str] = set()
    pending = [index]
    for _ in range(_DEPTH):
        following: list[int] = []
        for current in pending:
            origins = names.origins(current)
            own = {one.name for one in origins if not one.is_derived}
            known = own or {one.name for one in origins}
            node = graph.nodes[current]
            if known:
                found |= known
            elif node.kind in {Kind.PHI, Kind.NARROW}:
                following += node.operands
            elif node.kind is Kind.CALL:
                callee = graph.nodes[node.operands[0]]
                if len(node.operands) == 2:
                    following.append(node.operands[1])
                elif len(node.operands) == 1 and callee.kind is Kind.ATTR:
                    following += callee.operands
        pending = following
    return found
