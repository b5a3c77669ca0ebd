"""Metric instruments of Prometheus and OpenTelemetry: who makes them, and who records values in them.

An instrument is a carrier. `inc`, `set`, `observe` and their like are its writes, wherever the instrument has been
handed to; the registry that exports it is its reader.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import CallShape, Default, FieldSummary, Kind, Node, Span, ValueGraph
from ..source.program import ExternalSymbol
from .carriers import (
    Constant,
    FieldCarrier,
    Hop,
    How,
    InstrumentCarrier,
    ModuleCarrier,
    OutsideCarrier,
    ReturnCarrier,
    Site,
    UnresolvedCarrier,
    UseCarrier,
)
from .drawn import Source
from .metric_libraries import FACTORIES, FACTORY_NAMES, METER_METHODS, METER_MODULES, InstrumentKind, either
from .types import External, ExternalObject, FunctionObject, members
from .whereabouts import Spot, Trail, Use, UseKind

if TYPE_CHECKING:
    from .facts import Facts

_KEEPS_THE_VALUE = {"set", "state", "info", "add_metric", "add_sample", "set_function"}
_FIRST_VALUE = {"add_metric": 1, "add_sample": 2}
_NO_VALUE = {"labels", "exemplar", "attributes", "timestamp", "context", "name", "created"}
_MEASURE = {"time", "set_to_current_time", "track_inprogress", "count_exceptions"}
_DECORATES = ("time", "track_inprogress", "count_exceptions")
_MOST_HELPERS = 4  # one that calls another, and so on


@dataclass(frozen=True, slots=True)
class InstrumentCall:
    """A call that makes an instrument, or a mention of what would: a node of a function."""

    function: FunctionSymbol
    node: int
    kind: InstrumentKind


@dataclass(frozen=True, slots=True)
class Recording:
    """One place that records a value; `certain` if the receiver is known to be this instrument."""

    method: str
    site: Site
    certain: bool
    gated: bool


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument with everything that happens to it.

    Attributes:
        site: Where it is made.
        recordings: What records values in it.
        handed_back: Functions that return it: the collector, of a metric family.
        uncalled: Functions that return it and that nothing in the program calls.
        lost: Places beyond which it cannot be followed; somebody there may record.
        doubtful: The same, where it is not sure that it is this instrument at all.
        kept_in: The fields and names that hold it.
    """

    carrier: InstrumentCarrier
    kind: InstrumentKind
    site: Site
    recordings: tuple[Recording, ...]
    handed_back: tuple[FunctionSymbol, ...]
    uncalled: tuple[FunctionSymbol, ...]
    lost: tuple[Site, ...]
    doubtful: tuple[Site, ...]
    kept_in: tuple[FieldCarrier | UnresolvedCarrier | ModuleCarrier, ...]


def instrument_kind(
    program: Program, module: str, name: str, callee: ExternalObject | None
) -> InstrumentKind | None:
    """Return what a call outside the program makes: `name` is the bare name of what is called."""
    if callee is not None and callee.dotted in FACTORIES and callee.receiver is None:
        return FACTORIES[callee.dotted]
    if name not in METER_METHODS:
        return None
    if callee is not None:
        receiver = callee.receiver
        where = receiver.dotted if isinstance(receiver, External) else callee.dotted
        return METER_METHODS[name] if where.startswith(METER_MODULES) else None
    imports = program.modules[module].imports.values()
    return METER_METHODS[name] if any(target.startswith(METER_MODULES) for target in imports) else None


def subclass_kind(program: Program, cls: ClassSymbol) -> InstrumentKind | None:
    """Return which instrument a class of the program is a kind of."""
    for one in program.mro(cls):
        if isinstance(one, ExternalSymbol) and one.dotted in FACTORIES:
            return FACTORIES[one.dotted]
    return None


def find_instruments(facts: Facts) -> list[Instrument]:
    """Return the instruments of a program, and add their hops to the facts."""
    declared = list(_class_attributes(facts))
    if not facts.instrument_calls and not facts.factories_handed_on and not declared:
        return []
    return _Instruments(facts).find(declared)


@dataclass(frozen=True, slots=True)
class _Declared:
    """An instrument that a class body makes: a class attribute, or the default of a dataclass field."""

    carrier: FieldCarrier
    text: str
    span: Span
    kind: InstrumentKind


def _class_attributes(facts: Facts) -> Iterator[_Declared]:
    program = facts.program
    for module in program.summaries():
        for cls in module.classes.values():
            for name, declared in cls.fields.items():
                text = _construction(declared)
                if text is None:
                    continue
                symbol = program.resolve(module.name, text.partition("(")[0])
                kind = FACTORIES.get(symbol.dotted) if isinstance(symbol, ExternalSymbol) else None
                if isinstance(symbol, ClassSymbol):
                    kind = subclass_kind(program, symbol)
                if kind is not None:
                    owner = ClassSymbol(module.name, cls.qualname)
                    yield _Declared(FieldCarrier(owner, name), text, declared.span, kind)


def _construction(declared: FieldSummary) -> str | None:
    """Return the call that a class body gives a field, as written, where it may make an instrument."""
    default: Default | None = declared.default
    if default is None or default.is_literal:
        return None
    text = default.factory or default.text
    head, parenthesis, _ = text.partition("(")
    return text if parenthesis and (head.rpartition(".")[2] in FACTORY_NAMES or head[:1].isupper()) else None


def _joined(calls: Iterable[tuple[InstrumentCall, str]]) -> list[tuple[InstrumentCall, str]]:
    """Return each place once, with all that may be made there."""
    kinds: dict[tuple[FunctionSymbol, int], list[InstrumentKind]] = {}
    names: dict[tuple[FunctionSymbol, int], str] = {}
    for call, name in calls:
        kinds.setdefault((call.function, call.node), []).append(call.kind)
        names.setdefault((call.function, call.node), name)
    return [
        (InstrumentCall(function, node, either(found)), names[function, node])
        for (function, node), found in kinds.items()
    ]


class _Instruments:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._whereabouts = facts.whereabouts

    def find(self, declared: Iterable[_Declared]) -> list[Instrument]:
        found = [self._declared(one) for one in declared]
        calls = [(call, "") for call in (*self._facts.instrument_calls, *self._by_handed_factories())]
        shared: dict[tuple[FunctionSymbol, int], tuple[Use, ...]] = {}
        done: set[tuple[FunctionSymbol, int]] = set()
        for is_last in [*[False] * _MOST_HELPERS, True]:
            calls, these = [], _joined(calls)
            for call, name in these:
                place = (call.function, call.node)
                if place in done:
                    continue
                done.add(place)
                callers = [] if is_last else self._helper_calls(call)
                if not callers:
                    found.append(self._made(call, name, shared.get(place, ())))
                    continue
                inside = self._follow(call, within=call.function)
                passed = tuple(use for use in inside.uses if use.kind is not UseKind.RETURNED)
                for function, node in callers:
                    graph = self._graph(function)
                    written = _written_name(graph.nodes, graph.nodes[node])
                    shared[function, node] = (
                        *shared.get((function, node), ()),
                        *shared.get(place, ()),
                        *passed,
                    )
                    calls.append((replace(call, function=function, node=node), written))
        return found

    def _graph(self, function: FunctionSymbol) -> ValueGraph:
        return self._program.function(function).graph

    def _by_handed_factories(self) -> Iterator[InstrumentCall]:
        """Yield the calls of factories that were handed on under another name."""
        for mention in self._facts.factories_handed_on:
            trail = self._whereabouts.follow([Spot(mention.function, mention.node)])
            for use in trail.of_kind(UseKind.CALLED):
                yield InstrumentCall(use.function, use.node, mention.kind)

    def _follow(self, call: InstrumentCall, within: FunctionSymbol | None = None) -> Trail:
        return self._whereabouts.follow(
            [Spot(call.function, call.node)],
            same=call.kind.parts,
            stands_for_it=lambda cls: self._wraps(cls, call.kind),
            within=within,
        )

    def _wraps(self, cls: ClassSymbol, kind: InstrumentKind) -> bool:
        return any(self._program.method(cls, name) is not None for name in (*kind.parts, *kind.records))

    def _helper_calls(self, call: InstrumentCall) -> list[tuple[FunctionSymbol, int]]:
        """Return who calls the helper that this call stands in, if it makes whatever its callers name."""
        graph = self._graph(call.function)
        name = _name_operand(graph.nodes[call.node], graph)
        if name is not None and not self._is_given(call.function, graph, name):
            return []
        returned = self._follow(call, within=call.function).of_kind(UseKind.RETURNED)
        if not any(use.function == call.function and not use.spot.path for use in returned):
            return []
        sites = self._facts.call_sites.get(call.function, ())
        return list(dict.fromkeys((one.site.function, one.node) for one in sites))

    def _is_given(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> bool:
        """Whether a value draws on a parameter other than the receiver."""
        summary = self._program.function(function)
        receiver = summary.parameters[0].name if summary.owner and summary.parameters else None
        pending, seen = [index], set[int]()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            node = graph.nodes[current]
            if node.kind is Kind.PARAM and node.data != receiver:
                return True
            pending += node.operands
        return False

    # -- one instrument -----------------------------------------------------------------------------------------------

    def _declared(self, declared: _Declared) -> Instrument:
        trail = self._whereabouts.follow(
            [],
            fields=[declared.carrier],
            same=declared.kind.parts,
            stands_for_it=lambda cls: self._wraps(cls, declared.kind),
        )
        owner = declared.carrier.owner
        name = _name_in_text(declared.text) or declared.carrier.name
        carrier = InstrumentCarrier(owner.module, name, declared.span)
        site = self._facts.site(FunctionSymbol(owner.module, "<module>"), declared.span)
        return self._instrument(carrier, declared.kind, site, trail, ())

    def _made(self, call: InstrumentCall, name: str, shared: tuple[Use, ...]) -> Instrument:
        trail = self._follow(call)
        graph = self._graph(call.function)
        node = graph.nodes[call.node]
        if not name:
            name = _written_name(graph.nodes, node)
        if not name and trail.holders:
            name = next(iter(trail.holders)).name
        carrier = InstrumentCarrier(call.function.module, name or call.kind.word, node.span)
        site = self._facts.site(call.function, node.span)
        given = self._given_at_construction(call, node, graph, carrier)
        made = self._instrument(carrier, call.kind, site, trail, shared)
        return replace(made, recordings=(*given, *made.recordings))

    def _instrument(
        self,
        carrier: InstrumentCarrier,
        kind: InstrumentKind,
        site: Site,
        trail: Trail,
        shared: tuple[Use, ...],
    ) -> Instrument:
        recordings: list[Recording] = []
        lost: list[Site] = []
        doubtful: list[Site] = []
        for use in (*trail.uses, *shared):
            if use.kind is UseKind.ATTRIBUTE:
                assert use.name is not None
                if use.name in kind.records:
                    recordings.append(self._record(use, use.name, carrier))
                elif use.name not in kind.looks:
                    (lost if use.spot.certain else doubtful).append(self._site_of(use))
            elif use.kind in {UseKind.LEAVES, UseKind.CALLED}:
                (lost if use.spot.certain else doubtful).append(self._site_of(use))
        if kind.labels_record:
            recordings += self._labelled(trail, kind)
        recordings += self._by_decorators(trail, kind, carrier)
        handed_back = dict.fromkeys(use.function for use in trail.of_kind(UseKind.RETURNED))
        uncalled = dict.fromkeys(use.function for use in trail.of_kind(UseKind.UNCALLED))
        if kind.is_family:
            for use in trail.of_kind(UseKind.RETURNED):
                self._exported(carrier, self._site_of(use))
        else:
            self._exported(carrier, site)
        return Instrument(
            carrier,
            kind,
            site,
            tuple(recordings),
            tuple(handed_back),
            tuple(uncalled),
            tuple(dict.fromkeys(lost)),
            tuple(dict.fromkeys(doubtful)),
            tuple(trail.holders),
        )

    def _labelled(self, trail: Trail, kind: InstrumentKind) -> Iterator[Recording]:
        for spot in trail.spots:
            graph = self._graph(spot.function)
            node = graph.nodes[spot.node]
            if node.kind is Kind.CALL and not spot.path and graph.nodes[node.operands[0]].data in kind.parts:
                site = self._facts.site(spot.function, node.span)
                yield Recording("labels", site, spot.certain, node.gated)

    def _site_of(self, use: Use) -> Site:
        if use.span is not None:
            return self._facts.site(use.function, use.span)
        graph = self._graph(use.function)
        node = graph.nodes[use.node if use.node >= 0 else use.spot.node]
        return self._facts.site(use.function, node.span)

    def _exported(self, carrier: InstrumentCarrier, site: Site) -> None:
        self._facts.hops.append(Hop(carrier, UseCarrier(site.function), How.COPY, site, site.span))

    # -- recording --------------------------------------------------------------------------------------------

    def _record(self, use: Use, method: str, carrier: InstrumentCarrier) -> Recording:
        graph = self._graph(use.function)
        calls = [
            index
            for index in self._whereabouts.users(use.function)[0].get(use.node, ())
            if graph.nodes[index].kind is Kind.CALL and graph.nodes[index].operands[0] == use.node
        ]
        node = graph.nodes[calls[0] if calls else use.node]
        gated = node.gated or graph.nodes[use.node].gated
        if use.spot.certain:
            for call in calls:
                self._hops(use.function, graph, call, method, carrier)
        return Recording(method, self._facts.site(use.function, node.span), use.spot.certain, gated)

    def _hops(
        self, function: FunctionSymbol, graph: ValueGraph, call: int, method: str, carrier: InstrumentCarrier
    ) -> None:
        node = graph.nodes[call]
        how = How.COPY if method in _KEEPS_THE_VALUE else How.COMPUTED
        site = self._facts.site(function, node.span)
        if method in _MEASURE:
            source = OutsideCarrier(method)
            self._facts.hops.append(Hop(source, carrier, How.COMPUTED, site, node.span, node.gated))
        else:
            values = _values(node, _FIRST_VALUE.get(method, 0), only_first=method not in _FIRST_VALUE)
            for operand, span in values:
                sources = self._value_sources(function, graph, operand)
                self._facts.move(function, sources, [carrier], span, gated=node.gated, how=how)
            if not values and method in {"inc", "dec"}:
                self._facts.hops.append(
                    Hop(Constant("1"), carrier, How.COMPUTED, site, node.span, node.gated)
                )
        for effect in self._whereabouts.users(function)[1].get(call, ()):
            for guard in effect.guards:
                guarding = self._facts.sources.of(function, guard)
                self._facts.move(function, guarding, [carrier], node.span, gated=node.gated, how=How.CONTROL)

    def _value_sources(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> list[Source]:
        """Return what a recorded value draws on; of a callback what it returns, of a dict its values."""
        node = graph.nodes[index]
        callbacks = [
            Source(ReturnCarrier(one.function), How.COPY, node.span)
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

    def _given_at_construction(
        self, call: InstrumentCall, node: Node, graph: ValueGraph, carrier: InstrumentCarrier
    ) -> list[Recording]:
        """A metric family's value, and an observable instrument's callbacks."""
        shape = node.data
        assert isinstance(shape, CallShape)
        taken = call.kind.given or (frozenset() if call.kind.records else call.kind.callbacks)
        found: list[Recording] = []
        for position, (operand, span) in enumerate(zip(node.operands[1:], node.parts, strict=True)):
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
            self._facts.move(call.function, sources, [carrier], span, gated=node.gated)
            site = self._facts.site(call.function, span)
            found.append(Recording("value", site, not may_be, node.gated))
        if call.kind.callbacks and not call.kind.records:  # observable: callbacks may stand fourth
            for operand, span in list(zip(node.operands[1:], node.parts, strict=True))[1 : shape.positional]:
                for source in self._value_sources(call.function, graph, operand):
                    if isinstance(source.carrier, ReturnCarrier):
                        self._facts.move(call.function, [source], [carrier], span, gated=node.gated)
                        site = self._facts.site(call.function, span)
                        found.append(Recording("callback", site, True, node.gated))
        return found

    # -- decorators of methods, which stand in no function's body ----------------------------------------------

    def _by_decorators(
        self, trail: Trail, kind: InstrumentKind, carrier: InstrumentCarrier
    ) -> list[Recording]:
        wanted = [name for name in _DECORATES if name in kind.records]
        found: list[Recording] = []
        if not wanted or not trail.holders:
            return found
        for function, decorators in self._facts.measured_methods:
            for text in decorators:
                holder, method = _decorator(text)
                if method in wanted and self._is_kept_as(function, holder, trail):
                    span = self._program.function(function).span
                    site = self._facts.site(function, Span(span.line, span.column, span.line, span.column))
                    self._facts.hops.append(
                        Hop(OutsideCarrier(method), carrier, How.COMPUTED, site, site.span)
                    )
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


def _decorator(text: str) -> tuple[str, str]:
    """Split `REQUESTS.labels("a").time()` into the instrument's name and the method."""
    head, _, method = text.partition("(")[0].rpartition(".")
    if method == "labels":
        rest = text.partition(")")[2]
        return head, rest.lstrip(".").partition("(")[0]
    return head, method


def _values(node: Node, first: int, *, only_first: bool) -> list[tuple[int, Span]]:
    """Return the arguments of a recording call that are values, with their places."""
    shape = node.data
    assert isinstance(shape, CallShape)
    arguments = list(zip(node.operands[1:], node.parts, strict=True))
    found = arguments[first : shape.positional]
    keywords = zip(shape.keywords, arguments[shape.positional :], strict=True)
    found += [argument for keyword, argument in keywords if keyword not in _NO_VALUE]
    return found[:1] if only_first else found


def _name_operand(node: Node, graph: ValueGraph) -> int | None:
    """Return the node that names the metric: None where nothing does."""
    shape = node.data
    assert isinstance(shape, CallShape)
    for position, keyword in enumerate(shape.keywords, shape.positional):
        if keyword == "name":
            return node.operands[1 + position]
    if shape.positional:
        return node.operands[1]
    spread = [p for p, keyword in enumerate(shape.keywords, shape.positional) if keyword is None]
    return node.operands[1 + spread[0]] if spread else None


def _written_name(nodes: list[Node], node: Node) -> str:
    """Return the metric's name as a call writes it, computed parts as `*`; empty where it cannot be read."""
    shape = node.data
    assert isinstance(shape, CallShape)
    candidates = [
        node.operands[1 + position]
        for position, keyword in enumerate(shape.keywords, shape.positional)
        if keyword in {"name", "metric_name"}
    ]
    candidates += node.operands[1 : 1 + shape.positional]
    for candidate in candidates:
        text = template(nodes, candidate)
        if text is not None and text.strip("*"):
            return text
    return ""


def template(nodes: list[Node], index: int) -> str | None:
    """Return a string as written, each computed part as `*`; None where it is none or nothing of it is written."""
    node = nodes[index]
    if node.kind is Kind.CONST:
        return node.data if isinstance(node.data, str) else None
    if node.kind is Kind.OP and node.data == "f-string":
        return "".join(template(nodes, operand) or "*" for operand in node.operands)
    if node.kind is Kind.OP and node.data == "Add":
        left, right = (template(nodes, operand) for operand in node.operands)
        return None if left is None and right is None else f"{left or '*'}{right or '*'}"
    if node.kind is Kind.CALL and len(node.operands) == 2:
        return template(nodes, node.operands[1])  # `self.build_name("tasks")`
    return None


def _name_in_text(text: str) -> str:
    try:
        call = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(call, ast.Call):
        return ""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    for value in [*named, *call.args[:1]]:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return ""
