"""Which fields an audit looks at: those of telemetry classes, with where they stand and what they start with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ...flow import FieldCarrier
from ...flow.types import Instance, members
from ...source import ClassSymbol, Program
from ...source.model import ClassSummary, Default, FieldSummary, Kind
from ...source.program import ExternalSymbol, Place
from ..classes.meters import is_meter, keeps_values
from ..using.handling import as_written, classes_in
from ..using.uncalled import Uncalled
from ..using.usage import Usage
from ..words.flags import is_config_class
from ..words.record_classes import is_record
from ..words.telemetry_classes import TelemetryClasses, is_counted
from ..words.telemetry_names import TelemetryNames
from .never_filled import empty_start, is_only_looked_at

_DOES_SOMETHING = re.compile(r"(Monitor|Tracker|Collector|Detector|Telemetry)$")
_PLAIN_TYPES = {"int", "float", "str", "bool", "None", "Optional", "datetime", "timedelta"}
_NO_FIELDS = ("Enum", "Flag", "Protocol", "TypedDict", "Exception", "Error", "Warning")


@dataclass(frozen=True, slots=True)
class FieldSubject:
    """A field that an audit looks at.

    Attributes:
        is_record: It is declared by a dataclass or the like, so that every object has one of its own.
        holds_data: Its class is one of telemetry's values, and not one that does something (`*Tracker`).
        default: What it starts with where nobody gives it a value.
    """

    carrier: FieldCarrier
    place: Place
    is_record: bool
    holds_data: bool
    annotation: str | None
    default: Default | None

    @property
    def in_record(self) -> str:
        """Whether it is one of a record, as findings say it."""
        return "yes" if self.is_record else "no"

    @property
    def subject(self) -> str:
        """How findings name it."""
        return f"{self.carrier.owner.module}:{self.carrier}"


def telemetry_fields(
    usage: Usage, names: TelemetryNames, classes: TelemetryClasses
) -> Iterator[FieldSubject]:
    """Yield the fields that hold telemetry: all of a class whose name says so, those whose own name says so elsewhere.

    Constants of a class and names for its users are none.
    """
    program = usage.flow.program
    for cls in program.classes():
        if is_config_class(cls.name) or not _has_fields(program, cls):
            continue  # of settings, that they are read is asked by another rule
        summary = program.class_(cls)
        is_telemetry = classes.has(cls)
        for name, declared in summary.fields.items():
            if (is_telemetry or names.is_field(name)) and _is_value(name, declared):
                yield _subject(program, cls, summary, declared, is_telemetry=is_telemetry)
        for name, place in usage.handling.attributes.get(cls, {}).items():
            if name in summary.fields or name.isupper():
                continue
            if is_telemetry or names.is_field(name) or _holds_telemetry(usage, classes, cls, name):
                holds_data = is_telemetry and _DOES_SOMETHING.search(cls.name) is None
                yield _attribute(cls, summary, name, place, holds_data=holds_data)


def idle_counters(usage: Usage, told: Collection[FieldCarrier]) -> Iterator[FieldSubject]:
    """Yield the attributes of an application that count what happens by their names, and are given nothing but 0.

    Those `told` are judged by themselves, and so is what is handed on to one of them: there it is told.
    """
    program = usage.flow.program
    for cls, attributes in usage.handling.attributes.items():
        if usage.audience.is_library or is_config_class(cls.name):
            continue
        for name, place in attributes.items():
            carrier = FieldCarrier(cls, name)
            if not is_counted(name) or carrier in told:
                continue
            values = [
                as_written(program.function(function).graph, value)
                for function, value in usage.handling.stored_values(carrier)
            ]
            is_told = any(
                isinstance(hop.target, FieldCarrier) and hop.target in told
                for hop in usage.flow.out_of(carrier)
            )
            is_zero = all(one.kind is Kind.CONST and repr(one.data) in {"0", "0.0"} for one in values)
            if values and is_zero and not is_told:
                yield _attribute(cls, program.class_(cls), name, place, holds_data=False)


def idle_containers(usage: Usage, told: Collection[FieldCarrier]) -> Iterator[FieldSubject]:
    """Yield the private attributes of an application that start as an empty container and are only looked at.

    Those `told` are judged by themselves.
    """
    program = usage.flow.program
    if usage.audience.is_library:
        return
    for cls, attributes in usage.handling.attributes.items():
        for name, place in attributes.items():
            carrier = FieldCarrier(cls, name)
            if carrier in told or not name.startswith("_") or empty_start(usage, carrier) is None:
                continue
            if is_only_looked_at(
                usage, carrier
            ):  # few are; what the values come to is worked out for those alone
                yield _attribute(cls, program.class_(cls), name, place, holds_data=False)


def set_in_vain(usage: Usage, uncalled: Uncalled, told: Collection[FieldCarrier]) -> Iterator[FieldSubject]:
    """Yield the attributes of an application of any name that a function sets which nothing calls.

    Those `told` are judged by themselves. Where another class has a method of the function's name, an object of either
    may be what it is called of.
    """
    program = usage.flow.program
    namesakes = Counter(function.name for function in program.functions())
    for cls, attributes in usage.handling.attributes.items():
        if usage.audience.is_library or is_config_class(cls.name) or _is_meter(program, cls):
            continue  # that a meter is given nothing is another rule's
        for name, place in attributes.items():
            carrier = FieldCarrier(cls, name)
            if carrier in told:
                continue
            setters = {function for function, _ in usage.handling.stored_values(carrier)}
            if not any(namesakes[function.name] == 1 and function in uncalled for function in setters):
                continue
            reads = usage.flow.facts.whereabouts.index.field_reads(cls, name)
            if any(is_sure and one not in setters and one not in uncalled for one, _, is_sure in reads):
                yield _attribute(cls, program.class_(cls), name, place, holds_data=False)


def set_afterwards(usage: Usage, told: Collection[FieldCarrier]) -> Iterator[FieldSubject]:
    """Yield the fields of an application's records that code gives a value after the record was made.

    Those `told` are judged by themselves.
    """
    program, inference = usage.flow.program, usage.flow.facts.inference
    if usage.audience.is_library:
        return
    found: dict[FieldCarrier, None] = {}
    for name, stores in usage.handling.stores.items():
        for function, effect in stores:
            for one in members(inference.type_of(function, effect.base)):
                owner = inference.owner_of_field(one.cls, name) if isinstance(one, Instance) else None
                if owner is not None and not function.qualname.startswith(f"{owner.qualname}."):
                    found[FieldCarrier(owner, name)] = None
    for carrier in found:
        owner = carrier.owner
        declared = program.class_(owner).fields.get(carrier.name)
        if carrier in told or declared is None or is_config_class(owner.name):
            continue
        if not _PLAIN_TYPES.issuperset(re.findall(r"\w+", declared.annotation or "Any")):
            continue  # an object may be kept so that it lives
        if is_record(program, owner) and _has_fields(program, owner) and _is_value(carrier.name, declared):
            yield _subject(program, owner, program.class_(owner), declared, is_telemetry=False)


def _is_meter(program: Program, cls: ClassSymbol) -> bool:
    return is_meter(program, cls) or keeps_values(program, cls)


def _holds_telemetry(usage: Usage, classes: TelemetryClasses, cls: ClassSymbol, name: str) -> bool:
    """Whether an attribute is declared to hold an object of a telemetry class, some of them, or none yet."""
    if name not in usage.flow.program.class_(cls).annotated:
        return False
    known = usage.flow.facts.inference.field_type(cls, name)
    held = list(classes_in(known)) if known is not None else []
    return bool(held) and all(classes.has(one) for one in held)


def _attribute(
    cls: ClassSymbol, summary: ClassSummary, name: str, place: Place, *, holds_data: bool
) -> FieldSubject:
    return FieldSubject(
        carrier=FieldCarrier(cls, name),
        place=place,
        is_record=False,
        holds_data=holds_data,
        annotation=summary.annotated.get(name),
        default=None,
    )


def _subject(
    program: Program, cls: ClassSymbol, summary: ClassSummary, declared: FieldSummary, *, is_telemetry: bool
) -> FieldSubject:
    return FieldSubject(
        carrier=FieldCarrier(cls, declared.name),
        place=Place(program.modules[cls.module].path, declared.span),
        is_record=is_record(program, cls),
        holds_data=is_telemetry and _DOES_SOMETHING.search(cls.name) is None,
        annotation=declared.annotation,
        default=declared.default,
    )


def _has_fields(program: Program, cls: ClassSymbol) -> bool:
    return not any(
        isinstance(one, ExternalSymbol) and one.dotted.rpartition(".")[2].endswith(_NO_FIELDS)
        for one in program.mro(cls)
    )


def _is_value(name: str, declared: FieldSummary) -> bool:
    if name.isupper() or (name.startswith("__") and name.endswith("__")) or name == "_":
        return False
    annotation = declared.annotation or ""
    return not any(word in annotation for word in ("ClassVar", "KW_ONLY", "InitVar", "Callable"))
