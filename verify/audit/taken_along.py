"""What else never runs where a function does not: all that only it calls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from ..flow import Flow
from ..source import FunctionSymbol


class TakenAlong:
    """Answers which functions hang on one alone."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def by(self, function: FunctionSymbol) -> Iterator[FunctionSymbol]:
        """Yield the functions that nothing but this one, and what hangs on it, calls or may call."""
        calls, reached = self._flow.facts.calls, {function}
        pending = [function]
        while pending:
            for callee in sorted(calls.get(pending.pop(), ()), key=str):
                if callee not in reached and self._callers.get(callee, set()) <= reached:
                    reached.add(callee)
                    pending.append(callee)
                    yield callee

    @cached_property
    def _callers(self) -> dict[FunctionSymbol, set[FunctionSymbol]]:
        found: dict[FunctionSymbol, set[FunctionSymbol]] = {}
        for table in (self._flow.facts.calls, self._flow.facts.possible_calls):
            for caller, callees in table.items():
                for callee in callees:
                    found.setdefault(callee, set()).add(caller)
        return found
