"""Which objects are entered by `with`."""

from __future__ import annotations

from functools import cached_property

from ...flow import Flow
from ...flow.trail import Trail, UseKind
from ...source import FunctionSymbol
from ...source.model import Kind

ENTERED = frozenset({"__enter__", "__aenter__"})
"""What runs where an object is entered."""
_STACKS = {"enter_context", "enter_async_context", "push", "push_async_exit"}


class Entering:
    """Answers whether an object is entered, by what is known of its way."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def may_be_entered(self, trail: Trail) -> bool:
        """Whether an object is entered, put on a stack of those that are, or gets to where it cannot be followed."""
        if leaves(trail) or any(use.name in ENTERED for use in trail.uses):
            return True
        graph_of = self._flow.program.function
        if any(
            use.node >= 0 and graph_of(use.function).graph.nodes[use.node].kind is Kind.ENTER
            for use in trail.uses
        ):
            return True
        return any((spot.function, spot.node) in self._stacked for spot in trail.spots)

    @cached_property
    def _stacked(self) -> frozenset[tuple[FunctionSymbol, int]]:
        """Every value that is given to `stack.enter_context(…)`."""
        program = self._flow.program
        found: set[tuple[FunctionSymbol, int]] = set()
        for function in program.functions():
            graph = program.function(function).graph
            for node in graph.nodes:
                if node.kind is Kind.CALL and graph.nodes[node.operands[0]].data in _STACKS:
                    found.update((function, operand) for operand in node.operands[1:])
        return frozenset(found)


def leaves(trail: Trail) -> bool:
    """Whether an object gets to somebody who cannot be followed."""
    return bool(trail.of_kind(UseKind.LEAVES, UseKind.UNCALLED))
