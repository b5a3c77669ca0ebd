"""What an instrument says of a value: the label that it is recorded under, the name that it is declared by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from ...flow import FieldCarrier, Flow, ModuleCarrier, Site
from ...flow.instruments import Instrument
from ...flow.metric_libraries import InstrumentKind
from ...source import FunctionSymbol
from ...source.model import CallShape, Kind, Node, ValueGraph
from ..words.names import are_light, words
from .told_apart import crosswise
from .transfers import Transfers

_ENDINGS = re.compile(r"(?<=\w{4})(?:ures?|ed|ing|ions?|es?)$")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value that is recorded under labels, all of them written out."""

    labels: str
    called: frozenset[str]
    site: Site


@dataclass(frozen=True, slots=True)
class Declared:
    """An instrument under the name that the program keeps it by."""

    kept_as: str
    name: str
    site: Site


def crossed_labels(flow: Flow, transfers: Transfers) -> Iterator[tuple[Labelled, str, Labelled, str]]:
    """Yield each two values that one function records in one instrument under each other's label."""
    for instrument in flow.facts.instruments:
        by_function: dict[FunctionSymbol, list[Labelled]] = {}
        for one in _labelled(flow, transfers, instrument):
            by_function.setdefault(one.site.function, []).append(one)
        for found in by_function.values():
            in_order = sorted(found, key=lambda one: (one.site.span.line, one.site.span.column))
            for first, second in combinations(in_order, 2):
                pair = crosswise(first.labels, first.called, second.labels, second.called, wholly=False)
                if pair is not None:
                    yield first, pair[0], second, pair[1]


def repeated_labels(flow: Flow, transfers: Transfers) -> Iterator[tuple[Labelled, Labelled, str]]:
    """Yield each value that is recorded under the label of another one beside it, with the other and its own name.

    Both are recorded in one body, whatever happens, under one label; the other is called after it.
    """
    for instrument in flow.facts.instruments:
        by_label: dict[tuple[FunctionSymbol, str], list[Labelled]] = {}
        for one in _labelled(flow, transfers, instrument):
            by_label.setdefault((one.site.function, one.labels), []).append(one)
        for (function, label), alike in by_label.items():
            owners = [one for one in alike if label in one.called]
            others = [one for one in alike if one.called and label not in one.called]
            if len(owners) == len(others) == 1 and _are_on_one_branch(flow, function, owners[0], others[0]):
                yield others[0], owners[0], min(others[0].called)


def _are_on_one_branch(flow: Flow, function: FunctionSymbol, one: Labelled, other: Labelled) -> bool:
    spans = {one.site.span, other.site.span}
    effects = [effect for effect in flow.program.function(function).graph.effects if effect.span in spans]
    return len(effects) == len(spans) and len({effect.guards for effect in effects}) == 1


def _labelled(flow: Flow, transfers: Transfers, instrument: Instrument) -> Iterator[Labelled]:
    for recording in instrument.recordings:
        if recording.gated or not recording.certain:
            continue
        site = recording.site
        graph = flow.program.function(site.function).graph
        names = transfers.names(site.function)
        for node in graph.nodes:
            if node.kind is not Kind.CALL or node.span != site.span or len(node.operands) < 2:
                continue
            labels, value = _recorded(graph, node, recording.method)
            if labels and value >= 0:
                called = frozenset(one.name for one in names.origins(value) if not one.is_derived)
                yield Labelled("_".join(labels), called, site)


def _recorded(graph: ValueGraph, node: Node, method: str) -> tuple[list[str], int]:
    """Return the labels of `family.add_metric(["hit"], value)` or `X.labels("hit").inc(value)`, and the value."""
    shape, callee = node.data, graph.nodes[node.operands[0]]
    assert isinstance(shape, CallShape)
    if callee.kind is not Kind.ATTR or callee.data != method or shape.starred:
        return [], -1
    if method == "add_metric" and shape.positional > 1:
        given = graph.nodes[node.operands[1]]
        return _texts(graph, given.operands if given.kind is Kind.SEQUENCE else ()), node.operands[2]
    chosen = graph.nodes[callee.operands[0]]
    if (
        chosen.kind is Kind.CALL
        and graph.nodes[chosen.operands[0]].data == "labels"
        and shape.positional == 1
    ):
        return _texts(graph, chosen.operands[1:]), node.operands[1]
    return [], -1


def _texts(graph: ValueGraph, operands: tuple[int, ...]) -> list[str]:
    texts = [graph.nodes[one].data for one in operands if graph.nodes[one].kind is Kind.CONST]
    return [one for one in texts if isinstance(one, str)]


def crossed_declarations(flow: Flow) -> Iterator[tuple[Declared, Declared]]:
    """Yield each two instruments of one kind that a class or module keeps under what the other's declared name says."""
    by_place: dict[tuple[FunctionSymbol, InstrumentKind, object], list[Declared]] = {}
    for instrument in flow.facts.instruments:
        if len(instrument.kept_in) != 1:
            continue
        place = instrument.kept_in[0]
        if isinstance(place, FieldCarrier | ModuleCarrier):
            owner = place.owner if isinstance(place, FieldCarrier) else place.module
            found = Declared(place.name, instrument.carrier.name, instrument.site)
            by_place.setdefault((instrument.site.function, instrument.kind, owner), []).append(found)
    for alike in by_place.values():
        for first, second in combinations(alike, 2):
            if _is_other_way_round(first, second) or _is_other_way_round(second, first):
                yield first, second


def _is_other_way_round(first: Declared, second: Declared) -> bool:
    """Whether two instruments fit each other's declared name: the first its own in no word, the second no better."""
    kept, other = _stems(first.kept_as), _stems(second.kept_as)
    own, declared = _stems(first.name), _stems(second.name)
    if not kept or not other or not (kept <= declared and other <= own):
        return False
    return not kept & own and other & declared <= other & own


def _stems(name: str) -> frozenset[str]:
    """Return the words of a name, less what they end with: `failures` and `jobs.failed` say the same."""
    return frozenset(_ENDINGS.sub("", one) for one in words(name) if not are_light([one]))
