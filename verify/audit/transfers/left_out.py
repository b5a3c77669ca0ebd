"""Fields that a construction leaves to their default, while the value for them is at hand.

A payload is made in one place out of a dozen values. The one that is left out keeps its default, which looks like a
measurement. What shows that it was forgotten: the mapping or object that its neighbours come from has a value of that
name, the function computes one, or takes one as a parameter; or every other construction passes it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ...flow import Carrier, FieldCarrier, KeyCarrier
from ...flow.classes import receiver_name
from ...flow.neutral import is_neutral
from ...flow.types import ClassObject, Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, Default, EffectKind, Kind, Span
from ..using.liveness import Origin as ValueOrigin
from ..using.usage import Usage
from ..words.flags import is_given_up, uses_parameter
from ..words.telemetry_classes import TelemetryClasses
from .idle_locals import idle_local_for, is_given_up_local
from .transfers import Group, Origin, Transfers

_A_CONVERTER = 0.6  # share of a class's fields that come from one object under their own names
_FEWEST = 3
_MADE_ANEW = re.compile(r"uuid|time|\bnow\b|today|random|secrets|token|\bnext\b")


class Sign(enum.StrEnum):
    """What shows that a field was forgotten."""

    KEY = "key"  # the mapping that its neighbours come from has one
    FIELD = "field"  # the object that its neighbours come from has one
    LOCAL = "local"  # the function computes a value of that name
    UNUSED = "unused"  # the function computes one, and does nothing with it
    TAKEN = "taken"  # the function has a value of that name for a use of its own
    PARAMETER = "parameter"  # the function takes a value of that name, and does nothing with it
    SITES = "sites"  # every other construction passes it


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that one construction leaves out.

    Attributes:
        neighbours: How many others come from the same object, or are passed under their own names.
        is_converter: Most of the class's fields come from one object, under their own names.
        value: What holds the value, as written or as a carrier.
        others: How many other constructions pass it.
        is_taken_beside: The function takes the value from there for something else.
        is_fresh: Its default is made anew for each object, such as an identifier or the time.
        is_its_object: The function has an object of the field's own class under its name.
    """

    group: Group
    owner: ClassSymbol
    name: str
    default: str
    span: Span
    sign: Sign
    value: str
    neighbours: int
    is_converter: bool
    others: int = 0
    is_sparse: bool = False
    is_taken_beside: bool = False
    is_fresh: bool = False
    is_its_object: bool = False

    @property
    def carrier(self) -> FieldCarrier:
        """The field."""
        return FieldCarrier(self.owner, self.name)


class LeftOutFields:
    """The fields of telemetry classes that constructions leave out although a value is at hand."""

    def __init__(self, usage: Usage, transfers: Transfers, classes: TelemetryClasses) -> None:
        self._usage = usage
        self._flow = usage.flow
        self._program = usage.flow.program
        self._transfers = transfers
        self._classes = classes

    @cached_property
    def found(self) -> tuple[LeftOut, ...]:
        """Each of them once: the strongest sign counts."""
        return tuple(
            one
            for owner, groups in self._constructions.items()
            for group in groups
            if self._classes.has(owner) or self._is_own_converter(owner, group)
            for one in self._of(owner, group, groups)
            if self._classes.has(owner) or self._is_lost(one)
        ) + tuple(self._unused_locals())

    def _unused_locals(self) -> Iterator[LeftOut]:
        """Yield the fields of any record that a function computes a value for, and does nothing with it.

        An object of a telemetry class that stands under the name of a field of that class may do something else, too.
        """
        inference = self._flow.facts.inference
        for owner, groups in self._constructions.items():
            if self._classes.has(owner) or inference.constructor(owner) is not None:
                continue
            optional = self.optional(owner)
            for group in groups:
                graph = self._program.function(group.function).graph
                if any(_is_end(one, name) for one in graph.bindings for name in optional):
                    yield from (
                        one
                        for one in self._of(owner, group, groups)
                        if one.sign is Sign.UNUSED
                        or (one.is_its_object and self._holds_telemetry(owner, one.name))
                    )

    @cached_property
    def unused_parameters(self) -> tuple[LeftOut, ...]:
        """Parameters that nothing uses, although an object of any class, built inside, may be given one of the name.

        Those that are among `found` are left out: a telemetry class's, whose default says nothing by itself.
        """
        unused = [
            one
            for constructions in (self._constructions, self._handing_on)
            for owner, groups in constructions.items()
            for group in groups
            for one in self._unused(owner, group, groups)
        ]
        unused += self._unused_by_bare_ones()
        return tuple(one for one in unused if not (self._classes.has(one.owner) and is_neutral(one.default)))

    @cached_property
    def _constructions(self) -> dict[ClassSymbol, list[Group]]:
        found: dict[ClassSymbol, list[Group]] = {}
        for group in self._transfers.groups:
            if isinstance(group.owner, ClassSymbol) and group.node >= 0 and not self._is_open(group):
                found.setdefault(group.owner, []).append(group)
        return found

    @cached_property
    def _handing_on(self) -> dict[ClassSymbol, list[Group]]:
        """The constructions that pass on what their function takes beside its own parameters, `**options`."""
        found: dict[ClassSymbol, list[Group]] = {}
        for group in self._transfers.groups:
            if not isinstance(group.owner, ClassSymbol) or group.node < 0:
                continue
            whole = self._handed_on(group)
            if whole:
                named = tuple(one for one in group.transfers if one.node not in whole)
                found.setdefault(group.owner, []).append(replace(group, transfers=named))
        return found

    @cached_property
    def fields(self) -> frozenset[FieldCarrier]:
        """The fields that are found here: other rules need not speak of them."""
        return frozenset(one.carrier for one in self.found)

    def _is_open(self, group: Group) -> bool:
        """Whether a construction passes more than can be read off it: `*values`, `**values`."""
        shape = self._program.function(group.function).graph.nodes[group.node].data
        assert isinstance(shape, CallShape)
        return bool(shape.starred) or None in shape.keywords

    def _handed_on(self, group: Group) -> set[int]:
        """Return the function's own `**options` that a construction passes on; nothing where it passes more as a whole.

        None of them is a named parameter of the function.
        """
        summary = self._program.function(group.function)
        node = summary.graph.nodes[group.node]
        shape = node.data
        assert isinstance(shape, CallShape)
        rest = {one.name for one in summary.parameters if one.kind == "kwargs"}
        given = zip(shape.keywords, node.operands[1 + shape.positional :], strict=True)
        whole = {operand for keyword, operand in given if keyword is None}
        nodes = summary.graph.nodes
        is_own = all(nodes[one].kind is Kind.PARAM and nodes[one].data in rest for one in whole)
        return whole if is_own and not shape.starred else set()

    def _of(self, owner: ClassSymbol, group: Group, groups: list[Group]) -> Iterator[LeftOut]:
        graph = self._program.function(group.function).graph
        stored_later = {one.name for one in graph.effects if one.kind is EffectKind.STORE_ATTR}
        optional = self.optional(owner)
        for name, default in optional.items():
            if name in group.sinks or name in stored_later or name.startswith("_"):
                continue
            if not (is_neutral(default.text) or default.factory is not None):
                continue
            if any(one.function == group.function and name in one.sinks for one in groups):
                continue  # the function knows of it: here it is left out on purpose
            found = self._sign(owner, group, name, groups, default)
            if found is None or self._is_stored_elsewhere(owner, name):
                continue
            if found.sign is Sign.UNUSED or self._is_lost(found) or not self._may_be_stored(name):
                yield found

    def _is_own_converter(self, owner: ClassSymbol, group: Group) -> bool:
        """Whether a class is built by a method of its own: what that leaves out of a mapping is seen in any class."""
        summary = self._program.function(group.function)
        return summary.owner == owner.qualname and group.function.module == owner.module

    def _is_lost(self, one: LeftOut) -> bool:
        """Whether a class writes a field into a mapping, and does not take it from there."""
        return one.sign is Sign.KEY and one.is_converter and self._writes_out(one.owner, one.name)

    def _unused(self, owner: ClassSymbol, group: Group, groups: list[Group]) -> Iterator[LeftOut]:
        summary = self._program.function(group.function)
        taken = {one.name for one in summary.parameters} - group.sinks
        for name, default in self.optional(owner).items() if taken else ():
            if name not in taken or name.startswith("_") or uses_parameter(summary, name):
                continue
            if self._local(group.function, name) is not Sign.PARAMETER or is_given_up(name, summary):
                continue
            if not any(one.function == group.function and name in one.sinks for one in groups):
                span = summary.graph.nodes[group.node].span
                given = len(group.sinks)
                yield LeftOut(
                    group, owner, name, default.text, span, Sign.PARAMETER, name, given, is_converter=False
                )

    def _unused_by_bare_ones(self) -> Iterator[LeftOut]:
        """Yield those whose object is built of nothing: `Model()`."""
        for function in self._program.functions():
            summary = self._program.function(function)
            if function not in self._flow.reachable or not summary.parameters:
                continue
            for index, node in enumerate(summary.graph.nodes):
                if node.kind is not Kind.CALL or len(node.operands) > 1 or node.gated:
                    continue
                callee = summary.graph.nodes[node.operands[0]]
                if (
                    callee.kind not in {Kind.GLOBAL, Kind.ATTR}
                    or not str(callee.data).lstrip("_")[:1].isupper()
                ):
                    continue
                for one in members(self._flow.facts.inference.type_of(function, node.operands[0])):
                    if isinstance(one, ClassObject):
                        made = Group(function, index, one.cls, "", ())
                        yield from self._unused(one.cls, made, self._constructions.get(one.cls, []))

    def optional(self, owner: ClassSymbol) -> dict[str, Default]:
        """Return what a construction may leave out, with the defaults."""
        inference = self._flow.facts.inference
        constructor = inference.constructor(owner)
        if constructor is not None:
            parameters = self._program.function(constructor).parameters
            return {
                one.name: one.default
                for one in parameters
                if one.default is not None and one.kind in {"positional", "keyword"}
            }
        found: dict[str, Default] = {}
        for name in inference.constructor_fields(owner):
            declared = self._program.field(owner, name)
            if declared is not None and declared[1].default is not None:
                found[name] = declared[1].default
        return found

    def _is_stored_elsewhere(self, owner: ClassSymbol, name: str) -> bool:
        """Whether something fills the field after the object is made."""
        inference = self._flow.facts.inference
        same = {one.owner for one in self._usage.family(FieldCarrier(owner, name))}
        for function, effect in self._usage.handling.stores.get(name, ()):
            receivers = members(inference.type_of(function, effect.base))
            if any(
                isinstance(one, Instance) and inference.owner_of_field(one.cls, name) in same
                for one in receivers
            ):
                summary = self._program.function(function)
                if summary.owner is None or ClassSymbol(function.module, summary.owner) != owner:
                    return True
                if function.name not in {"__init__", "__post_init__"}:
                    return True
        return False

    def _may_be_stored(self, name: str) -> bool:
        """Whether something of unknown class is given a field of that name."""
        return self._usage.may_be_written(name) or name in self._usage.handling.keywords

    # -- signs --------------------------------------------------------------------------------------------------------

    def _sign(
        self, owner: ClassSymbol, group: Group, name: str, groups: list[Group], default: Default
    ) -> LeftOut | None:
        same = [(one.sink, origin) for one in group.transfers if (origin := one.comes_from(one.sink))]
        bases: dict[str, list[Origin]] = {}
        for _, origin in same:
            if origin.base:
                bases.setdefault(origin.base, []).append(origin)
        fields = len(self._flow.facts.inference.constructor_fields(owner)) or len(group.transfers)
        span = self._program.function(group.function).graph.nodes[group.node].span

        def found(sign: Sign, value: str, neighbours: int, others: int = 0) -> LeftOut:
            most = max(map(len, bases.values()), default=0)
            converts = most >= _FEWEST and most >= _A_CONVERTER * fields
            return LeftOut(
                group,
                owner,
                name,
                default.text,
                span,
                sign,
                value,
                neighbours,
                converts,
                others,
                self._is_sparse(owner, group),
                is_fresh=_is_fresh(default),
            )

        for base, origins in sorted(bases.items(), key=lambda item: -len(item[1])):
            carrier = self._transfers.has(group.function, origins[0], name)
            is_known = carrier is not None and self._may_hold_a_value(carrier)
            if is_known or (origins[0].is_key and len(origins) >= _FEWEST and self._writes_out(owner, name)):
                sign = Sign.KEY if origins[0].is_key else Sign.FIELD
                written = f'{base}["{name}"]' if origins[0].is_key else f"{base}.{name}"
                one = found(sign, written, len(origins))
                return replace(one, is_taken_beside=self._is_taken_beside(group.function, base, name))
        here = self._local(group.function, name, before=span)
        if here in {Sign.LOCAL, Sign.TAKEN} and is_given_up_local(self._flow, group.function, name, span):
            here = Sign.UNUSED
        if here is not None:
            neighbours = sum(not origin.base for _, origin in same)
            return replace(
                found(here, name, neighbours),
                is_its_object=here is Sign.LOCAL and self._is_its_object(group.function, owner, name),
            )
        idle = idle_local_for(
            self._flow, group.function, name, self._flow.facts.inference.constructor_fields(owner), span
        )
        if idle is not None:
            return found(Sign.UNUSED, idle, sum(not origin.base for _, origin in same))
        others = [one for one in groups if one is not group]
        passing = [one for one in others if name in one.sinks]
        if others and len(passing) == len(others) and self._are_alike(group, others):
            return found(Sign.SITES, "", len(group.sinks), len(others))
        return None

    def _writes_out(self, owner: ClassSymbol, name: str) -> bool:
        """Whether a method of a class writes a field of its object into a mapping, under its own name."""
        for qualname in self._program.class_(owner).methods.values():
            function = FunctionSymbol(owner.module, qualname)
            summary = self._program.function(function)
            written = [
                one.value
                for one in summary.graph.effects
                if one.kind is EffectKind.STORE_ITEM and one.name == name
            ]
            written += [
                node.operands[node.data.index(name)]
                for node in summary.graph.nodes
                if node.kind is Kind.DICT and isinstance(node.data, tuple) and name in node.data
            ]
            receiver = receiver_name(summary)
            for index in written:
                for origin in self._transfers.names(function).origins(index):
                    if origin.name == name and origin.base == receiver:
                        return True
        return False

    def _is_sparse(self, owner: ClassSymbol, group: Group) -> bool:
        """Whether a construction gives a hand-written constructor less than half of what it takes."""
        constructor = self._flow.facts.inference.constructor(owner)
        if constructor is None:
            return False
        return 2 * len(group.sinks) < len(self._program.function(constructor).parameters) - 1

    def _is_taken_beside(self, function: FunctionSymbol, base: str, name: str) -> bool:
        names = self._transfers.names(function)
        return any(
            node.kind is Kind.ATTR and node.data == name and names.path(node.operands[0]) == base
            for node in self._program.function(function).graph.nodes
        )

    def _may_hold_a_value(self, carrier: Carrier) -> bool:
        """Whether a value may be there; a key counts only of a mapping that is known to come here."""
        if isinstance(carrier, FieldCarrier):
            return self._usage.production(carrier).origin >= ValueOrigin.POSSIBLE
        return not isinstance(carrier, KeyCarrier) or carrier.mapping is not None

    def _local(self, function: FunctionSymbol, name: str, *, before: Span | None = None) -> Sign | None:
        """Return how a function has a value of a name; what it computes `before` a place alone counts there."""
        graph = self._program.function(function).graph
        users, effects = self._flow.facts.whereabouts.users(function)
        for node in graph.bindings.get(name, ()):
            kind = graph.nodes[node].kind
            if kind is Kind.PARAM:
                is_used = bool(users.get(node) or effects.get(node)) or self._read_inside(function, name)
                return Sign.TAKEN if is_used else Sign.PARAMETER
            if kind in {Kind.CALL, Kind.OP}:
                is_there = before is None or graph.nodes[node].span.line <= before.end_line
                return Sign.LOCAL if is_there else Sign.TAKEN
            if kind in {Kind.ITEM, Kind.ATTR, Kind.PHI}:
                return Sign.TAKEN
        return None

    def _is_its_object(self, function: FunctionSymbol, owner: ClassSymbol, name: str) -> bool:
        """Whether what a function has under a field's name is an object of the field's class, of the program."""
        inference = self._flow.facts.inference
        wanted = self._classes_of(owner, name)
        known = [
            one
            for node in self._program.function(function).graph.bindings.get(name, ())
            for one in members(inference.type_of(function, node))
        ]
        return bool(known) and all(isinstance(one, Instance) and one.cls in wanted for one in known)

    def _holds_telemetry(self, owner: ClassSymbol, name: str) -> bool:
        """Whether a field holds an object of a telemetry class."""
        return any(self._classes.has(one) for one in self._classes_of(owner, name))

    def _classes_of(self, owner: ClassSymbol, name: str) -> set[ClassSymbol]:
        """Return the classes of the program whose objects a field is declared to hold."""
        declared = self._flow.facts.inference.field_type(owner, name)
        return {one.cls for one in members(declared) if isinstance(one, Instance)} if declared else set()

    def _read_inside(self, function: FunctionSymbol, name: str) -> bool:
        """Whether a nested function reads a name of this one."""
        pending = self._flow.facts.whereabouts.nested(function)[:]
        while pending:
            inner = pending.pop()
            if any(
                one.kind is Kind.FREE and one.data == name
                for one in self._program.function(inner).graph.nodes
            ):
                return True
            pending += self._flow.facts.whereabouts.nested(inner)
        return False

    @staticmethod
    def _are_alike(group: Group, others: list[Group]) -> bool:
        """Whether a construction passes nearly all of what each other one passes."""
        return all(len(group.sinks & one.sinks) >= max(_FEWEST, len(one.sinks) - 1) for one in others)


def _is_end(local: str, field: str) -> bool:
    """Whether a local is called like a field, or like the end of its name."""
    return field == local or field.endswith(f"_{local}")


def _is_fresh(default: Default) -> bool:
    """Whether a default is made for each object: an identifier, the time, a number drawn by chance."""
    return default.factory is not None and _MADE_ANEW.search(default.factory) is not None
