"""Functions that stand side by side and do the same kind of thing, and what one of them could do as the others do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...source import FunctionSymbol, Program
from ...source.model import FunctionSummary, Kind, Node, ValueGraph
from ..transfers.transfers import Transfers
from ..words.names import words
from .twins import Twins

FEWEST = 4
"""So many siblings there have to be."""


@dataclass(frozen=True, slots=True)
class _Key:
    module: str
    owner: str | None
    first_word: str
    is_private: bool
    parameters: int


def functions_alike(program: Program) -> Iterator[list[FunctionSymbol]]:
    """Yield the functions of a module, and the methods of a class, that begin with the same word."""
    groups: dict[_Key, list[FunctionSymbol]] = {}
    for function in program.functions():
        parts = words(function.name)
        summary = program.function(function)
        if len(parts) < 2 or "<" in function.qualname or function.name.startswith("__") or summary.enclosing:
            continue
        if any("property" in text or "abstract" in text for text in summary.decorators):
            continue
        key = _Key(
            function.module, summary.owner, parts[0], function.name.startswith("_"), len(summary.parameters)
        )
        groups.setdefault(key, []).append(function)
    for group in groups.values():
        if len(group) >= FEWEST:
            yield group


def implementations(program: Program) -> Iterator[list[FunctionSymbol]]:
    """Yield the methods of one name that the classes below one base have of their own."""
    seen: set[tuple[FunctionSymbol, ...]] = set()
    for base in program.classes():
        below = program.subclasses(base)
        if len(below) < FEWEST:
            continue
        by_name: dict[str, list[FunctionSymbol]] = {}
        for cls in below:
            for name, qualname in program.class_(cls).methods.items():
                method = FunctionSymbol(cls.module, qualname)
                if not name.startswith("__") and not is_stub(program.function(method)):
                    by_name.setdefault(name, []).append(method)
        for group in by_name.values():
            if len(group) >= FEWEST and tuple(group) not in seen:
                seen.add(tuple(group))
                yield group


def is_stub(summary: FunctionSummary) -> bool:
    """Whether a body leaves everything to others: it is empty or raises NotImplementedError."""
    nodes = summary.graph.nodes
    return all(
        node.kind is Kind.PARAM
        or node.kind is Kind.CONST
        or (node.kind is Kind.GLOBAL and node.data == "NotImplementedError")
        or (node.kind is Kind.CALL and summary.graph.nodes[node.operands[0]].data == "NotImplementedError")
        for node in nodes
    )


def is_left_open(summary: FunctionSummary) -> bool:
    """Whether a method is there for classes below to say what it does: it is abstract or raises NotImplementedError."""
    raises = any(
        node.kind is Kind.GLOBAL and node.data == "NotImplementedError" for node in summary.graph.nodes
    )
    return any("abstract" in text for text in summary.decorators) or (raises and is_stub(summary))


class Siblings:
    """Answers whether a function could do what its siblings do."""

    def __init__(self, program: Program, transfers: Transfers, twins: Twins) -> None:
        self._program = program
        self._transfers = transfers
        self._twins = twins

    def could_do(self, odd: FunctionSymbol, doing: list[FunctionSymbol], helper: str) -> bool:
        """Whether a function goes the way of its siblings, and has what one of them gives to a helper."""
        shared = set.intersection(*({*self._twins.calls(one)} for one in doing)) - {helper}
        if shared and 2 * len(shared & {*self._twins.calls(odd)}) < len(shared):
            return False
        names = self._names(odd)
        return any(self._has_arguments(names, one, helper) for one in doing)

    def _names(self, function: FunctionSymbol) -> set[str]:
        """Return the names of a function's own values, and of what it calls."""
        graph = self._program.function(function).graph
        read = {str(node.data) for node in graph.nodes if node.kind in {Kind.ATTR, Kind.PARAM}}
        given = {one.name for one in self._program.function(function).parameters}
        return {*graph.bindings, *read, *given, *self._twins.calls(function), "self", "cls"}

    def _has_arguments(self, names: set[str], sibling: FunctionSymbol, helper: str) -> bool:
        graph = self._program.function(sibling).graph
        return any(
            all(self._has(names, sibling, graph, one) for one in node.operands[1:])
            for node in graph.nodes
            if node.kind is Kind.CALL and graph.nodes[node.operands[0]].data == helper
        )

    def _has(self, names: set[str], sibling: FunctionSymbol, graph: ValueGraph, index: int) -> bool:
        """Whether a value of a sibling can be had by these names: one of the same, or computed of nothing else."""
        pending, seen = [index], set[int]()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            node = graph.nodes[current]
            known = {one.name for one in self._transfers.names(sibling).origins(current)}
            if node.kind in {Kind.CONST, Kind.GLOBAL, Kind.FREE, Kind.FUNCTION} or not known.isdisjoint(
                names
            ):
                continue
            if node.kind is Kind.PARAM or (known and node.kind is Kind.CALL and not _is_given(graph, node)):
                return False
            pending += node.operands
        return True


def _is_given(graph: ValueGraph, call: Node) -> bool:
    """Whether a call is one that a module's function answers for nothing: `time.monotonic()`."""
    callee = graph.nodes[call.operands[0]]
    while callee.kind is Kind.ATTR:
        callee = graph.nodes[callee.operands[0]]
    return callee.kind is Kind.GLOBAL and len(call.operands) == 1
