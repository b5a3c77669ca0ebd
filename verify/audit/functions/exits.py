"""Ways out of a function of which all but one record in an instrument."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...flow import Flow
from ...flow.instruments import Instrument
from ...source import FunctionSymbol
from ...source.model import Span
from ...source.packed import unpacked
from ...source.syntax import place_of
from ..using.commented_out import CommentedOut
from ..using.statements import definition_at

_FEWEST = 3
"""Ways out that record, two of them by an error."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A way out by an error, at `span`, that does not record as the `others` do."""

    instrument: Instrument
    function: FunctionSymbol
    span: Span
    others: int


@dataclass(frozen=True, slots=True)
class _Exit:
    statement: ast.Return | ast.Raise
    before: frozenset[int]  # the lines of what has run by then, whatever way was taken
    in_handler: bool


def forgotten_exits(flow: Flow, texts: CommentedOut) -> Iterator[Forgotten]:
    """Yield the handlers of errors that leave a function without what its other ways out do."""
    for instrument in flow.facts.instruments:
        lines: dict[FunctionSymbol, set[int]] = {}
        for one in instrument.recordings:
            if one.certain and not one.gated:
                lines.setdefault(one.site.function, set()).add(one.site.span.line)
        for function, recorded in lines.items():
            if len(recorded) >= _FEWEST:
                yield from _of(flow, texts, instrument, function, recorded)


def _of(
    flow: Flow, texts: CommentedOut, instrument: Instrument, function: FunctionSymbol, recorded: set[int]
) -> Iterator[Forgotten]:
    text = texts.text(function.module)
    body = definition_at(text, function.name, flow.program.function(function).span.line)
    if not isinstance(body, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    try:
        exits = list(_exits(body.body, frozenset(), in_handler=False))
    except RecursionError:  # thousands of branches, one in the other
        return
    done = [one for one in exits if not recorded.isdisjoint(one.before)]
    lacking = [one for one in exits if one not in done]
    if len(done) < _FEWEST or len(lacking) != 1 or not lacking[0].in_handler:
        return
    if sum(one.in_handler for one in done) >= _FEWEST - 1:
        yield Forgotten(instrument, function, unpacked(place_of(lacking[0].statement)), len(done))


def _exits(block: Sequence[ast.stmt], before: frozenset[int], *, in_handler: bool) -> Iterator[_Exit]:
    """Yield the statements that leave a function, each with what has run before it."""
    for statement in block:
        match statement:
            case ast.Return() | ast.Raise():
                yield _Exit(statement, before, in_handler)
            case ast.Expr():
                before |= {statement.lineno}
            case ast.Try() | ast.TryStar():
                before |= {one.lineno for one in statement.finalbody if isinstance(one, ast.Expr)}
                yield from _exits(statement.body, before, in_handler=in_handler)
                for handler in statement.handlers:
                    yield from _exits(handler.body, before, in_handler=True)
                yield from _exits([*statement.orelse, *statement.finalbody], before, in_handler=in_handler)
            case ast.If() | ast.For() | ast.AsyncFor() | ast.While():
                yield from _exits(statement.body, before, in_handler=in_handler)
                yield from _exits(statement.orelse, before, in_handler=in_handler)
            case ast.With() | ast.AsyncWith():
                yield from _exits(statement.body, before, in_handler=in_handler)
            case ast.Match():
                for case in statement.cases:
                    yield from _exits(case.body, before, in_handler=in_handler)
