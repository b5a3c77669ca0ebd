"""What extraction collects: what moves, the calls and the comparisons of a program, before they are searched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import Kind
from ..source.packed import unpacked
from ..source.program import Place
from .carriers import Carrier, Constant, FieldCarrier, How, Role, Site
from .drawn import Source
from .inference import Inference
from .instruments import Instrument, InstrumentCall
from .logger_keys import Logged
from .moves import Manner, Moves
from .sources import Sources
from .whereabouts import Whereabouts


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value is compared with a number: a literal, or a named constant, whose definition is `defined`."""

    carriers: tuple[Carrier, ...]
    constant: float
    constant_name: str | None
    site: Site
    defined: Place | None = None


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call of a function of the program.

    Attributes:
        function: Who calls it; `node` is the call in there.
        path: The caller's file, with the packed place of the call.
        names: The parameter that each argument is for.
        operands: The node of each argument in the caller, -1 for one that was bound before.
    """

    callee: FunctionSymbol
    function: FunctionSymbol
    node: int
    path: str
    place: int
    names: tuple[str, ...]
    operands: tuple[int, ...]

    @property
    def site(self) -> Site:
        """Where the call is."""
        return Site(self.function, self.path, unpacked(self.place))


class MethodCall(NamedTuple):
    """A call by attribute, `receiver.name(...)`, whatever the receiver is."""

    function: FunctionSymbol
    node: int


@dataclass(frozen=True, slots=True)
class Restored:
    """An object of a class is decoded, `by` a function of a library."""

    cls: ClassSymbol
    by: str
    site: Site
    gated: bool


@dataclass
class Facts:
    """Everything that the flow of a program consists of, before it is searched."""

    program: Program
    inference: Inference
    sources: Sources
    moves: Moves
    calls: dict[FunctionSymbol, set[FunctionSymbol]] = field(default_factory=dict)
    call_sites: dict[FunctionSymbol, list[CallSite]] = field(default_factory=dict)
    used_classes: dict[FunctionSymbol, set[ClassSymbol]] = field(default_factory=dict)
    called_names: dict[FunctionSymbol, set[str]] = field(default_factory=dict)  # methods of unknown receivers
    possible_calls: dict[FunctionSymbol, set[FunctionSymbol]] = field(
        default_factory=dict
    )  # what a name that is not known may mean: `getattr(callback, name)()`
    strings: dict[FunctionSymbol, set[str]] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    method_calls: dict[str, list[MethodCall]] = field(default_factory=dict)
    instrument_calls: list[InstrumentCall] = field(default_factory=list)
    factories_handed_on: list[InstrumentCall] = field(default_factory=list)  # named, and not called there
    instruments: list[Instrument] = field(default_factory=list)
    logged: list[Logged] = field(default_factory=list)
    written_by_any_name: set[ClassSymbol] = field(
        default_factory=set
    )  # `setattr` with a name that is not known
    read_by_any_name: set[ClassSymbol] = field(default_factory=set)  # `getattr` likewise
    exported: set[ClassSymbol] = field(default_factory=set)  # turned into a mapping, text or bytes somewhere
    restored: list[Restored] = field(default_factory=list)
    sites_resolved: int = 0
    sites_unresolved: int = 0
    too_deep: list[FunctionSymbol] = field(default_factory=list)  # nested too deeply to be followed
    _whereabouts: Whereabouts | None = None
    _names: dict[tuple[str, ...], tuple[str, ...]] = field(
        default_factory=dict
    )  # of call sites, one object each

    @property
    def whereabouts(self) -> Whereabouts:
        """What follows objects forward; it needs every call to have been collected."""
        if self._whereabouts is None:
            self._whereabouts = Whereabouts(self)
        return self._whereabouts

    @cached_property
    def measured_methods(self) -> list[tuple[FunctionSymbol, tuple[str, ...]]]:
        """The methods that have decorators which are calls, with those."""
        found: list[tuple[FunctionSymbol, tuple[str, ...]]] = []
        for function in self.program.functions():
            summary = self.program.function(function)
            called = tuple(text for text in summary.decorators if "." in text and text.endswith(")"))
            if summary.owner is not None and called:
                found.append((function, called))
        return found

    def site(self, function: FunctionSymbol, place: int) -> Site:
        """Return a packed place in a function."""
        return Site(function, self.program.modules[function.module].path, unpacked(place))

    def called(
        self, callee: FunctionSymbol, function: FunctionSymbol, index: int, given: list[tuple[str, int]]
    ) -> None:
        """Note that a node calls a function and gives these nodes to its parameters, -1 for what was bound before."""
        names = tuple([name for name, _ in given])
        self.call_sites.setdefault(callee, []).append(
            CallSite(
                callee,
                function,
                index,
                self.program.modules[function.module].path,
                self.program.function(function).graph.nodes[index].place,
                self._names.setdefault(names, names),
                tuple([operand for _, operand in given]),
            )
        )

    def given(self, call: CallSite, name: str) -> tuple[Source, ...] | None:
        """Return what a call gives a parameter; None where it leaves it out."""
        if name not in call.names:
            return None
        return tuple(
            source
            for one, operand in zip(call.names, call.operands, strict=True)
            if one == name and operand >= 0
            for source in self.sources.of(call.function, operand)
        )

    def move(
        self,
        function: FunctionSymbol,
        sources: Iterable[Source],
        targets: Iterable[Carrier],
        place: int,
        *,
        gated: bool = False,
        how: How = How.COPY,
        discarded: bool = False,
        role: Role = Role.MOVE,
    ) -> None:
        """Note that the sources move to each of the targets; only constants can have the role INITIAL.

        `place` is packed. A literal that is merely looked at moves nothing.
        """
        filled = dict.fromkeys(targets)
        if filled:
            self.moves.add(function, place, sources, filled, Manner(how, gated, discarded, role))

    def entries(
        self,
        function: FunctionSymbol,
        value: int,
        targets: Iterable[Carrier],
        place: int,
        *,
        gated: bool = False,
        discarded: bool = False,
    ) -> None:
        """Note that the entries of a mapping come to the fields that it is stored into as a whole."""
        fields = [one for one in targets if isinstance(one, FieldCarrier)]
        if fields and self.program.function(function).graph.nodes[value].kind is not Kind.CONST:
            entries = [Source(one, How.COPY, place) for one in self.sources.keys.stored(function, value)]
            self.move(function, entries, fields, place, gated=gated, discarded=discarded, role=Role.ENTRY)

    def constant(
        self,
        function: FunctionSymbol,
        constant: Constant,
        target: Carrier,
        place: int,
        *,
        gated: bool = False,
    ) -> None:
        """Note that a carrier starts with a constant."""
        source = Source(constant, How.COPY, place)
        self.move(function, [source], [target], place, gated=gated, role=Role.INITIAL)
