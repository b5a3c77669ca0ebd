"""Finds the metric instruments of a program and follows each to where it is recorded in, and adds their hops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import Default, FieldSummary, Kind, Span, ValueGraph
from ..source.packed import packed
from ..source.program import ExternalSymbol
from .carriers import FieldCarrier, How, InstrumentCarrier, Site, UseCarrier
from .drawn import Source
from .facts import Facts
from .instruments import Instrument, InstrumentCall, Recording, subclass_kind
from .metric_libraries import FACTORIES, FACTORY_NAMES, InstrumentKind, either
from .metric_names import name_in_text, name_operand, written_name
from .recordings import Recordings
from .trail import Spot, Trail, Use, UseKind

_MOST_HELPERS = 4  # one that calls another, and so on


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
        self._recordings = Recordings(facts)

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
                    written = written_name(graph.nodes, graph.nodes[node])
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
        name = name_operand(graph.nodes[call.node], graph)
        if name is not None and not self._is_given(call.function, graph, name):
            return []
        returned = self._follow(call, within=call.function).of_kind(UseKind.RETURNED)
        if not any(use.function == call.function and not use.spot.path for use in returned):
            return []
        sites = self._facts.call_sites.get(call.function, ())
        return list(dict.fromkeys((one.site.function, one.node) for one in sites))

    def _is_named_by_callers(self, call: InstrumentCall) -> bool:
        """Whether a call makes an instrument under whatever name its function is given."""
        graph = self._graph(call.function)
        name = name_operand(graph.nodes[call.node], graph)
        return name is not None and self._is_given(call.function, graph, name)

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
        name = name_in_text(declared.text) or declared.carrier.name
        carrier = InstrumentCarrier(owner.module, name, declared.span)
        site = self._facts.site(FunctionSymbol(owner.module, "<module>"), packed(declared.span))
        return self._instrument(carrier, declared.kind, site, trail, ())

    def _made(self, call: InstrumentCall, name: str, shared: tuple[Use, ...]) -> Instrument:
        trail = self._follow(call)
        graph = self._graph(call.function)
        node = graph.nodes[call.node]
        if not name:
            name = written_name(graph.nodes, node)
        if not name and trail.holders and not self._is_named_by_callers(call):
            name = next(iter(trail.holders)).name
        carrier = InstrumentCarrier(call.function.module, name or call.kind.word, node.span)
        site = self._facts.site(call.function, node.place)
        given = self._recordings.given_at_construction(call, carrier)
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
                    recordings.append(self._recordings.at_use(use, use.name, carrier))
                elif use.name not in kind.looks:
                    (lost if use.spot.certain else doubtful).append(self._site_of(use))
            elif use.kind in {UseKind.LEAVES, UseKind.CALLED}:
                (lost if use.spot.certain else doubtful).append(self._site_of(use))
        if kind.labels_record:
            recordings += self._recordings.labelled(trail, kind)
        recordings += self._recordings.by_decorators(trail, kind, carrier)
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

    def _site_of(self, use: Use) -> Site:
        if use.span is not None:
            return self._facts.site(use.function, packed(use.span))
        graph = self._graph(use.function)
        node = graph.nodes[use.node if use.node >= 0 else use.spot.node]
        return self._facts.site(use.function, node.place)

    def _exported(self, carrier: InstrumentCarrier, site: Site) -> None:
        place = packed(site.span)
        source = Source(carrier, How.COPY, place)
        self._facts.move(site.function, [source], [UseCarrier(site.function)], place)
