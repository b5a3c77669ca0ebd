"""Functions that return metrics which none of their callers takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...flow import Flow
from ...flow.roots import local_roots
from ...flow.types import (
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    Type,
    members,
)
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Effect, EffectKind, Kind, Node, Span, ValueGraph
from ...source.summarise import TOP_LEVEL
from ..fields.only_filled import has_foreign_base
from ..words.metric_words import are_metrics, names_metrics
from ..words.telemetry_names import TelemetryNames

_PLAIN_DECORATORS = frozenset(
    {
        "staticmethod",
        "classmethod",
        "no_grad",
        "inference_mode",
        "override",
        "wraps",
        "torch_no_grad",
        "profiling_decorator",
    }
)

# What such a function returns is a receipt of what it did.
_MADE = frozenset({Kind.DICT, Kind.SEQUENCE, Kind.CALL})
_ACTS = frozenset(
    {
        "emit",
        "send",
        "publish",
        "post",
        "write",
        "save",
        "log",
        "record",
        "report",
        "push",
        "store",
        "submit",
        "register",
        "dispatch",
        "notify",
    }
)


# An event is sent, and a monitor goes on by itself.
_DOES_SOMETHING = re.compile(
    r"(?:Monitor|Tracker|Collector|Detector|Telemetry|Recorder|Profiler|Progress|Event)$"
)
_IS_ASKED_FOR = re.compile(
    r"\w*(?:Report|Stats|Statistics|Metrics|Summary|Diagnostics|Measurements?|Health|Counters)"
)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Metrics that a function returns and nobody takes.

    Attributes:
        function: The function.
        what: The metrics, as messages say it.
        position: Which element of the tuple that it returns; None for the whole result.
        caller: One of the callers, and where it calls.
        callers: How many there are.
        is_only_for_that: The function does nothing else but compute its result.
        is_named: The callers give the metrics a name and do not use it.
        may_be_called_by_others: A base class from outside may call it.
        is_outermost: Its callers are commands that somebody starts, so that there is nobody to hand metrics to.
        is_made_to_be_returned: The result is an object that the function makes and shows nobody but its callers.
    """

    function: FunctionSymbol
    what: str
    position: int | None
    caller: FunctionSymbol
    span: Span
    callers: int
    is_only_for_that: bool
    is_named: bool
    may_be_called_by_others: bool
    is_outermost: bool
    is_made_to_be_returned: bool


def dropped_results(flow: Flow, names: TelemetryNames) -> Iterator[Dropped]:
    """Yield every function whose metrics no caller takes."""
    finder = _Finder(flow, names)
    for function in flow.program.functions():
        if flow.facts.call_sites.get(function):
            yield from finder.of(function)


def _gives_back(graph: ValueGraph, returns: list[Effect]) -> bool:
    """Whether a function returns what it was given: its callers have that already."""
    roots = {root for effect in returns for root in local_roots(graph, effect.value, every=True)}
    return all(graph.nodes[root].kind in {Kind.PARAM, Kind.CONST} for root in roots)


def _says_the_same(graph: ValueGraph, result: Node, position: int) -> bool:
    """Whether another element of a tuple is made of the values in this one: a text of them, their sum."""
    wanted = {
        value
        for root in local_roots(graph, result.operands[position])
        if graph.nodes[root].kind is Kind.DICT
        for value in graph.nodes[root].operands
    }
    pending = [one for place, one in enumerate(result.operands) if place != position]
    reached: set[int] = set()
    while pending:
        index = pending.pop()
        if index not in reached:
            reached.add(index)
            pending += graph.nodes[index].operands
    return bool(wanted) and 2 * len(wanted & reached) > len(wanted)


class _Finder:
    def __init__(self, flow: Flow, names: TelemetryNames) -> None:
        self._flow = flow
        self._program = flow.program
        self._inference = flow.facts.inference
        self._whereabouts = flow.facts.whereabouts
        self._names = names

    def of(self, function: FunctionSymbol) -> Iterator[Dropped]:
        summary = self._program.function(function)
        returns = [effect for effect in summary.graph.effects if effect.kind is EffectKind.RETURN]
        if not returns or summary.is_generator or not self._is_plain(summary.decorators):
            return
        if function.name.lstrip("_").partition("_")[0] in _ACTS or _gives_back(summary.graph, returns):
            return
        parts = list(self._metric_parts(function, summary.graph, returns))
        if not parts:
            return
        calls = self._calls(function)
        if calls is None:
            return
        for position, what in parts:
            named = False
            for caller, call in calls:
                taken = self._taken(caller, call, position)
                if taken is None:
                    break
                named = named or taken
            else:
                caller, call = calls[0]
                span = self._program.function(caller).graph.nodes[call].span
                owner = None if summary.owner is None else ClassSymbol(function.module, summary.owner)
                yield Dropped(
                    function,
                    what,
                    position,
                    caller,
                    span,
                    len(calls),
                    self._is_only_for_that(summary.graph),
                    named,
                    owner is not None and has_foreign_base(self._flow, owner),
                    all(self._is_command(one) for one, _ in calls),
                    position is None and self._are_made_to_be_returned(function, summary.graph, returns),
                )

    def _is_plain(self, decorators: tuple[str, ...]) -> bool:
        return all(_bare(text) in _PLAIN_DECORATORS for text in decorators)

    def _is_only_for_that(self, graph: ValueGraph) -> bool:
        """Whether a body has no effect but its result: what it stores, it stores into what it made itself."""
        for effect in graph.effects:
            if effect.kind in {EffectKind.STORE_ATTR, EffectKind.STORE_GLOBAL}:
                return False
            if effect.kind is EffectKind.DROP and graph.nodes[effect.value].kind is not Kind.CONST:
                return False  # called for its effect, or awaited; a docstring is neither
            if effect.kind is EffectKind.STORE_ITEM and not _is_made_here(graph, effect.base):
                return False
        return True

    def _are_made_to_be_returned(
        self, function: FunctionSymbol, graph: ValueGraph, returns: list[Effect]
    ) -> bool:
        """Whether what a function returns are reports that it makes, and that nothing in it looks at.

        One that keeps the new state in its object or sends something returns them for convenience.
        """
        if any(one.kind is EffectKind.STORE_ATTR for one in graph.effects) or self._acts(graph):
            return False
        users, effects = self._whereabouts.users(function)
        pending = [one.value for one in returns if graph.nodes[one.value].data is not None]
        seen: set[int] = set()
        while pending:
            index = pending.pop()
            if index in seen:
                continue
            seen.add(index)
            node = graph.nodes[index]
            if any(one.kind is not EffectKind.RETURN for one in effects.get(index, ())):
                return False
            if node.kind in {Kind.PHI, Kind.NARROW}:
                pending += node.operands
            elif node.kind is not Kind.CALL or not self._makes_metrics(function, node.operands[0]):
                return False
        return bool(seen) and all(user in seen for index in seen for user in users.get(index, ()))

    def _makes_metrics(self, function: FunctionSymbol, callee: int) -> bool:
        known = members(self._inference.type_of(function, callee))
        return bool(known) and all(
            isinstance(one, ClassObject)
            and self._holds_metrics(one.cls)
            and _IS_ASKED_FOR.fullmatch(one.cls.name) is not None
            for one in known
        )

    @staticmethod
    def _acts(graph: ValueGraph) -> bool:
        """Whether a body sends, writes or records something."""
        called = (graph.nodes[node.operands[0]].data for node in graph.nodes if node.kind is Kind.CALL)
        return any(str(name).lstrip("_").partition("_")[0] in _ACTS for name in called)

    def _is_command(self, function: FunctionSymbol) -> bool:
        """Whether a function is what somebody starts from a command line, who takes no results."""
        summary = self._program.function(function)
        nodes = summary.graph.nodes
        called = {nodes[node.operands[0]].data for node in nodes if node.kind is Kind.CALL}
        return (
            function.qualname == TOP_LEVEL
            or function.name == "main"
            or not called.isdisjoint({"parse_args", "parse_known_args"})
            or any(_bare(text) == "command" for text in summary.decorators)
        )

    # -- what it returns ----------------------------------------------------------------------------------------------

    def _metric_parts(
        self, function: FunctionSymbol, graph: ValueGraph, returns: list[Effect]
    ) -> Iterator[tuple[int | None, str]]:
        """Yield which parts of the result are metrics, and what they are."""
        values = [graph.nodes[effect.value] for effect in returns]
        some = [
            (effect.value, node)
            for effect, node in zip(returns, values, strict=True)
            if not (node.kind is Kind.CONST and node.data is None)
        ]
        if not some:
            return
        tuples = [node for _, node in some if node.kind is Kind.SEQUENCE and node.data == "tuple"]
        if not tuples:
            found = [self._metrics(function, graph, index, function.name) for index, _ in some]
            if all(found):
                yield None, str(found[0])
        elif len(tuples) == len(some) and len({len(node.operands) for node in tuples}) == 1:
            for position in range(len(tuples[0].operands)):
                found = [self._metrics(function, graph, node.operands[position], "") for node in tuples]
                if all(found) and not all(_says_the_same(graph, node, position) for node in tuples):
                    yield position, str(found[0])

    def _metrics(self, function: FunctionSymbol, graph: ValueGraph, index: int, name: str) -> str | None:
        """Return what a value is, if it is metrics: an object that holds them, or a mapping."""
        for one in members(self._inference.type_of(function, index)):
            if isinstance(one, Instance) and self._holds_metrics(one.cls):
                return one.cls.name
        keys = [
            carrier.key
            for carrier in self._flow.facts.sources.keys.held(function, index)
            if carrier.mapping is not None
        ]
        roots = local_roots(graph, index)
        known = [
            name,
            *(local for local, given in graph.bindings.items() if not {index, *roots}.isdisjoint(given)),
        ]
        is_named = any(names_metrics(one) for one in known if one)
        if not keys:
            makes_one = bool(roots) and all(graph.nodes[root].kind is Kind.DICT for root in roots)
            return "under computed keys" if makes_one and is_named else None
        if not is_named and not are_metrics(keys):
            return None
        shown = ", ".join(f'"{key}"' for key in list(dict.fromkeys(keys))[:3])
        return shown + (", …" if len(set(keys)) > 3 else "")

    def _holds_metrics(self, cls: ClassSymbol) -> bool:
        """Whether objects of a class are metrics: they do nothing themselves, and nobody waits for them."""
        is_something_else = _DOES_SOMETHING.search(cls.name) or self._program.method(cls, "__await__")
        return self._names.is_class(cls.name) and not is_something_else

    # -- who takes it -------------------------------------------------------------------------------------------------

    def _calls(self, function: FunctionSymbol) -> list[tuple[FunctionSymbol, int]] | None:
        """Return every call of a function; None where others may call it."""
        found = dict.fromkeys(
            (site.function, site.node) for site in self._flow.facts.call_sites.get(function, ())
        )
        for call in self._flow.facts.method_calls.get(function.name, ()):
            callee = self._program.function(call.function).graph.nodes[call.node].operands[0]
            if self._may_be(function, call.function, callee):
                found.setdefault((call.function, call.node))  # of an unknown receiver, perhaps
        for reader, node in self._whereabouts.index.mentions(function.name):
            if not self._may_be(function, reader, node):
                continue
            if function.name in self._fields and self._is_unknown(reader, node):
                continue  # the field of that name, for all one knows
            users, effects = self._whereabouts.users(reader)
            nodes = self._program.function(reader).graph.nodes
            if effects.get(node) or any(
                nodes[user].kind is not Kind.CALL or nodes[user].operands[0] != node
                for user in users.get(node, ())
            ):
                return None  # handed on
        return list(found)

    def _may_be(self, function: FunctionSymbol, reader: FunctionSymbol, node: int) -> bool:
        """Whether a place that says a function's name may mean that function: another one of the name is none."""
        known = members(self._inference.type_of(reader, node))
        return not known or any(self._is_or_hides(one, function) for one in known)

    def _is_unknown(self, reader: FunctionSymbol, node: int) -> bool:
        users, _ = self._whereabouts.users(reader)
        nodes = self._program.function(reader).graph.nodes
        is_called = any(
            nodes[user].kind is Kind.CALL and nodes[user].operands[0] == node for user in users.get(node, ())
        )
        known = members(self._inference.type_of(reader, node))
        return not is_called and not any(isinstance(one, FunctionObject) for one in known)

    @cached_property
    def _fields(self) -> frozenset[str]:
        """The names of the fields that classes declare."""
        return frozenset(name for cls in self._program.classes() for name in self._program.class_(cls).fields)

    def _is_or_hides(self, one: Type, function: FunctionSymbol) -> bool:
        summary = self._program.function(function)
        owner = None if summary.owner is None else ClassSymbol(function.module, summary.owner)
        if isinstance(one, FunctionObject):
            of = self._program.function(one.function).owner
            is_asked_for = of is not None and self._program.is_protocol(ClassSymbol(one.function.module, of))
            return is_asked_for or function in self._inference.dispatch(one.function, one.receiver)
        if isinstance(one, ExternalObject):
            return owner is not None and has_foreign_base(self._flow, owner)
        return not isinstance(one, External)  # a number or a text is no function

    def _taken(self, function: FunctionSymbol, call: int, position: int | None) -> bool | None:
        """Return None if a caller takes the metrics, else whether it gives them a name at least."""
        graph = self._program.function(function).graph
        users, effects = self._whereabouts.users(function)
        if position is None:
            if self._is_used(function, graph, call):
                return None
            return any(call in given for given in graph.bindings.values())
        if any(effect.kind is not EffectKind.DROP for effect in effects.get(call, ())):
            return None
        named = False
        for user in users.get(call, ()):
            node = graph.nodes[user]
            if node.kind is not Kind.UNPACK:
                return None
            if node.data == position:
                if self._is_used(function, graph, user):
                    return None
                names = [name for name, given in graph.bindings.items() if user in given]
                named = named or any(not name.startswith("_") for name in names)
        return named

    def _is_used(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> bool:
        users, effects = self._whereabouts.users(function)
        pending, seen = [index], set[int]()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            if any(effect.kind is not EffectKind.DROP for effect in effects.get(current, ())):
                return True
            for user in users.get(current, ()):
                if graph.nodes[user].kind not in {Kind.PHI, Kind.NARROW}:
                    return True
                pending.append(user)
        names = {name for name, given in graph.bindings.items() if not seen.isdisjoint(given)}
        return bool(names) and self._read_by_nested(function, names)

    def _read_by_nested(self, function: FunctionSymbol, names: set[str]) -> bool:
        return any(
            node.kind is Kind.FREE and node.data in names
            for inner in self._whereabouts.nested(function)
            for node in self._program.function(inner).graph.nodes
        )


def _is_made_here(graph: ValueGraph, index: int) -> bool:
    return all(graph.nodes[root].kind in _MADE for root in local_roots(graph, index, every=True))


def _bare(decorator: str) -> str:
    return decorator.partition("(")[0].rpartition(".")[2]
