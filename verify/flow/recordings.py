"""What records values in a metric instrument: `inc`, `set`, `observe` and their like, callbacks, decorators."""

from __future__ import annotations

from collections.abc import Iterator

from ..source import FunctionSymbol
from ..source.model import CallShape, Kind, Node, Span, ValueGraph
from ..source.packed import packed
from .carriers import (
    Constant,
    FieldCarrier,
    How,
    InstrumentCarrier,
    ModuleCarrier,
    OutsideCarrier,
    ReturnCarrier,
    UnresolvedCarrier,
)
from .drawn import Source
from .facts import Facts
from .instruments import InstrumentCall, Recording
from .metric_libraries import InstrumentKind
from .trail import Trail, Use
from .types import FunctionObject, members

_KEEPS_THE_VALUE = {"set", "state", "info", "add_metric", "add_sample", "set_function"}
_FIRST_VALUE = {"add_metric": 1, "add_sample": 2}
_NO_VALUE = {"labels", "exemplar", "attributes", "timestamp", "context", "name", "created"}
_MEASURE = {"time", "set_to_current_time", "track_inprogress", "count_exceptions"}
_DECORATES = ("time", "track_inprogress", "count_exceptions")


class Recordings:
    """Finds the places that record, and adds their hops to the facts."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program

    def _graph(self, function: FunctionSymbol) -> ValueGraph:
        return self._program.function(function).graph

    def labelled(self, trail: Trail, kind: InstrumentKind) -> Iterator[Recording]:
        """Yield the places that ask for a child by its labels, where that alone makes a series."""
        for spot in trail.spots:
            graph = self._graph(spot.function)
            node = graph.nodes[spot.node]
            if node.kind is Kind.CALL and not spot.path and graph.nodes[node.operands[0]].data in kind.parts:
                site = self._facts.site(spot.function, node.place)
                yield Recording("labels", site, spot.certain, node.gated)

    def at_use(self, use: Use, method: str, carrier: InstrumentCarrier) -> Recording:
        """Return the recording that the use of an instrument's method is."""
        graph = self._graph(use.function)
        calls = [
            index
            for index in self._facts.whereabouts.users(use.function)[0].get(use.node, ())
            if graph.nodes[index].kind is Kind.CALL and graph.nodes[index].operands[0] == use.node
        ]
        node = graph.nodes[calls[0] if calls else use.node]
        gated = node.gated or graph.nodes[use.node].gated
        if use.spot.certain:
            for call in calls:
                self._hops(use.function, graph, call, method, carrier)
        return Recording(method, self._facts.site(use.function, node.place), use.spot.certain, gated)

    def _hops(
        self, function: FunctionSymbol, graph: ValueGraph, call: int, method: str, carrier: InstrumentCarrier
    ) -> None:
        node = graph.nodes[call]
        how = How.COPY if method in _KEEPS_THE_VALUE else How.COMPUTED
        if method in _MEASURE:
            source = Source(OutsideCarrier(method), How.COMPUTED, node.place)
            self._facts.move(function, [source], [carrier], node.place, gated=node.gated)
        else:
            values = _values(node, _FIRST_VALUE.get(method, 0), only_first=method not in _FIRST_VALUE)
            for operand, place in values:
                sources = self._value_sources(function, graph, operand)
                self._facts.move(function, sources, [carrier], place, gated=node.gated, how=how)
            if not values and method in {"inc", "dec"}:
                source = Source(Constant("1"), How.COMPUTED, node.place)
                self._facts.move(function, [source], [carrier], node.place, gated=node.gated)
        for effect in self._facts.whereabouts.users(function)[1].get(call, ()):
            for guard in effect.guards:
                guarding = self._facts.sources.of(function, guard)
                self._facts.move(function, guarding, [carrier], node.place, gated=node.gated, how=How.CONTROL)

    def _value_sources(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> list[Source]:
        """Return what a recorded value draws on; of a callback what it returns, of a dict its values."""
        node = graph.nodes[index]
        callbacks = [
            Source(ReturnCarrier(one.function), How.COPY, node.place)
            for one in members(self._facts.inference.type_of(function, index))
            if isinstance(one, FunctionObject)
        ]
        if callbacks:
            return callbacks
        if node.kind in {Kind.DICT, Kind.SEQUENCE}:
            return [
                source
                for operand in node.operands
                for source in self._value_sources(function, graph, operand)
            ]
        return list(self._facts.sources.of(function, index))

    def given_at_construction(self, call: InstrumentCall, carrier: InstrumentCarrier) -> list[Recording]:
        """Return what a construction records: a metric family's value, and an observable instrument's callbacks."""
        graph = self._graph(call.function)
        node = graph.nodes[call.node]
        shape = node.data
        assert isinstance(shape, CallShape)
        taken = call.kind.given or (frozenset() if call.kind.records else call.kind.callbacks)
        found: list[Recording] = []
        for position, (operand, place) in enumerate(zip(node.operands[1:], node.part_places, strict=True)):
            is_positional = position < shape.positional
            keyword = None if is_positional else shape.keywords[position - shape.positional]
            may_be = bool(taken) and ((not is_positional and keyword is None) or position in shape.starred)
            if not may_be and not (position in call.kind.given_at if is_positional else keyword in taken):
                continue
            value = graph.nodes[operand]
            if value.kind is Kind.CONST and value.data is None:
                continue
            if value.kind is Kind.SEQUENCE and not value.operands:
                continue
            sources = self._value_sources(call.function, graph, operand)
            self._facts.move(call.function, sources, [carrier], place, gated=node.gated)
            site = self._facts.site(call.function, place)
            found.append(Recording("value", site, not may_be, node.gated))
        if call.kind.callbacks and not call.kind.records:  # observable: callbacks may stand fourth
            for operand, place in list(zip(node.operands[1:], node.part_places, strict=True))[
                1 : shape.positional
            ]:
                for source in self._value_sources(call.function, graph, operand):
                    if isinstance(source.carrier, ReturnCarrier):
                        self._facts.move(call.function, [source], [carrier], place, gated=node.gated)
                        site = self._facts.site(call.function, place)
                        found.append(Recording("callback", site, True, node.gated))
        return found

    def by_decorators(
        self, trail: Trail, kind: InstrumentKind, carrier: InstrumentCarrier
    ) -> list[Recording]:
        """Return the recordings of decorators of methods, which stand in no function's body."""
        wanted = [name for name in _DECORATES if name in kind.records]
        found: list[Recording] = []
        if not wanted or not trail.holders:
            return found
        for function, decorators in self._facts.measured_methods:
            for text in decorators:
                holder, method = _decorator(text)
                if method in wanted and self._is_kept_as(function, holder, trail):
                    span = self._program.function(function).span
                    place = packed(Span(span.line, span.column, span.line, span.column))
                    site = self._facts.site(function, place)
                    source = Source(OutsideCarrier(method), How.COMPUTED, place)
                    self._facts.move(function, [source], [carrier], place)
                    found.append(Recording(method, site, certain=True, gated=False))
        return found

    def _is_kept_as(self, function: FunctionSymbol, written: str, trail: Trail) -> bool:
        symbol = self._program.resolve(function.module, written)
        name = written.rpartition(".")[2]
        for holder in trail.holders:
            match holder:
                case ModuleCarrier(module=module, name=kept):
                    if str(symbol) == f"{module}:{kept}":
                        return True
                case FieldCarrier(name=kept) | UnresolvedCarrier(name=kept):
                    if kept == name and not str(symbol).endswith(f":{name}"):
                        return True
        return False


def _values(node: Node, first: int, *, only_first: bool) -> list[tuple[int, int]]:
    """Return the arguments of a recording call that are values, with their places."""
    shape = node.data
    assert isinstance(shape, CallShape)
    arguments = list(zip(node.operands[1:], node.part_places, strict=True))
    found = arguments[first : shape.positional]
    keywords = zip(shape.keywords, arguments[shape.positional :], strict=True)
    found += [argument for keyword, argument in keywords if keyword not in _NO_VALUE]
    return found[:1] if only_first else found


def _decorator(text: str) -> tuple[str, str]:
    """Split `REQUESTS.labels("a").time()` into the instrument's name and the method."""
    head, _, method = text.partition("(")[0].rpartition(".")
    if method == "labels":
        rest = text.partition(")")[2]
        return head, rest.lstrip(".").partition("(")[0]
    return head, method
