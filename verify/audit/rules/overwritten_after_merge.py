"""TW524 overwritten-after-merge."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...flow import Constant, Flow, How
from ...flow.roots import local_roots
from ...source import FunctionSymbol
from ...source.model import EffectKind, Kind, Node, Span, ValueGraph
from ...source.program import Place
from ..metric_words import are_metrics, names_metrics
from .base import AuditCheck, AuditRule


class OverwrittenAfterMerge(AuditRule):
    """A computed metric is merged into a mapping, and a literal number is then written over it.

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
            for key, value, merged, target in _overwriting(audit.flow, function, graph):
                is_computed = _is_computed(audit.flow, function, merged, key)
                if not is_computed or not _holds_metrics(audit.flow, function, graph, target, key):
                    continue
                literal = repr(graph.nodes[value].data)
                module = audit.program.modules[function.module]
                yield self.make(
                    subject=f'{function}["{key}"]',
                    place=Place(module.path, graph.nodes[value].span),
                    message=f'"{key}" is computed, merged in, and replaced by {literal}',
                    help="write the literal before the merge, as a default, or leave it out",
                    context={"key": key, "literal": literal, "function": function.qualname},
                    confidence=Confidence.HIGH if names_metrics(function.name) else Confidence.MEDIUM,
                )


def _overwriting(
    flow: Flow, function: FunctionSymbol, graph: ValueGraph
) -> Iterator[tuple[str, int, int, int]]:
    """Yield literal numbers that are written after a merge: key, value, what was merged, the mapping."""
    spreads: dict[int, list[int]] = {}
    for index, node in enumerate(graph.nodes):
        if node.kind is not Kind.DICT or node.gated:
            continue
        assert isinstance(node.data, tuple)
        merged: list[int] = []
        for position, (key, operand) in enumerate(zip(node.data, node.operands, strict=True)):
            if key is None and (not node.keys or node.keys[position] < 0):
                merged.append(operand)
            elif key is not None and _is_number(graph.nodes[operand]):
                yield from ((key, operand, other, index) for other in merged)
        if merged:
            spreads[index] = merged
    stores = [
        effect
        for effect in graph.effects
        if effect.kind is EffectKind.STORE_ITEM
        and effect.name is not None
        and not effect.guards
        and not effect.gated
        and not effect.in_handler
        and _is_number(graph.nodes[effect.value])
    ]
    if not stores:
        return
    updates = _updates(graph)
    for effect in stores:
        for root in local_roots(graph, effect.base):
            for other in spreads.get(root, ()):
                yield str(effect.name), effect.value, other, root
            for call, other in updates.get(root, ()):
                first = graph.nodes[call].span
                if _is_before(first, effect.span) and not _is_used_between(graph, root, first, effect.span):
                    yield str(effect.name), effect.value, other, root


def _updates(graph: ValueGraph) -> dict[int, list[tuple[int, int]]]:
    """Return for each mapping made here the calls that merge another into it, with that other."""
    found: dict[int, list[tuple[int, int]]] = {}
    for index, node in enumerate(graph.nodes):
        if node.kind is Kind.CALL and len(node.operands) == 2 and not node.gated:
            callee = graph.nodes[node.operands[0]]
            if callee.kind is Kind.ATTR and callee.data == "update":
                for root in local_roots(graph, callee.operands[0]):
                    found.setdefault(root, []).append((index, node.operands[1]))
    return found


def _is_before(first: Span, second: Span) -> bool:
    return (first.line, first.column) < (second.line, second.column)


def _is_used_between(graph: ValueGraph, mapping: int, first: Span, last: Span) -> bool:
    """Whether something looks at a mapping between two places: what is written then only resets it."""
    return any(
        mapping in node.operands and _is_before(first, node.span) and _is_before(node.span, last)
        for node in graph.nodes
    )


def _is_number(node: Node) -> bool:
    return node.kind is Kind.CONST and type(node.data) in {int, float}


def _is_computed(flow: Flow, function: FunctionSymbol, merged: int, key: str) -> bool:
    """Whether something but a constant is written under a key of what is merged."""
    return any(
        hop.how is not How.CONTROL and not isinstance(hop.source, Constant)
        for carrier in flow.facts.sources.keys.held(function, merged)
        if carrier.key == key and carrier.mapping is not None
        for hop in flow.into.get(carrier, ())
    )


def _holds_metrics(flow: Flow, function: FunctionSymbol, graph: ValueGraph, index: int, key: str) -> bool:
    """Whether a mapping holds metrics: told by its name, its function's name, or its keys."""
    names = [name for name, given in graph.bindings.items() if index in given]
    if any(names_metrics(name) for name in (*names, function.name)):
        return True
    keys = {carrier.key for carrier in flow.facts.sources.keys.held(function, index)}
    return are_metrics([key]) and are_metrics(sorted(keys))
