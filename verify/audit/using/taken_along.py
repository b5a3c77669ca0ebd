"""What else never runs where a function does not: all that only it calls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from ...flow import Flow
from ...source import FunctionSymbol


class TakenAlong:
    """Answers which functions hang on one alone, and by whom one is called."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def by(self, function: FunctionSymbol) -> Iterator[FunctionSymbol]:
        """Yield the functions that nothing but this one, and what hangs on it, calls or may call."""
        calls, reached = self._flow.facts.calls, {function}
        pending = [function]
        while pending:
            for callee in sorted(calls.get(pending.pop(), ()), key=str):
                if callee not in reached and self.callers(callee) <= reached:
                    reached.add(callee)
                    pending.append(callee)
                    yield callee

    def callers(self, function: FunctionSymbol) -> set[FunctionSymbol]:
        """Return the functions that call a function, have it called beside them, or may."""
        return set(self._callers.get(function, ()))

    @cached_property
    def _callers(self) -> dict[FunctionSymbol, list[FunctionSymbol]]:
        """By function who calls it, some of them twice: lists, since most have one or two."""
        found: dict[FunctionSymbol, list[FunctionSymbol]] = {}
        for table in (self._flow.facts.calls, self._flow.facts.possible_calls):
            for caller, callees in table.items():
                for callee in callees:
                    found.setdefault(callee, []).append(caller)
        return found
