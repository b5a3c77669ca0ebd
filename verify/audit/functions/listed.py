"""Functions that are alike and stand in one display, and the one like them that stands nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...flow.types import FunctionObject, members
from ...source import FunctionSymbol
from ...source.model import Kind, Span, ValueGraph
from ...source.program import Place
from ..words.names import words
from .siblings import is_stub

if TYPE_CHECKING:
    from ..rules.base import AuditCheck

_FEWEST = 3
"""So many functions stand in a display."""
_DISPLAYS = {Kind.SEQUENCE, Kind.DICT}


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A function that nothing calls or names, and the display that all those like it stand in."""

    function: FunctionSymbol
    display: Place
    listed: tuple[FunctionSymbol, ...]


def unlisted_functions(audit: AuditCheck) -> Iterator[Unlisted]:
    """Yield each function that nothing calls or names, the only one of its kind, where a display lists the others.

    Functions of one kind stand in one module, or class, take as many arguments, and begin or end with the same word.
    """
    told: set[FunctionSymbol] = set()
    for module, display, listed in _displays(audit):
        for end in (-1, 0):
            found = _left_out(audit, listed, end)
            if found is None or found[0] in told or _is_said_beside(audit, found, module, display.span):
                continue
            told.add(found[0])
            yield Unlisted(found[0], display, found[1])


def _displays(audit: AuditCheck) -> Iterator[tuple[str, Place, list[FunctionSymbol]]]:
    """Yield each display that lists functions of one module or class, one in every entry, with its module and these."""
    program = audit.program
    for holder in program.functions():
        graph = program.function(holder).graph
        for node in graph.nodes:
            if node.kind not in _DISPLAYS or node.gated or len(node.operands) < _FEWEST:
                continue
            entries = [_function_at(audit, holder, graph, one) for one in node.operands]
            listed = list(dict.fromkeys(one for one in entries if one is not None))
            homes = {(one.module, program.function(one).owner) for one in listed}
            if len(listed) >= _FEWEST and None not in entries and len(homes) == 1:
                yield holder.module, Place(program.modules[holder.module].path, node.span), listed


def _function_at(
    audit: AuditCheck, holder: FunctionSymbol, graph: ValueGraph, index: int
) -> FunctionSymbol | None:
    """Return the only function of the program that an entry is, or holds: `("features", feature_panel)`."""
    node = graph.nodes[index]
    inside = {Kind.SEQUENCE: node.operands, Kind.CALL: node.operands[1:]}.get(node.kind, (index,))
    found: set[FunctionSymbol] = set()
    for one in inside:
        known = members(audit.flow.facts.inference.type_of(holder, one))
        functions = {it.function for it in known if isinstance(it, FunctionObject)}
        if graph.nodes[one].kind is not Kind.CALL and len(functions) == len(known):
            found |= functions
    if len(found) != 1 or any("<" in one.qualname for one in found):
        return None
    return found.pop()


def _left_out(
    audit: AuditCheck, listed: list[FunctionSymbol], end: int
) -> tuple[FunctionSymbol, tuple[FunctionSymbol, ...]] | None:
    """Return the one like those of a display that nothing names, with these; `end` is that of the word they share."""
    program = audit.program
    named = [words(one.name) for one in listed]
    if any(len(one) < 2 for one in named) or len({one[end] for one in named}) != 1:
        return None
    summaries = [program.function(one) for one in listed]
    if len({len(one.parameters) for one in summaries}) != 1:
        return None
    first = summaries[0]
    kinds = {(one.is_async, one.returns) for one in summaries}
    others: list[FunctionSymbol] = []
    for qualname, summary in program.modules[listed[0].module].functions.items():
        function = FunctionSymbol(listed[0].module, qualname)
        said = words(function.name)
        if (
            function not in listed
            and "<" not in qualname
            and len(said) > 1
            and said[end] == named[0][end]
            and summary.owner == first.owner
            and len(summary.parameters) == len(first.parameters)
            and (summary.is_async, summary.returns) in kinds
            and not is_stub(summary)
        ):
            others.append(function)
    unnamed = [one for one in others if audit.uncalled.is_unnamed(one)]
    if len(unnamed) != 1 or 2 * (len(others) - 1) > len(listed):
        return None
    return unnamed[0], tuple(listed)


def _is_said_beside(
    audit: AuditCheck, found: tuple[FunctionSymbol, tuple[FunctionSymbol, ...]], module: str, display: Span
) -> bool:
    """Whether a comment in a display, or right above it, names a function by what the others' names do not share."""
    function, listed = found
    shared = set.intersection(*({*one.name.split("_")} for one in listed))
    own = "_".join(word for word in function.name.split("_") if word and word not in shared)
    inside = (
        line
        for number, line in audit.commented_out.lines(module).items()
        if display.line <= number <= display.end_line
    )
    said = "\n".join([audit.commented_out.above(module, display.line), *inside])
    return re.search(rf"(?<![^\W_]){re.escape(own or function.name)}", said, re.IGNORECASE) is not None
