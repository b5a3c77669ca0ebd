"""Which fields an audit looks at: those of telemetry classes, with where they stand and what they start with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..flow import FieldCarrier
from ..source import ClassSymbol, Program
from ..source.model import ClassSummary, Default, FieldSummary
from ..source.program import ExternalSymbol, Place
from .flags import is_config_class
from .record_classes import is_record
from .telemetry_names import TelemetryNames
from .usage import Usage

_DOES_SOMETHING = re.compile(r"(Monitor|Tracker|Collector|Detector|Telemetry)$")
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


def telemetry_fields(usage: Usage, names: TelemetryNames) -> Iterator[FieldSubject]:
    """Yield the fields that hold telemetry: all of a class whose name says so, those whose own name says so elsewhere.

    Constants of a class and names for its users are none.
    """
    program = usage.flow.program
    for cls in program.classes():
        if is_config_class(cls.name) or not _has_fields(program, cls):
            continue  # of settings, that they are read is asked by another rule
        summary = program.class_(cls)
        is_telemetry = names.is_class(cls.name)
        for name, declared in summary.fields.items():
            if (is_telemetry or names.is_field(name)) and _is_value(name, declared):
                yield _subject(program, cls, summary, declared, is_telemetry=is_telemetry)
        for name, place in usage.handling.attributes.get(cls, {}).items():
            if (is_telemetry or names.is_field(name)) and name not in summary.fields and not name.isupper():
                yield FieldSubject(
                    carrier=FieldCarrier(cls, name),
                    place=place,
                    is_record=False,
                    holds_data=is_telemetry and _DOES_SOMETHING.search(cls.name) is None,
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
