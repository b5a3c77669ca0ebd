"""What an audit rule is: one kind of unwired telemetry, found with no record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ...findings import Finding, FindingSeverity
from ...findings.any_rule import AnyRule
from ...flow import FieldCarrier, Flow
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import Span
from ...source.program import Place
from ..classes.below import roles_above
from ..classes.meters import is_meter, keeps_values
from ..classes.registering import Registrar, Registration, Replaced, registrations, replaced
from ..classes.tables import Kin, kin_of_tables
from ..classes.unimported import Unimported, unimported_modules
from ..classes.unregistered import KinOfRegistered, kin_of_registered
from ..events.events import Family, event_names, families
from ..events.string_events import StringFamily, string_families
from ..events.subscriptions import Subscription, subscriptions
from ..fields.constant_gates import ConstantGates
from ..fields.subjects import FieldSubject, telemetry_fields
from ..functions.never_started import NeverStarted
from ..keys.key_faults import KeyFaults
from ..keys.keys import Keys
from ..keys.watched import Unwatched, Watched, watched_in_vain
from ..transfers.converters import Converters
from ..transfers.detours import Detours
from ..transfers.left_out import LeftOutFields
from ..transfers.never_supplied import NeverSupplied, never_supplied
from ..transfers.transfers import Transfers
from ..using.audience import Audience
from ..using.commented_out import CommentedOut
from ..using.entering import Entering
from ..using.mentions import Mentions
from ..using.outside_consumers import OutsideConsumers
from ..using.taken_along import TakenAlong
from ..using.uncalled import Uncalled
from ..using.usage import Usage
from ..using.uses import Uses
from ..words.flags import flag_names
from ..words.telemetry_classes import TelemetryClasses
from ..words.telemetry_names import TelemetryNames, has_telemetry_role, is_handler


@dataclass(frozen=True)
class AuditCheck:
    """What audit rules look at."""

    flow: Flow
    usage: Usage
    names: TelemetryNames
    consumers: OutsideConsumers = field(default_factory=OutsideConsumers)
    commented_out: CommentedOut = field(default_factory=CommentedOut)
    named_outside: frozenset[ClassSymbol | FunctionSymbol] = frozenset()

    @property
    def program(self) -> Program:
        """The program's symbols."""
        return self.flow.program

    @property
    def audience(self) -> Audience:
        """Who may use the code beside the program itself."""
        return self.usage.audience

    @cached_property
    def keys(self) -> Keys:
        """Who reads and who writes string keys."""
        return Keys.of(self.flow)

    @cached_property
    def key_faults(self) -> KeyFaults:
        """The reads of keys that nothing writes."""
        return KeyFaults.of(self.keys, self.audience)

    @cached_property
    def transfers(self) -> Transfers:
        """Values that are handed over under names."""
        return Transfers(self.flow)

    @cached_property
    def detours(self) -> Detours:
        """Values that come to a name by a detour."""
        return Detours(self.flow, self.transfers)

    @cached_property
    def classes(self) -> TelemetryClasses:
        """Which classes hold telemetry."""
        return TelemetryClasses(self.program, self.names)

    @cached_property
    def left_out(self) -> LeftOutFields:
        """Fields that constructions leave to their default while a value is at hand."""
        return LeftOutFields(self.usage, self.transfers, self.classes)

    @cached_property
    def converters(self) -> Converters:
        """What converters between classes and mappings leave behind."""
        return Converters(self.usage, self.transfers, self.left_out, self.classes)

    def is_explained(self, carrier: FieldCarrier) -> bool:
        """Whether the one place that breaks a field's wire is found, so that only that is to be told."""
        return carrier in self.left_out.fields or carrier in self.converters.fields

    @cached_property
    def mentions(self) -> Mentions:
        """Where the names of telemetry functions and classes, and of flags, are said."""
        functions = {
            one.name
            for one in self.program.functions()
            if self.names.is_function(one.name) or is_handler(one.name)
        }
        classes = {
            one.name
            for one in self.program.classes()
            if self.names.is_class(one.name)
            or has_telemetry_role(one.name)
            or any(roles_above(self.program, one))
            or is_meter(self.program, one)
            or keeps_values(self.program, one)
        }
        in_tables = {one.name for kin in self.kin_of_tables for one in (*kin.others, *kin.table.classes)}
        unregistered = {one.name for kin in self.kin_of_registered for one in kin.others}
        wanted = (
            functions | classes | flag_names(self.flow) | event_names(self.program) | in_tables | unregistered
        )
        return Mentions.of(self.flow, wanted)

    @cached_property
    def kin_of_tables(self) -> tuple[Kin, ...]:
        """The classes that are of one kind with those of a table, and do not stand in it."""
        return tuple(kin_of_tables(self.flow))

    @cached_property
    def registrations(self) -> tuple[Registration, ...]:
        """What modules register when they are imported."""
        return tuple(registrations(self.flow))

    @cached_property
    def replaced(self) -> tuple[Replaced, ...]:
        """What is registered under a name that its module gives to something else afterwards."""
        return tuple(replaced(self.flow, self.registrations))

    @cached_property
    def by_name(self) -> Mapping[Registrar, Mapping[str, Registration]]:
        """What each registrar is told of under a name."""
        found: dict[Registrar, dict[str, Registration]] = {}
        for one in self.registrations:
            if one.under is not None and len(one.under) == 1:
                found.setdefault(one.registrar, {})[one.under[0][1]] = one
        return found

    @cached_property
    def watched(self) -> tuple[Watched | Unwatched, ...]:
        """The keys that rows of tables name and nobody writes, and the names of registries that no row names."""
        names = [frozenset(known) for known in self.by_name.values()]
        return tuple(watched_in_vain(self.usage, self.keys, names))

    @cached_property
    def unlooked_for(self) -> tuple[tuple[Registration, str], ...]:
        """What is registered under a name that no row of a table looks for, and how that is said."""
        registries = [*self.by_name.values()]
        return tuple(
            (registries[one.registry][one.key], f"as {one.field} does with {_listed(one.others)}")
            for one in self.watched
            if isinstance(one, Unwatched)
        )

    @cached_property
    def unimported(self) -> tuple[Unimported, ...]:
        """The modules that register something and that nothing imports."""
        return tuple(unimported_modules(self))

    @cached_property
    def kin_of_registered(self) -> tuple[KinOfRegistered, ...]:
        """The classes below one base with several that are registered, and that are not."""
        return tuple(kin_of_registered(self.flow, self.registrations))

    @cached_property
    def constant_gates(self) -> ConstantGates:
        """Which switches are false in every run, seen over the whole program."""
        return ConstantGates(self.usage)

    @cached_property
    def event_families(self) -> list[Family]:
        """The events of the program, and where each is sent and handled."""
        return list(families(self.flow, self.mentions, self.usage.handling.models))

    @cached_property
    def string_events(self) -> list[StringFamily]:
        """Likewise for events that are told by a string in a mapping."""
        return string_families(self.flow, self.keys)

    @cached_property
    def _by_name(self) -> dict[str, list[FunctionSymbol]]:
        found: dict[str, list[FunctionSymbol]] = {}
        for function in self.program.functions():
            found.setdefault(function.name, []).append(function)
        return found

    def functions_named(self, name: str) -> list[FunctionSymbol]:
        """Return every function and method of a bare name."""
        return self._by_name.get(name, []) if name != "__init__" else []

    @cached_property
    def uses(self) -> Uses:
        """Who uses which function and class."""
        return Uses(
            self.flow, self.mentions, self.usage.handling, self.audience.is_library, self.named_outside
        )

    @cached_property
    def uncalled(self) -> Uncalled:
        """The functions that nothing calls."""
        return Uncalled(self.flow, self.usage.handling, self.mentions, self.audience, self.named_outside)

    @cached_property
    def entering(self) -> Entering:
        """Which objects are entered by `with`."""
        return Entering(self.flow)

    @cached_property
    def never_started(self) -> NeverStarted:
        """The workers that never run."""
        return NeverStarted(
            self.flow, self.usage.handling, self.audience, self.uncalled, self.entering, self.taken_along
        )

    @cached_property
    def never_supplied(self) -> tuple[NeverSupplied, ...]:
        """The optional parameters that no caller supplies, although one has the object for them."""
        return tuple(never_supplied(self.usage, self.classes, self.uncalled))

    @cached_property
    def taken_along(self) -> TakenAlong:
        """Which functions hang on one alone."""
        return TakenAlong(self.flow)

    @cached_property
    def subscriptions(self) -> dict[FunctionSymbol, list[Subscription]]:
        """The events that functions give to handlers."""
        return dict(subscriptions(self.flow))

    @cached_property
    def fields(self) -> tuple[FieldSubject, ...]:
        """The fields that hold telemetry."""
        return tuple(telemetry_fields(self.usage, self.names, self.classes))

    def definition(self, symbol: ClassSymbol | FunctionSymbol) -> Place:
        """Return where a class or function is named."""
        place = self.program.place(symbol)
        word = "class " if isinstance(symbol, ClassSymbol) else "def "
        if isinstance(symbol, FunctionSymbol) and self.program.function(symbol).is_async:
            word = "async def "
        column = place.span.column + len(word)
        return Place(place.path, Span(place.span.line, column, place.span.line, column + len(symbol.name)))


class AuditRule(AnyRule, ABC):
    """A rule that needs no record.

    The docstring of each says what it finds, why that is bad, an example, and what to write instead. A finding's
    confidence says how often a careful reader agrees: high nearly always, medium mostly, low worth a look.
    """

    severity = FindingSeverity.WARNING

    @abstractmethod
    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield every fault of this kind."""


def _listed(names: tuple[str, ...]) -> str:
    first = ", ".join(map(repr, names[:3]))
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more"
