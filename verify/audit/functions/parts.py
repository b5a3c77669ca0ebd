"""Private functions that one function puts together, and the one like them that it leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...source import FunctionSymbol
from ...source.model import Kind
from ..words.names import words
from .siblings import is_left_open, is_stub

if TYPE_CHECKING:
    from ..rules.base import AuditCheck

_FEWEST = 3
"""So many parts are put together."""
_GIVES_NOTHING = {None, "None"}


@dataclass(frozen=True, slots=True)
class LeftOutPart:
    """A function that nothing calls, and who calls all those like it."""

    function: FunctionSymbol
    whole: FunctionSymbol
    others: tuple[FunctionSymbol, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    module: str
    owner: str | None
    parameters: int
    returns: str | None
    is_async: bool
    is_generator: bool
    decorators: tuple[str, ...]


def left_out_parts(audit: AuditCheck) -> Iterator[LeftOutPart]:
    """Yield each private function that nothing calls, where one function calls all others of its shape beside it.

    What only the others call is a helper of theirs. Without a result, parts have to begin or end with the same word.
    """
    for alike in _alike(audit):
        uncalled = [one for one in alike if audit.uncalled.is_unnamed(one)]
        if len(uncalled) != 1:
            continue
        (function,) = uncalled
        others = [one for one in alike if one != function]
        for whole in _callers_of_some(audit, others):
            parts = [one for one in others if whole in audit.taken_along.callers(one)]
            helpers = [one for one in others if one not in parts]
            if (
                len(parts) >= _FEWEST
                and whole != function
                and all(_is_helper(audit, one, parts) for one in helpers)
                and _are_taken_alike(audit, whole, parts)
                and (_gives(audit, function) or _have_a_word(function, parts))
                and not _is_commented_out(audit, function, whole)
            ):
                yield LeftOutPart(function, whole, tuple(parts))
                break


def _gives(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function says that it gives something back."""
    return audit.program.function(function).returns not in _GIVES_NOTHING


def _alike(audit: AuditCheck) -> Iterator[list[FunctionSymbol]]:
    program = audit.program
    groups: dict[_Shape, list[FunctionSymbol]] = {}
    for function in program.functions():
        name, summary = function.name, program.function(function)
        if not name.startswith("_") or name.startswith("__") or "<" in function.qualname:
            continue
        if is_left_open(summary) or is_stub(summary):
            continue  # classes below say what it does, and call it there
        shape = _Shape(
            function.module,
            summary.owner,
            len(summary.parameters),
            summary.returns,
            summary.is_async,
            summary.is_generator,
            summary.decorators,
        )
        groups.setdefault(shape, []).append(function)
    yield from (alike for alike in groups.values() if len(alike) > _FEWEST)


def _callers_of_some(audit: AuditCheck, others: list[FunctionSymbol]) -> list[FunctionSymbol]:
    found = {caller for one in others for caller in audit.taken_along.callers(one)}
    return sorted(found - set(others), key=str)


def _is_helper(audit: AuditCheck, function: FunctionSymbol, parts: list[FunctionSymbol]) -> bool:
    callers = audit.taken_along.callers(function) - {function}
    return bool(callers) and callers <= set(parts)


def _are_taken_alike(audit: AuditCheck, whole: FunctionSymbol, parts: list[FunctionSymbol]) -> bool:
    """Whether one thing is done with what each part gives: a display of all, a sum, calls of one method, nothing."""
    roles: dict[FunctionSymbol, set[tuple[str, str]]] = {}
    for part in parts:
        sites = [site.node for site in audit.flow.call_sites(part) if site.function == whole]
        roles[part] = {role for node in sites for role in _roles(audit, whole, node)}
    return bool(set.intersection(*roles.values()))


def _roles(audit: AuditCheck, function: FunctionSymbol, index: int) -> Iterator[tuple[str, str]]:
    users, effects = audit.flow.facts.whereabouts.users(function)
    graph = audit.program.function(function).graph
    pending, seen = [index], {index}
    while pending:
        current = pending.pop()
        yield from ((effect.kind, effect.name or "") for effect in effects.get(current, ()))
        for user in users.get(current, ()):
            node = graph.nodes[user]
            if node.kind in {Kind.PHI, Kind.NARROW}:
                if user not in seen:
                    seen.add(user)
                    pending.append(user)
            elif node.kind in {Kind.SEQUENCE, Kind.DICT}:
                yield node.kind, str(user)
            elif node.kind is Kind.OP:
                yield node.kind, str(node.data)
            elif node.kind is Kind.CALL:
                yield node.kind, str(graph.nodes[node.operands[0]].data)


def _have_a_word(function: FunctionSymbol, parts: list[FunctionSymbol]) -> bool:
    """Whether all names begin, or end, with the same word, and have others."""
    named = [words(one.name) for one in (function, *parts)]
    return all(len(one) > 1 for one in named) and any(
        len({one[end] for one in named}) == 1 for end in (0, -1)
    )


def _is_commented_out(audit: AuditCheck, function: FunctionSymbol, whole: FunctionSymbol) -> bool:
    written = re.compile(rf"\b{re.escape(function.name)}\(")
    return any(written.search(line) for line in audit.commented_out.lines(whole.module).values())
