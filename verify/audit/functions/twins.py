"""Functions that take the same steps, but for one."""

from __future__ import annotations

from collections import Counter

from ...source import FunctionSymbol, Program
from ...source.model import Kind


class Twins:
    """Answers which functions call the same names as often; each function is looked through once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._calls: dict[FunctionSymbol, Counter[str]] = {}

    def calls(self, function: FunctionSymbol) -> Counter[str]:
        """Return how often a function calls which name, as an attribute or a variable."""
        if function not in self._calls:
            nodes = self._program.function(function).graph.nodes
            callees = (nodes[node.operands[0]] for node in nodes if node.kind is Kind.CALL and not node.gated)
            self._calls[function] = Counter(
                one.data
                for one in callees
                if isinstance(one.data, str) and one.kind in {Kind.ATTR, Kind.GLOBAL, Kind.FREE}
            )
        return self._calls[function]

    def differ_by(self, one: FunctionSymbol, other: FunctionSymbol, step: str) -> bool:
        """Whether a function calls all that another one calls, as often, but for one call of `step`."""
        return self.calls(one) == self.calls(other) - Counter({step: 1}) and step in self.calls(other)
