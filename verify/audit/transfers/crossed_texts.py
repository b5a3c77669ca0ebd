"""Calls of one recorder whose values fit each other's text: `record(latency_p95, quantile="p50")` and the reverse.

The text is a label wherever it stands: an argument, a keyword, in a mapping or in a call that makes one, in `labels()`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from ...flow import Flow, Site
from ...source import FunctionSymbol
from ...source.model import CallShape, Kind, Node, ValueGraph
from ..words.names import are_ends
from ..words.telemetry_names import TelemetryNames
from .transfers import Names, Transfers

_RECORDS = {
    *("record", "observe", "set", "inc", "add", "emit", "log", "track", "gauge", "histogram", "timing"),
    *(
        "count",
        "increment",
        "report",
        "put",
        "send",
        "update",
        "publish",
        "add_scalar",
        "scalar",
        "add_metric",
    ),
    *("write", "write_scalar", "summary", "distribution", "measure", "timer", "put_metric"),
}
_PART = re.compile(r"[a-z0-9]+")
_DEPTH = 3
_MANY = 40
"""Calls of one recorder in one function; more of them are a table."""


@dataclass(frozen=True, slots=True)
class Said:
    """A call of a recorder: what it is given beside its texts, each by the names that it is known under."""

    site: Site
    texts: tuple[str, ...]
    given: tuple[frozenset[str], ...]

    @property
    def parts(self) -> frozenset[str]:
        """The parts of all texts: `p50` and `eval` of `eval/p50`."""
        return frozenset(part for text in self.texts for part in _PART.findall(text.lower()))


def crossed_texts(
    flow: Flow, transfers: Transfers, names: TelemetryNames
) -> Iterator[tuple[Said, str, Said, str]]:
    """Yield each two calls of one recorder in one function whose values are named by the other's text."""
    for function in flow.program.functions():
        graph = flow.program.function(function).graph
        groups: dict[tuple[object, ...], list[Said]] = {}
        for node in graph.nodes:
            if node.kind is Kind.CALL and not node.gated:
                found = _said(flow, function, graph, node, transfers, names)
                if found is not None:
                    groups.setdefault(found[0], []).append(found[1])
        for said in groups.values():
            if 2 <= len(said) <= _MANY:
                yield from _crossed(said)


def _crossed(said: list[Said]) -> Iterator[tuple[Said, str, Said, str]]:
    """Yield the pairs of a group that are crossed, each call in one of them."""
    told: list[Said] = []
    for first, second in combinations(said, 2):
        if first in told or second in told:
            continue
        here, there = first.parts - second.parts, second.parts - first.parts
        pairs = zip(first.given, second.given, strict=True)
        differ = [(one, other) for one, other in pairs if (one or other) and one.isdisjoint(other)]
        if not here or not there or len(differ) != 1 or are_ends("_".join(here), "_".join(there)):
            continue
        ((values, others),) = differ
        found = next(
            (
                (one, other)
                for one in sorted(values)
                for other in sorted(others)
                if _fit(one, other, here, there)
            ),
            None,
        )
        if found is not None and not _fit_elsewhere(said, here | there):
            told += [first, second]
            yield first, found[0], second, found[1]


def _fit(one: str, other: str, here: frozenset[str], there: frozenset[str]) -> bool:
    """Whether the first value is told from the second by what the text of the second says, and the other way round."""
    left, right = _parts(one), _parts(other)
    return left - right == there and right - left == here


def _fit_elsewhere(said: list[Said], parts: frozenset[str]) -> bool:
    """Whether a value is recorded under its own text in another call: then what is crossed is meant to be."""
    return any(parts & one.parts & _parts(name) for one in said for given in one.given for name in given)


def _parts(name: str) -> frozenset[str]:
    return frozenset(_PART.findall(name.lower()))


def _said(
    flow: Flow,
    function: FunctionSymbol,
    graph: ValueGraph,
    node: Node,
    transfers: Transfers,
    names: TelemetryNames,
) -> tuple[tuple[object, ...], Said] | None:
    """Return a call of a recorder, with what two calls of the same one have in common."""
    shape, callee = node.data, graph.nodes[node.operands[0]]
    assert isinstance(shape, CallShape)
    if callee.kind not in {Kind.ATTR, Kind.GLOBAL, Kind.FREE} or shape.starred or None in shape.keywords:
        return None
    method = str(callee.data)
    if method.lstrip("_") not in _RECORDS and not names.is_function(method):
        return None
    known = transfers.names(function)
    texts: list[str] = []
    recorder = _recorder(graph, known, callee, texts)
    given: list[frozenset[str]] = []
    for operand in node.operands[1:]:
        inside = [*_texts(graph, operand, _DEPTH)]
        texts += inside
        given.append(frozenset() if inside else _called(known, operand))
    if not texts or not any(given):
        return None
    key = (recorder, method, shape.positional, shape.keywords)
    return key, Said(flow.facts.site(function, node.place), tuple(texts), tuple(given))


def _recorder(graph: ValueGraph, known: Names, callee: Node, texts: list[str]) -> str:
    """Return what is called, `labels(...)` looked through, whose texts are added."""
    if callee.kind is not Kind.ATTR:
        return ""
    receiver = graph.nodes[callee.operands[0]]
    if receiver.kind is not Kind.CALL or graph.nodes[receiver.operands[0]].kind is not Kind.ATTR:
        return known.path(callee.operands[0])
    for operand in receiver.operands[1:]:
        texts += _texts(graph, operand, _DEPTH)
    return known.path(graph.nodes[receiver.operands[0]].operands[0])


def _texts(graph: ValueGraph, index: int, depth: int) -> Iterator[str]:
    """Yield the texts that a value is, or that it is made of on the spot."""
    node = graph.nodes[index]
    if node.kind is Kind.CONST:
        if isinstance(node.data, str):
            yield node.data
    elif depth and node.kind in {Kind.CALL, Kind.DICT, Kind.SEQUENCE, Kind.OP}:
        for operand in node.operands[1:] if node.kind is Kind.CALL else node.operands:
            yield from _texts(graph, operand, depth - 1)


def _called(known: Names, index: int) -> frozenset[str]:
    return frozenset(one.name for one in known.origins(index) if not one.is_derived)
