"""Events without a type: `{"type": "step", ...}` here, `if event["type"] == "step"` there.

What one function compares the tag of a mapping with is a family, where the program itself sends most of it. A name that
stands anywhere else in the program may get into a mapping in a way that is not seen, and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from ...flow import Flow
from ...flow.arguments import keyed_arguments
from ...flow.carriers import MappingOrigin
from ...flow.roots import local_roots
from ...source import FunctionSymbol
from ...source.model import EffectKind, Kind, Node, ValueGraph
from ...source.program import Place
from ..keys.keys import KeyRead, Keys
from .events import Traffic

TAGS = frozenset({"event", "event_type", "event_name", "kind", "message_type", "msg_type", "topic", "type"})
"""The keys that tell of which kind a mapping is."""
_MEANS_LITTLE = {"kind", "type"}  # other mappings than events have these: a schema, a job
_EVENT = re.compile(r"(?:^|_)(?:e|ev|evt|event|msg|message|notification|update|record|packet)s?\d*$")
_FEWEST = 3
_LOG_LINES = {"critical", "debug", "error", "exception", "info", "warn", "warning"}


@dataclass
class StringFamily:
    """The names that one function compares the tag of an event with, and all that mappings are given as this tag.

    `is_open` is why a name may be given unseen: what is stored under the tag is computed somewhere.
    """

    function: FunctionSymbol
    tag: str
    traffic: dict[str, Traffic] = field(default_factory=dict)
    is_open: bool = False


def string_families(flow: Flow, keys: Keys) -> list[StringFamily]:
    """Return the families of events that are told by strings."""
    return list(_Collector(flow, keys).families())


class _Collector:
    def __init__(self, flow: Flow, keys: Keys) -> None:
        self._flow = flow
        self._keys = keys
        self._sent: dict[str, tuple[dict[str, list[str]], bool]] = {}

    def families(self) -> Iterator[StringFamily]:
        reads: dict[tuple[FunctionSymbol, str], list[KeyRead]] = {}
        for read in self._keys.reads:
            if read.key in TAGS and read.how in {"item", "get"} and read.function in self._flow.reachable:
                reads.setdefault((read.function, read.key), []).append(read)
        found = [
            family
            for (function, tag), several in reads.items()
            if (family := self._family(function, tag, several)) is not None
        ]
        wanted = {name for family in found for name in family.traffic}
        handlers = {family.function for family in found}
        said, matched = self._mentioned(wanted, handlers) if found else (set(), set())
        for family in found:
            for name, traffic in list(family.traffic.items()):
                # What is said elsewhere may be sent from there, what is matched on elsewhere is handled there.
                if (not traffic.sent and name in said) or (not traffic.handled and name in matched):
                    del family.traffic[name]
            yield family

    def _family(self, function: FunctionSymbol, tag: str, reads: list[KeyRead]) -> StringFamily | None:
        graph = self._flow.program.function(function).graph
        if tag in _MEANS_LITTLE and not any(_is_event(graph, read.base) for read in reads):
            return None
        handled = _compared(graph, {read.node for read in reads})
        sent, is_open = self._given(tag)
        if len(handled) < _FEWEST or len(handled.keys() & sent.keys()) * 2 < len(handled):
            return None
        family = StringFamily(function, tag, is_open=is_open)
        path = self._flow.program.modules[function.module].path
        for name, node in handled.items():
            family.traffic[name] = Traffic(sent.get(name, []), [Place(path, node.span)])
        senders = {place.rpartition(":")[0] for name in handled for place in sent.get(name, ())}
        for name in sorted(sent.keys() - handled.keys()):
            if all(place.rpartition(":")[0] in senders for place in sent[name]):
                family.traffic[name] = Traffic(sent[name])
        return family

    def _given(self, tag: str) -> tuple[dict[str, list[str]], bool]:
        """Return what mappings are given as a tag and where, and whether something that is not known is."""
        known = self._sent.get(tag)
        if known is not None:
            return known
        places: dict[str, set[tuple[str, int]]] = {}
        is_open = False
        for function, value in self._stored(tag):
            graph = self._flow.program.function(function).graph
            path = self._flow.program.modules[function.module].path
            for index in local_roots(graph, value, every=True):
                node = graph.nodes[index]
                if node.kind is Kind.CONST and isinstance(node.data, str):
                    places.setdefault(node.data, set()).add((path, node.span.line))
                else:
                    is_open = True
        sent = {name: [f"{path}:{line}" for path, line in sorted(found)] for name, found in places.items()}
        self._sent[tag] = sent, is_open
        return sent, is_open

    def _stored(self, tag: str) -> Iterator[tuple[FunctionSymbol, int]]:
        for origin in self._keys.written.get(tag, ()):
            if origin is not None:
                yield from self._entries(origin, tag)
        for function in self._keys.stored_in.get(tag, ()):
            for effect in self._flow.program.function(function).graph.effects:
                if effect.kind is EffectKind.STORE_ITEM and effect.name == tag:
                    yield function, effect.value

    def _entries(self, origin: MappingOrigin, tag: str) -> Iterator[tuple[FunctionSymbol, int]]:
        node = self._flow.program.function(origin.function).graph.nodes[origin.node]
        if node.kind is Kind.DICT and isinstance(node.data, tuple):
            for key, operand in zip(node.data, node.operands, strict=True):
                if key == tag:
                    yield origin.function, operand
        elif node.kind is Kind.CALL:
            graph = self._flow.program.function(origin.function).graph
            for key, operand in keyed_arguments(graph, node):
                if key == tag:
                    yield origin.function, operand

    def _mentioned(self, names: set[str], handlers: Collection[FunctionSymbol]) -> tuple[set[str], set[str]]:
        """Return the names that stand as a value anywhere, and those that are compared with or a key.

        What is printed, or what a handler writes into its log, sends nothing.
        """
        said: set[str] = set()
        matched: set[str] = set()
        program = self._flow.program
        for function in program.functions():
            graph = program.function(function).graph
            strings = [i for i, n in enumerate(graph.nodes) if n.kind is Kind.CONST and n.data in names]
            compared: set[int] = set()
            for node in graph.nodes:
                if node.kind is Kind.COMPARE and strings:
                    compared.update(with_elements(graph, node.operands))
                elif node.kind is Kind.DICT and isinstance(node.data, tuple):
                    matched.update(key for key in node.data if key in names)
            for index in strings:
                if self._is_shown(function, graph, index, is_handler=function in handlers):
                    continue
                (matched if index in compared else said).add(str(graph.nodes[index].data))
        for cls in program.classes():
            for declared in program.class_(cls).fields.values():
                text = "" if declared.default is None else declared.default.text
                said.update(name for name in names if name in text)
        return said, matched

    def _is_shown(self, function: FunctionSymbol, graph: ValueGraph, index: int, *, is_handler: bool) -> bool:
        """Whether a string is for people alone: an argument of `print`, or of a log line of a handler.

        Elsewhere the text of a log line may itself be the event.
        """
        nodes, effects = self._flow.facts.whereabouts.users(function)
        users = nodes.get(index, ())
        if not users or effects.get(index):
            return False
        for user in users:
            call = graph.nodes[user]
            if call.kind is not Kind.CALL or call.operands[0] == index:
                return False
            callee = graph.nodes[call.operands[0]]
            is_print = callee.kind is Kind.GLOBAL and callee.data == "print"
            is_line = is_handler and callee.kind is Kind.ATTR and callee.data in _LOG_LINES
            if not (is_print or is_line):
                return False
        return True


def _is_event(graph: ValueGraph, index: int) -> bool:
    """Whether a mapping goes by the name of an event."""
    names = {name for name, given in graph.bindings.items() if index in given}
    for root in local_roots(graph, index, every=True):
        node = graph.nodes[root]
        if node.kind in {Kind.PARAM, Kind.GLOBAL, Kind.FREE, Kind.ATTR}:
            names.add(str(node.data))
        names |= {name for name, given in graph.bindings.items() if root in given}
    return any(_EVENT.search(name) for name in names)


def _compared(graph: ValueGraph, tags: set[int]) -> dict[str, Node]:
    """Return the strings that a tag is compared with, each with the first place."""
    found: dict[str, Node] = {}
    for node in graph.nodes:
        if node.kind is not Kind.COMPARE or node.gated or node.data not in {("Eq",), ("In",)}:
            continue
        if tags.isdisjoint(local_roots(graph, node.operands[0], every=True)):
            continue
        for operand in with_elements(graph, node.operands[1:]):
            said = graph.nodes[operand]
            if said.kind is Kind.CONST and isinstance(said.data, str):
                found.setdefault(said.data, said)
    return found


def with_elements(graph: ValueGraph, operands: Iterable[int]) -> Iterator[int]:
    """Yield each operand and, after a display, what stands in it."""
    for operand in operands:
        yield operand
        if graph.nodes[operand].kind is Kind.SEQUENCE:
            yield from graph.nodes[operand].operands
