"""What converters between classes and mappings, or between classes that look alike, leave behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...findings import Confidence
from ...flow import FieldCarrier
from ...flow.types import Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import EffectKind, Kind, Span
from ..using.liveness import Origin as ValueOrigin
from ..using.usage import Usage
from ..words.telemetry_classes import TelemetryClasses
from .left_out import LeftOutFields, Sign
from .transfers import Group, Transfers

_FEWEST = 3
_MOST_OF_IT = 0.7
_MISSES_AT_MOST = 2
_WRITES_ALL = re.compile(
    r"^_?(to|as)_?(dict|json|row|record|mapping|payload|tuple)|^_?(serialize|dump|get_state|state_dict)"
)


@dataclass(frozen=True, slots=True)
class Missed:
    """A field that a converter leaves behind.

    Attributes:
        source: The field that holds the value, where that is another one.
        why: What shows that it was meant to be taken along.
    """

    function: FunctionSymbol
    owner: ClassSymbol
    name: str
    span: Span
    where_to: str
    why: str
    confidence: Confidence
    source: FieldCarrier | None = None

    @property
    def carrier(self) -> FieldCarrier:
        """The field."""
        return FieldCarrier(self.owner, self.name)


class Converters:
    """The converters of telemetry classes, and what they miss."""

    def __init__(
        self, usage: Usage, transfers: Transfers, left_out: LeftOutFields, classes: TelemetryClasses
    ) -> None:
        self._usage = usage
        self._flow = usage.flow
        self._program = usage.flow.program
        self._transfers = transfers
        self._left_out = left_out
        self._classes = classes

    @cached_property
    def missed(self) -> tuple[Missed, ...]:
        """Every field that some converter misses."""
        groups = self._transfers.groups
        written = [found for group in groups if (found := self._written_out(group)) is not None]
        read = {
            (group.owner, transfer.sink)
            for group in groups
            if isinstance(group.owner, ClassSymbol) and group.node >= 0
            for transfer in group.transfers
            if any(origin.is_key and origin.name == transfer.sink for origin in transfer.origins)
        }
        return (
            *self._taken_in(),
            *(one for group, owner in written for one in self._mapping(group, owner, read)),
            *(one for group in groups for one in self._copied(group)),
        )

    @cached_property
    def fields(self) -> frozenset[FieldCarrier]:
        """The fields at both ends of what is missed: other rules need not speak of them."""
        ends = [(one.carrier, one.source) for one in self.missed if one.confidence is Confidence.HIGH]
        return frozenset(end for pair in ends for end in pair if end is not None)

    def _taken_in(self) -> Iterator[Missed]:
        """`from_dict`: a construction that takes nearly all from one object or mapping."""
        for one in self._left_out.found:
            if one.is_converter and one.sign in {Sign.KEY, Sign.FIELD}:
                yield Missed(
                    one.group.function,
                    one.owner,
                    one.name,
                    one.span,
                    f"pass {one.name}={one.value}",
                    f", which stays {one.default}: {one.value} has it, as {one.neighbours} other fields",
                    Confidence.HIGH if self._classes.has(one.owner) else Confidence.MEDIUM,
                )

    def _mapping(
        self, group: Group, owner: ClassSymbol, read: set[tuple[ClassSymbol, str]]
    ) -> Iterator[Missed]:
        """`to_dict`: a mapping of nearly all fields of one object."""
        fields = self._data_fields(owner)
        later = {
            effect.name
            for effect in self._program.function(group.function).graph.effects
            if effect.kind is EffectKind.STORE_ITEM
        }
        missing = [name for name in fields if name not in group.sinks and name not in later]
        if not 0 < len(missing) <= _MISSES_AT_MOST or len(group.sinks & set(fields)) < _MOST_OF_IT * len(
            fields
        ):
            return
        says_so = _WRITES_ALL.search(group.function.name) is not None
        span = self._program.function(group.function).graph.nodes[group.node].span
        for name in missing:
            if self._mentions(group.function, name):
                continue
            is_read_back = (owner, name) in read
            told = says_so and not self._is_taken_beside(group.function, owner, name)
            confidence = Confidence.MEDIUM if told else Confidence.LOW
            yield Missed(
                group.function,
                owner,
                name,
                span,
                f'add "{name}": {name}',
                "; what reads the mapping looks for it"
                if is_read_back
                else f", and takes {len(fields) - len(missing)} others",
                Confidence.HIGH if is_read_back else confidence,
            )

    def _is_taken_beside(self, converter: FunctionSymbol, owner: ClassSymbol, name: str) -> bool:
        """Whether who calls a converter takes a field by itself: `{one.name: one.as_dict() for one in all}`."""
        inference = self._flow.facts.inference
        for caller in {site.site.function for site in self._flow.call_sites(converter)}:
            for node in self._program.function(caller).graph.nodes:
                if node.kind is Kind.ATTR and node.data == name:
                    types = members(inference.type_of(caller, node.operands[0]))
                    if any(isinstance(one, Instance) and one.cls == owner for one in types):
                        return True
        return False

    def _copied(self, group: Group) -> Iterator[Missed]:
        """Field by field from one object to another that looks alike."""
        if group.node >= 0 or not isinstance(group.owner, ClassSymbol) or len(group.transfers) < _FEWEST:
            return
        if not self._classes.has(group.owner):
            return
        bases = {
            origin.base: origin
            for one in group.transfers
            if (origin := one.comes_from(one.sink)) and origin.base
        }
        for base, origin in bases.items():
            if origin.is_key or base == group.base:
                continue
            types = members(self._flow.facts.inference.type_of(group.function, origin.base_node))
            source = next((one.cls for one in types if isinstance(one, Instance)), None)
            if source is None:
                continue
            shared = [one for one in self._data_fields(group.owner) if one in self._data_fields(source)]
            taken = {
                one.sink
                for one in group.transfers
                if (found := one.comes_from(one.sink)) and found.base == base
            }
            missing = [name for name in shared if name not in group.sinks]
            if (
                len(taken) < _FEWEST
                or len(taken) < _MOST_OF_IT * len(shared)
                or len(missing) > _MISSES_AT_MOST
            ):
                continue
            for name in missing:
                sent = self._usage.production(FieldCarrier(source, name)).origin
                kept = self._usage.production(FieldCarrier(group.owner, name)).origin
                if sent < ValueOrigin.POSSIBLE or self._mentions(group.function, name):
                    continue
                yield Missed(
                    group.function,
                    group.owner,
                    name,
                    group.transfers[-1].span,
                    f"copy {base}.{name} too",
                    f": {base}.{name} has a value, and {len(taken)} others are copied",
                    Confidence.HIGH if kept < ValueOrigin.POSSIBLE else Confidence.MEDIUM,
                    FieldCarrier(source, name),
                )

    def _written_out(self, group: Group) -> tuple[Group, ClassSymbol] | None:
        """Return a dictionary of one object's fields under their own names, with the object's class."""
        graph = self._program.function(group.function).graph
        if group.node < 0 or graph.nodes[group.node].kind is not Kind.DICT or len(group.transfers) < _FEWEST:
            return None
        keys = graph.nodes[group.node].data
        if not isinstance(keys, tuple) or None in keys:
            return None
        bases = [
            origin for one in group.transfers if (origin := one.comes_from(one.sink)) and not origin.is_key
        ]
        bases = [origin for origin in bases if origin.base]
        if len(bases) < _FEWEST or len({origin.base for origin in bases}) != 1:
            return None
        for one in members(self._flow.facts.inference.type_of(group.function, bases[0].base_node)):
            if isinstance(one, Instance) and self._classes.has(one.cls):
                return group, one.cls
        return None

    def _data_fields(self, owner: ClassSymbol) -> list[str]:
        names = self._flow.facts.inference.constructor_fields(owner)
        return [name for name in names if not name.startswith("_")]

    def _mentions(self, function: FunctionSymbol, name: str) -> bool:
        """Whether a function names the field in another way: it knows of it."""
        graph = self._program.function(function).graph
        return any(one.data == name and one.kind in {Kind.ATTR, Kind.CONST, Kind.ITEM} for one in graph.nodes)
