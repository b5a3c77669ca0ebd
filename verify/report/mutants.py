"""What became of mutants, on a terminal: while they run in one line, and afterwards record by record."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence

from rich.console import Console
from rich.control import Control
from rich.markup import escape
from rich.segment import ControlType

from ..evidence.mutants.document import MutantResult, MutantsModel
from ..evidence.mutants.mutant import State
from ..evidence.mutants.mutated import Mutated, Mutation

_STYLES = {Mutation.KILLED: "green", Mutation.SURVIVED: "bold red", Mutation.TIMED_OUT: "bold red"}
_TOLD = (
    State.SURVIVED,
    State.TIMED_OUT,
    State.NOT_COVERED,
    State.COULD_NOT_RUN,
    State.UNREACHED,
    State.UNSWITCHABLE,
)
_FEW = 3
_NOW_AND_THEN = 10.0  # seconds


class Progress:
    """Shows how far a run is: on a terminal in one line that is written over, elsewhere a line now and then.

    What is to stay stands above it, at once.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_terminal = console.is_terminal and not console.is_dumb_terminal
        self._told = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_terminal:
            self._erase()

    def show(self, text: str) -> None:
        """Say how far it is."""
        if self._is_terminal:
            self._erase()
            self._console.print(text, style="dim", end="", markup=False, no_wrap=True, overflow="ellipsis")
        elif time.monotonic() - self._told > _NOW_AND_THEN:
            self._told = time.monotonic()
            self._console.print(text, markup=False, soft_wrap=True)

    def tell(self, text: str) -> None:
        """Say something that is to stay: a line of its own."""
        if self._is_terminal:
            self._erase()
        self._console.print(text, style="bold red", markup=False, soft_wrap=True)

    def _erase(self) -> None:
        self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))


def report_mutants(console: Console, document: MutantsModel, found: Sequence[Mutated], *, ran: int) -> None:
    """Say of each record what became of its mutants, then name every one that no test noticed."""
    shown: dict[int, MutantResult] = {}
    for wire in found:
        counts = Counter(one.state for one in wire.results)
        parts = " · ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
        style = _STYLES.get(wire.mutation, "yellow")
        console.print(
            f"{wire.wire.record.id} {escape(wire.wire.record.name)}  [{style}]{wire.mutation.value}[/]  {parts}",
            soft_wrap=True,
        )
        shown |= {id(one): one for one in wire.results}
    for state in _TOLD:
        results = [one for one in shown.values() if one.state is state]
        for result in results:
            console.print()
            _tell(console, document, result)
    _tell_sum(console, document, shown.values(), ran)


def _tell(console: Console, document: MutantsModel, result: MutantResult) -> None:
    function = document.functions[document.points[result.point].function]
    where = f"{function.module}:{result.line} ({function.function})"
    console.print(f"[bold]{result.state.value}[/]  {escape(result.message)}", soft_wrap=True)
    console.print(f"  at {escape(where)}", soft_wrap=True)
    if result.changed is not None:
        before, after = result.changed
        console.print(f"  {escape(before)} became {escape(after)}", soft_wrap=True)
    if result.reason:
        console.print(f"  {escape(result.reason)}", soft_wrap=True)
    tests = [document.tests[test] for test in result.ran]
    if result.state is State.SURVIVED:
        more = f" and {len(tests) - _FEW} more" if len(tests) > _FEW else ""
        console.print(f"  not noticed by {escape(', '.join(tests[:_FEW]))}{more}", soft_wrap=True)


def _tell_sum(console: Console, document: MutantsModel, results: Collection[MutantResult], ran: int) -> None:
    counts = Counter(one.state for one in results)
    total = sum(counts.values())
    parts = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
    console.print()
    console.print(f"{total} mutants: {parts}", soft_wrap=True)
    way = "" if document.way == "forked" else f" · spawned, since {document.way_reason}"
    console.print(
        f"{ran} run in {document.seconds:.1f} s, {total - ran} known before · {document.jobs} at once{way}",
        style="dim",
        soft_wrap=True,
        markup=False,
    )
