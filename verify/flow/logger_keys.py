"""Names that values are logged under: `logger.record("train/loss", loss)`.

A logged name is a string key. The call writes it, and what the logger does with it is its reader. A mapping that is
logged has all its keys read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..source import FunctionSymbol
from ..source.model import CallShape, Kind, Node
from .carriers import Constant, How, KeyCarrier, MappingOrigin, Site, UseCarrier
from .drawn import Source
from .log_sinks import Form, LogSink, by_method
from .metric_names import template
from .types import External, ExternalObject, Instance, ModuleObject, members

if TYPE_CHECKING:
    from .facts import Facts


@dataclass(frozen=True, slots=True)
class Logged:
    """One value that is logged under a name.

    Attributes:
        name: As written, each computed part as `*`.
        sink: How it is logged, as messages say it (`logger.record`).
        function: In which function.
        value: The node of the value, -1 for a count of calls.
        site: Where the value stands.
    """

    name: str
    sink: str
    function: FunctionSymbol
    value: int
    site: Site
    gated: bool


def find_logged(facts: Facts, own: Iterable[LogSink] = ()) -> list[Logged]:
    """Return what a program logs under which names, and add the hops of it to the facts.

    A project's `own` sinks are looked for beside those that are known.
    """
    sinks = by_method(own)
    return [
        one
        for method, alike in sinks.items()
        for call in facts.method_calls.get(method, ())
        for one in _logged(facts, alike, call.function, call.node)
    ]


def _logged(facts: Facts, sinks: Sequence[LogSink], function: FunctionSymbol, index: int) -> Iterator[Logged]:
    nodes = facts.program.function(function).graph.nodes
    call = nodes[index]
    callee = nodes[call.operands[0]]
    receiver = name_of(facts, function, callee.operands[0])
    for sink in sinks:
        dotted = _dotted(facts, function, callee.operands[0])
        if not sink.accepts(receiver, dotted):
            continue
        shown = f"{receiver}.{sink.method}" if receiver else sink.method
        found = list(_by_form(facts, sink, shown, function, index, call))
        if found:
            yield from found
            return


def _by_form(
    facts: Facts, sink: LogSink, shown: str, function: FunctionSymbol, index: int, call: Node
) -> Iterator[Logged]:
    nodes = facts.program.function(function).graph.nodes
    if sink.form is Form.MAPPING:
        mapping = _argument(call, sink.key_at, sink.keys)
        if mapping is not None:
            yield from _mapping(facts, shown, function, call, mapping[0])
        return
    key = _argument(call, sink.key_at, sink.keys)
    name = None if key is None else template(nodes, key[0])
    if key is None or name is None or not name.strip("*"):
        return
    value = _argument(call, sink.value_at, sink.values)
    if sink.form is Form.GROUP:
        if value is not None:
            yield from _mapping(facts, shown, function, call, value[0])
        return
    if value is None and sink.form is not Form.COUNT:
        return
    if value is not None and template(nodes, value[0]) is not None:
        return  # two strings: a logger of text
    if value is not None and sink.form is Form.COUNT and nodes[value[0]].kind is Kind.CONST:
        value = None  # how much each call counts: the sum of them is no constant
    carrier = KeyCarrier(name, None, MappingOrigin(function, index))
    place = call.place if value is None else value[1]
    site = facts.site(function, place)
    if value is None:
        source = Source(Constant("1"), How.COMPUTED, place)
        facts.move(function, [source], [carrier], place, gated=call.gated)
    else:
        facts.move(function, facts.sources.of(function, value[0]), [carrier], place, gated=call.gated)
    _read(facts, function, call, carrier)
    yield Logged(name, shown, function, -1 if value is None else value[0], site, call.gated)


def _mapping(facts: Facts, shown: str, function: FunctionSymbol, call: Node, index: int) -> Iterator[Logged]:
    """Log a whole mapping: each key of it is read."""
    for carrier in facts.sources.keys.held(function, index):
        _read(facts, function, call, carrier)
        if carrier.mapping is None:
            continue
        made = carrier.mapping
        node = facts.program.function(made.function).graph.nodes[made.node]
        if node.kind is Kind.DICT:
            assert isinstance(node.data, tuple)
            for key, operand, place in zip(node.data, node.operands, node.part_places, strict=True):
                if key == carrier.key:
                    site = facts.site(made.function, place)
                    yield Logged(carrier.key, shown, made.function, operand, site, node.gated)


def _read(facts: Facts, function: FunctionSymbol, call: Node, carrier: KeyCarrier) -> None:
    source = Source(carrier, How.COPY, call.place)
    facts.move(function, [source], [UseCarrier(function)], call.place, gated=call.gated)


def _argument(call: Node, position: int | None, keywords: tuple[str, ...]) -> tuple[int, int] | None:
    shape = call.data
    assert isinstance(shape, CallShape)
    if position is not None and position < shape.positional:
        return call.operands[1 + position], call.part_places[position]
    for place, keyword in enumerate(shape.keywords, shape.positional):
        if keyword in keywords:
            return call.operands[1 + place], call.part_places[place]
    return None


def name_of(facts: Facts, function: FunctionSymbol, index: int) -> str:
    """Return the last name that a value goes by where it is used; empty where it has none."""
    graph = facts.program.function(function).graph
    node = graph.nodes[index]
    match node.kind:
        case Kind.ATTR | Kind.GLOBAL | Kind.PARAM | Kind.FREE:
            return str(node.data)
        case Kind.NARROW | Kind.PHI | Kind.ENTER | Kind.CALL if node.operands:
            for name, given in graph.bindings.items():
                if index in given:
                    return name
            return name_of(facts, function, node.operands[0]) if node.kind is not Kind.PHI else ""
        case _:
            return next((name for name, given in graph.bindings.items() if index in given), "")


def _dotted(facts: Facts, function: FunctionSymbol, index: int) -> str:
    for one in members(facts.inference.type_of(function, index)):
        match one:
            case External(dotted=dotted) | ExternalObject(dotted=dotted):
                return dotted
            case Instance(cls=cls):
                return f"{cls.module}.{cls.qualname}"
            case ModuleObject(name=name):
                return name
            case _:
                pass
    return ""
