"""Optional parameters that no caller supplies, although one of them has the object at hand.

`Recorder(hub, store=None)` writes to a store where there is one. If every caller in an application leaves it out, the
branch is dead; a caller that has such a store shows that it was forgotten, and not left out on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...flow import CallSite
from ...flow.classes import is_property, receiver_name
from ...flow.roots import local_roots
from ...flow.types import UNKNOWN, Instance, Type, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, Kind, Parameter, Span, ValueGraph
from ..using.uncalled import Uncalled
from ..using.usage import Usage
from ..words.flags import is_given_up, uses_parameter
from ..words.metric_words import speaks_of_telemetry
from ..words.telemetry_classes import TelemetryClasses
from ..words.telemetry_names import has_telemetry_role


@dataclass(frozen=True, slots=True)
class NeverSupplied:
    """A parameter that is None in every run.

    Attributes:
        function: What takes it.
        site: The call that could supply it.
        value: What it has at hand, as written.
        callers: How many calls there are.
    """

    function: FunctionSymbol
    name: str
    site: CallSite
    value: str
    callers: int

    @property
    def span(self) -> Span:
        """Where the call is."""
        return self.site.site.span


class _Finder:
    def __init__(self, usage: Usage, classes: TelemetryClasses, uncalled: Uncalled) -> None:
        self._usage = usage
        self._flow = usage.flow
        self._program = usage.flow.program
        self._inference = usage.flow.facts.inference
        self._classes = classes
        self._uncalled = uncalled

    def of(self, function: FunctionSymbol) -> Iterator[NeverSupplied]:
        summary = self._program.function(function)
        optional = [one for one in summary.parameters if _is_optional(one)]
        sites = self._flow.call_sites(function) if optional else []
        if not sites or not self._are_all_seen(function, sites):
            return
        supplied = {name for site in sites for name in site.names}
        for parameter in optional:
            if parameter.name in supplied or not uses_parameter(summary, parameter.name):
                continue
            if is_given_up(parameter.name, summary) or self._is_replaced(function, parameter.name):
                continue
            for site in sites:
                value = self._at_hand(function, parameter, site)
                if value is not None:
                    yield NeverSupplied(function, parameter.name, site, value, len(sites))
                    break

    def _is_replaced(self, function: FunctionSymbol, name: str) -> bool:
        """Whether something else takes the place of a parameter that is None."""
        graph = self._program.function(function).graph
        users, _ = self._flow.facts.whereabouts.users(function)
        pending = [*graph.bindings.get(name, ())]
        seen: set[int] = set()
        while pending:
            index = pending.pop()
            if index in seen:
                continue
            seen.add(index)
            node = graph.nodes[index]
            is_none = node.kind is Kind.CONST and node.data is None
            if not is_none and node.kind not in {Kind.PARAM, Kind.PHI, Kind.NARROW}:
                return True
            pending += node.operands
            pending += [
                one for one in users.get(index, ()) if graph.nodes[one].kind in {Kind.PHI, Kind.NARROW}
            ]
            if any(graph.nodes[one].kind is Kind.OP for one in users.get(index, ())):
                return True
        return False

    def _are_all_seen(self, function: FunctionSymbol, sites: list[CallSite]) -> bool:
        """Whether nobody else may call a function, and each call says what it gives."""
        if self._usage.audience.may_call(function) or self._stands_in(function):
            return False
        if any(site.function not in self._flow.reachable or site.function == function for site in sites):
            return False
        if not all(self._is_plain(site) for site in sites):
            return False
        known = {(site.function, site.node) for site in sites}
        return not any(
            (call.function, call.node) not in known and self._is_unknown(call.function, call.node)
            for call in self._flow.facts.method_calls.get(function.name, ())
        )

    def _is_plain(self, site: CallSite) -> bool:
        shape = self._program.function(site.function).graph.nodes[site.node].data
        is_open = isinstance(shape, CallShape) and (shape.starred or None in shape.keywords)
        return isinstance(shape, CallShape) and not is_open and -1 not in site.operands

    def _is_unknown(self, function: FunctionSymbol, call: int) -> bool:
        callee = self._program.function(function).graph.nodes[call].operands[0]
        return UNKNOWN in (members(self._inference.type_of(function, callee)) or (UNKNOWN,))

    def _stands_in(self, function: FunctionSymbol) -> bool:
        """Whether a method is one of several of the name in a line of classes."""
        owner = self._program.function(function).owner
        if owner is None:
            return False
        cls = ClassSymbol(function.module, owner)
        if self._program.is_protocol(cls):
            return True
        lines = (one for one in self._usage.handling.lines(cls) if one != cls)
        return any(function.name in self._program.class_(one).methods for one in lines)

    # -- what a caller has --------------------------------------------------------------------------------------------

    def _at_hand(self, function: FunctionSymbol, parameter: Parameter, site: CallSite) -> str | None:
        assert parameter.annotation is not None
        graph = self._program.function(site.function).graph
        owner = self._program.function(function).owner
        cls = None if owner is None else ClassSymbol(function.module, owner)
        wanted = self._classes_in(self._inference.annotated(function.module, parameter.annotation, cls))
        given = _made_of(graph, site.operands)
        is_callback = "Callable" in parameter.annotation
        is_telemetry = any(self._is_telemetry(one) for one in wanted)
        if not is_telemetry and not self._is_for_telemetry(function, cls):
            wanted = set()
        fitting: list[str] = []
        for local, nodes in graph.bindings.items():
            before = [one for one in nodes if graph.nodes[one].span.line <= site.site.span.line]
            if not before or not given.isdisjoint(
                root for one in before for root in local_roots(graph, one, every=True)
            ):
                continue
            held = [one for node in before for one in members(self._inference.type_of(site.function, node))]
            classes = {one.cls for one in held if isinstance(one, Instance)}
            if wanted and classes and all(self._is_one(one, wanted) for one in classes):
                if local == parameter.name:
                    return local
                if is_telemetry and self._is_made_here(site.function, before):
                    fitting.append(local)
            if is_callback and any(self._has_idle(one, parameter.name) for one in classes):
                return f"{local}.{parameter.name}"
        return fitting[0] if len(fitting) == 1 else self._of_object(site.function, parameter.name, wanted)

    def _of_object(self, function: FunctionSymbol, name: str, wanted: set[ClassSymbol]) -> str | None:
        """Return the attribute of the caller's own object that is called so and holds such an object."""
        summary = self._program.function(function)
        receiver = receiver_name(summary)
        if summary.owner is None or receiver is None or not wanted:
            return None
        cls = ClassSymbol(function.module, summary.owner)
        for attribute in (name, f"_{name}"):
            owner = self._inference.owner_of_field(cls, attribute)
            held = self._inference.field_type(owner, attribute) if owner is not None else None
            classes = self._classes_in(held) if held is not None else set()
            if classes and all(self._is_one(one, wanted) for one in classes):
                return f"{receiver}.{attribute}"
        return None

    def _is_made_here(self, function: FunctionSymbol, nodes: list[int]) -> bool:
        graph = self._program.function(function).graph
        roots = {root for one in nodes for root in local_roots(graph, one, every=True)}
        return any(graph.nodes[root].kind is Kind.CALL for root in roots)

    def _has_idle(self, cls: ClassSymbol, name: str) -> bool:
        """Whether a class has a method of a name that nothing calls: it is there to be handed over."""
        method = self._program.method(cls, name)
        if method is None or is_property(self._program.function(method)):
            return False
        return method in self._uncalled

    def _is_one(self, cls: ClassSymbol, wanted: set[ClassSymbol]) -> bool:
        return any(one in wanted for one in self._program.mro(cls))

    def _is_telemetry(self, cls: ClassSymbol) -> bool:
        return self._classes.has(cls) or has_telemetry_role(cls.name)

    def _is_for_telemetry(self, function: FunctionSymbol, cls: ClassSymbol | None) -> bool:
        if cls is not None and (self._is_telemetry(cls) or speaks_of_telemetry(cls.name)):
            return True
        return speaks_of_telemetry(function.name)

    @staticmethod
    def _classes_in(known: Type) -> set[ClassSymbol]:
        return {one.cls for one in members(known) if isinstance(one, Instance)}


def never_supplied(usage: Usage, classes: TelemetryClasses, uncalled: Uncalled) -> Iterator[NeverSupplied]:
    """Yield each optional parameter of an application that no call supplies, and one could."""
    if usage.audience.is_library:
        return
    finder = _Finder(usage, classes, uncalled)
    for function in usage.flow.program.functions():
        yield from finder.of(function)


def _made_of(graph: ValueGraph, operands: Iterable[int]) -> set[int]:
    """Return what the arguments of a call are made of, themselves included."""
    found: set[int] = set()
    pending = [*operands]
    while pending:
        index = pending.pop()
        if index >= 0 and index not in found:
            found.add(index)
            pending += graph.nodes[index].operands
    return found


def _is_optional(parameter: Parameter) -> bool:
    default = parameter.default
    return (
        default is not None
        and default.is_literal
        and default.literal is None
        and parameter.annotation is not None
        and parameter.kind in {"positional", "keyword"}
    )
