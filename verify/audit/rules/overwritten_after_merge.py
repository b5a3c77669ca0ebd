"""TW524 overwritten-after-merge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from ...findings import Confidence, Finding
from ...flow import Constant, Flow, How
from ...flow.roots import local_roots
from ...source import FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, Node, Span, ValueGraph
from ...source.program import Place
from ..words.metric_words import are_metrics, names_metrics
from .base import AuditCheck, AuditRule


class OverwrittenAfterMerge(AuditRule):
    """A computed metric is put into a mapping, and a literal number, or None, is then written over it.

    ## Why is this bad?
    The value was computed, arrived, and is replaced on the last step: what is logged is the literal.

    ## Example
    ```python
    metrics = {**kl_metrics(batch), "loss": loss, "kl": 0.0}
    ```

    ## Use instead
    ```python
    metrics = {"kl": 0.0, **kl_metrics(batch), "loss": loss}
    ```
    """

    code = "TW524"
    name = "overwritten-after-merge"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each literal that replaces a computed value."""
        for function in audit.program.functions():
            graph = audit.program.function(function).graph
            over_merged = (
                (key, value, target, "merged in, and")
                for key, value, merged, target in _overwriting(audit.flow, function, graph)
                if _is_computed(audit.flow, function, merged, key)
            )
            over_stored = ((*one, "stored, and") for one in _over_stored(graph))
            for key, value, target, how in chain(over_merged, over_stored):
                if not _holds_metrics(audit.flow, function, graph, target, key):
                    continue
                literal = repr(graph.nodes[value].data)
                module = audit.program.modules[function.module]
                yield self.make(
                    subject=f'{function}["{key}"]',
                    place=Place(module.path, graph.nodes[value].span),
                    message=f'"{key}" is computed, {how} replaced by {literal}',
                    help="write the literal first, as a default, or leave it out",
                    context={"key": key, "literal": literal, "function": function.qualname},
                    confidence=_confidence(graph, function, value, target),
                )


_CLEARED = 3  # keys that are set back to None beside it


def _confidence(graph: ValueGraph, function: FunctionSymbol, value: int, target: int) -> Confidence:
    if graph.nodes[value].data is None and value in graph.nodes[target].operands:
        return Confidence.LOW  # `{**values, "x": None}`: all of them but one, in one breath
    entries = [graph.nodes[one] for one in graph.nodes[target].operands]
    if sum(one.kind is Kind.CONST and one.data is None for one in entries) >= _CLEARED:
        return Confidence.LOW  # what is over is cleared, key by key
    return Confidence.HIGH if names_metrics(function.name) else Confidence.MEDIUM


@dataclass(frozen=True, slots=True)
class _Written:
    """A literal that is written under a key of a mapping, or a mapping that is merged into one (without a key)."""

    key: str | None
    value: int
    span: Span
    guards: frozenset[int]
    base: int


def _overwriting(
    flow: Flow, function: FunctionSymbol, graph: ValueGraph
) -> Iterator[tuple[str, int, int, int]]:
    """Yield literals that are written after a merge: key, value, what was merged, the mapping."""
    merged: dict[int, list[int]] = {}
    for index, node in enumerate(graph.nodes):
        if node.kind is Kind.DICT and not node.gated:
            found = merged[index] = []
            for key, operand in _entries(graph, node):
                if key is None:
                    found.append(operand)
                else:
                    yield from ((key, operand, other, index) for other in found if other != operand)
    written = list(_written(graph))
    if not any(one.key is not None for one in written):
        return
    by_root: dict[int, list[_Written]] = {}
    for one in written:
        for root in local_roots(graph, one.base, every=True):
            by_root.setdefault(root, []).append(one)
    for root, ones in by_root.items():
        for last in ones:
            if last.key is None or not _is_placeholder(graph.nodes[last.value]):
                continue
            yield from (
                (last.key, last.value, other, root) for other in merged.get(root, ()) if not last.guards
            )
            for first in ones:
                if first.key is not None or not last.guards <= first.guards or first.value == last.value:
                    continue
                if _is_before(first.span, last.span) and not _is_used_between(
                    graph, root, first.span, last.span
                ):
                    yield last.key, last.value, first.value, root


def _over_stored(graph: ValueGraph) -> Iterator[tuple[str, int, int]]:
    """Yield literals that replace what was stored under their key, unseen: key, value, the mapping."""
    taken_out = [one for one in graph.overwritten if one.kind is EffectKind.STORE_ITEM and not one.gated]
    written = list(_written(graph)) if taken_out else []
    found: dict[tuple[str, int, int], None] = {}
    for before in taken_out:
        if graph.nodes[before.value].kind is Kind.CONST:
            continue
        for root in local_roots(graph, before.base, every=True):
            later = [
                one
                for one in written
                if one.key == before.name
                and one.guards == frozenset(before.guards)
                and _is_before(before.span, one.span)
                and root in local_roots(graph, one.base, every=True)
            ]
            if later and _is_placeholder(graph.nodes[later[0].value]):
                found.setdefault((str(before.name), later[0].value, root))
    yield from found


def _entries(graph: ValueGraph, node: Node) -> Iterator[tuple[str | None, int]]:
    """Yield what a display is made of: its literals under a key, and what it merges, displays taken apart."""
    assert isinstance(node.data, tuple)
    for position, (key, operand) in enumerate(zip(node.data, node.operands, strict=True)):
        if key is not None and _is_placeholder(graph.nodes[operand]):
            yield key, operand
        elif key is None and (not node.keys or node.keys[position] < 0):
            yield from _literals(graph, operand)
            yield None, operand


def _literals(graph: ValueGraph, index: int) -> Iterator[tuple[str, int]]:
    """Yield the literals of a display that is merged."""
    node = graph.nodes[index]
    if node.kind is Kind.DICT:
        assert isinstance(node.data, tuple)
        for key, operand in zip(node.data, node.operands, strict=True):
            if key is not None and _is_placeholder(graph.nodes[operand]):
                yield key, operand


def _written(graph: ValueGraph) -> Iterator[_Written]:
    """Yield the statements that store a literal into a mapping, or merge another one into it."""
    for effect in graph.effects:
        if effect.gated or effect.in_handler:
            continue
        guards = frozenset(effect.guards)
        if effect.kind is EffectKind.STORE_ITEM and effect.name is not None:
            yield _Written(str(effect.name), effect.value, effect.span, guards, effect.base)
        elif effect.kind is EffectKind.DROP:
            node = graph.nodes[effect.value]
            callee = graph.nodes[node.operands[0]] if node.kind is Kind.CALL else None
            if (
                callee is not None
                and callee.kind is Kind.ATTR
                and callee.data == "update"
                and len(node.operands) == 2
            ):
                base, (other,) = callee.operands[0], node.operands[1:]
                shape = node.data
                assert isinstance(shape, CallShape)
                if shape.keywords:
                    if shape.keywords[0] is not None:
                        yield _Written(shape.keywords[0], other, node.span, guards, base)
                    continue
                for key, operand in _literals(graph, other):
                    yield _Written(key, operand, node.span, guards, base)
                yield _Written(None, other, node.span, guards, base)


def _is_before(first: Span, second: Span) -> bool:
    return (first.line, first.column) < (second.line, second.column)


def _is_used_between(graph: ValueGraph, mapping: int, first: Span, last: Span) -> bool:
    """Whether something looks at a mapping between two places: what is written then only resets it."""
    return any(
        mapping in node.operands
        and not (node.kind is Kind.ATTR and node.data == "update")
        and _is_before(first, node.span)
        and _is_before(node.span, last)
        for node in graph.nodes
    )


def _is_placeholder(node: Node) -> bool:
    """Whether a value is a number that was typed by hand, or None."""
    return node.kind is Kind.CONST and (node.data is None or type(node.data) in {int, float})


def _is_computed(flow: Flow, function: FunctionSymbol, merged: int, key: str) -> bool:
    """Whether something but a constant is written under a key of what is merged."""
    return any(
        hop.how is not How.CONTROL and not isinstance(hop.source, Constant)
        for carrier in flow.facts.sources.keys.held(function, merged)
        if carrier.key == key and carrier.mapping is not None
        for hop in flow.into(carrier)
    )


def _holds_metrics(flow: Flow, function: FunctionSymbol, graph: ValueGraph, index: int, key: str) -> bool:
    """Whether a mapping holds metrics: told by its name, its function's name, or its keys."""
    names = [name for name, given in graph.bindings.items() if index in given]
    if any(names_metrics(name) for name in (*names, function.name)):
        return True
    keys = {carrier.key for carrier in flow.facts.sources.keys.held(function, index)}
    return are_metrics([key]) and are_metrics(sorted(keys))
