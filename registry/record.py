"""Record: one metric's declarative specification."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence

from pydantic import Field, JsonValue, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict
from pydantic_core import InitErrorDetails, PydanticCustomError

from .base import Identifier, Line, Markdown, Part, RecordId, Verbatim
from .conditions import Subject
from .data_parts import FieldSpec, Priority, Purpose, ThresholdDisplay, ThresholdSource, subject_of
from .evidence_parts import Claims, HistoryEntry, Probe, Status, TestReference, Waiver, WiringIssue
from .grades import Grade
from .probe_values import fits_probe
from .ranges import ValueRange
from .threshold_tests import BESIDE_LEVELS, ThresholdTest
from .thresholds import Thresholds
from .value_types import Kind, Shape, ValueType
from .wiring_parts import Consumer, Dependencies, Emitter, SchemaLocation, TransportStage


def _without_default(schema: JsonDict) -> None:
    """The slug's default is the schema's field, which no JSON Schema can say."""
    schema.pop("default", None)


class Record(Part):
    """One metric: what it means, when it is healthy, and the wire from its emitter to its consumers.

    The keys are those of the YAML record. Immutable; equal by content; hashed by ID.
    """

    id: RecordId
    """The ID, TELE-301: prefix and number. The number lies in the category's range."""
    name: Line
    """The metric's name for readers."""
    slug: Identifier = Field(default="", json_schema_extra=_without_default)
    """The metric's name in source and conditions; by default the schema's field or key, as an identifier."""
    category: Line
    """One of the declared categories."""
    priority: Priority
    """How much depends on the metric."""
    purpose: Purpose
    """Why the metric exists."""

    type: ValueType
    """The value's type: int, float, bool, str, deque[float], or a class whose fields are listed."""
    fields: dict[Identifier, FieldSpec] = Field(default_factory=dict)
    """The fields of a structured value."""
    units: Line
    """The unit: count, L2 norm, seconds."""
    range: ValueRange | None = None
    """The numbers that the value (each element of a sequence) can take."""
    range_note: Line | None = None
    """What the interval alone does not say."""
    precision: int | None = Field(default=None, ge=0, le=20)
    """How many decimals are shown."""
    precision_note: Line | None = None
    """What the number of decimals alone does not say."""
    default: JsonValue
    """The value before the first collection; null means not collected."""
    default_note: Markdown | None = None
    """Why this default."""
    meaning: Markdown
    """What the value is, exactly, with its formula."""

    emitter: Emitter
    """Where the value is first computed."""
    transport: tuple[TransportStage, ...] = ()
    """The stages between emitter and schema, in order; left out, the path is found."""
    diagram: Verbatim | None = None
    """The wire drawn in text."""
    schema_: SchemaLocation = Field(alias="schema")
    """The field in which consumers find the value."""
    consumers: tuple[Consumer, ...] = ()
    """What reads the value."""

    thresholds: Thresholds = Field(default_factory=lambda: Thresholds((), Subject(Shape.OPAQUE)))
    """The levels: for each its condition and what it means."""
    threshold_tests: tuple[ThresholdTest, ...] = ()
    """Series of values with the levels expected of them; `verify-wiring` runs them."""
    threshold_note: Markdown | None = None
    """What the levels alone do not say."""
    threshold_display: ThresholdDisplay | None = None
    """How consumers show the levels."""
    threshold_sources: tuple[ThresholdSource, ...] = ()
    """The constants from which the thresholds are taken."""

    tests: tuple[TestReference, ...] = ()
    """The tests that cover the telemetry."""
    manual_verification: tuple[Markdown, ...] = ()
    """Steps by which a person can see it work, in order."""
    probe: Probe | None = None
    """A stimulus whose values must arrive everywhere."""
    dependencies: Dependencies = Dependencies()
    """What the telemetry depends on, and what depends on it."""
    packages: tuple[Line, ...] = ()
    """Installed packages without which the metric cannot exist: torch, textual."""
    requires: Status | None = None
    """How far the record has to be, whatever others need: `verify-wiring` fails while it is less."""
    claims: Claims = Claims()
    """What the author claims about the wiring."""
    wiring_issues: tuple[WiringIssue, ...] = ()
    """Known breaks in the wire."""
    waivers: tuple[Waiver, ...] = ()
    """Findings that are accepted for a time."""
    history: tuple[HistoryEntry, ...] = ()
    """Changes of the record, oldest first."""
    notes: Markdown | None = None
    """Everything else, in Markdown."""

    @model_validator(mode="before")
    @classmethod
    def _slug_from_schema(cls, data: object) -> object:
        if not isinstance(data, Mapping) or data.get("slug") is not None:
            return data
        schema = data.get("schema", data.get("schema_"))
        field, key = (
            schema.get(name) if isinstance(schema, Mapping) else getattr(schema, name, None)
            for name in ("field", "key")
        )
        if not isinstance(field, str):
            return data
        name = key if isinstance(key, str) else field
        slug = name if name.isidentifier() else "_".join(part for part in re.split(r"[\W_]+", name) if part)
        if slug.isidentifier() and not keyword.iskeyword(slug):
            return {**data, "slug": slug}
        return data

    @field_validator("default", mode="before")
    @classmethod
    def _default_fits(cls, default: object, info: ValidationInfo) -> object:
        declared = info.data.get("type")
        if default is None or not isinstance(declared, ValueType):
            return default
        if (
            isinstance(default, str)
            and declared.shape is Shape.SCALAR
            and declared.kind in (Kind.INT, Kind.FLOAT)
        ):
            default = _number(default)
        if not _fits(default, declared):
            raise PydanticCustomError(
                "default",
                "{found} is not of the record's type; expected {expected}",
                {"found": repr(default), "expected": f"{declared}, or null where nothing was collected"},
            )
        return default

    @field_validator("threshold_tests")
    @classmethod
    def _tests_name_levels(
        cls, tests: tuple[ThresholdTest, ...], info: ValidationInfo
    ) -> tuple[ThresholdTest, ...]:
        thresholds = info.data.get("thresholds")
        if not isinstance(thresholds, Thresholds):
            return tests
        known = [*(level.name for level in thresholds), *BESIDE_LEVELS]
        problems: list[InitErrorDetails] = []
        for number, test in enumerate(tests):
            for index, level in enumerate(test.levels):
                if level not in known:
                    problems.append(_unknown_level(level, (number, "levels", index), known))
            if test.window is not None and thresholds.subject.shape is not Shape.SEQUENCE:
                problems.append(_window_of_no_sequence((number, "window"), info.data.get("type")))
        if problems:
            raise ValidationError.from_exception_data("Record", problems)
        return tests

    @field_validator("probe")
    @classmethod
    def _probe_fits(cls, probe: Probe | None, info: ValidationInfo) -> Probe | None:
        declared, within = info.data.get("type"), info.data.get("range")
        if probe is None or not isinstance(declared, ValueType):
            return probe
        problems = [
            _probe_problem(
                ("values", index),
                value,
                f"the record never has the value {json.dumps(value)}",
                f"values of {declared}, in {within or 'any range'}",
            )
            for index, value in enumerate(probe.values)
            if not fits_probe(value, declared, within)
        ]
        driven = {json.dumps(value, sort_keys=True) for value in probe.values}
        problems += [
            _probe_problem(
                ("values",),
                display.value,
                f"{consumer.label} displays {json.dumps(display.value)}, which the probe does not drive",
                "it among `values`",
            )
            for consumer in info.data.get("consumers", ())
            for display in consumer.displays
            if json.dumps(display.value, sort_keys=True) not in driven
        ]
        if problems:
            raise ValidationError.from_exception_data("Record", problems)
        return probe

    @property
    def subject(self) -> Subject:
        """What the record's conditions speak about."""
        return subject_of(self.type, self.fields, self.range, self.slug)

    def grade(self, value: object) -> Grade:
        """The level of a value. See Thresholds: UNCLASSIFIED and NOT_COLLECTED are grades too."""
        return self.thresholds.grade(value)

    def __hash__(self) -> int:
        return hash(self.id)


def _unknown_level(level: str, place: tuple[int | str, ...], known: Sequence[str]) -> InitErrorDetails:
    return {
        "type": PydanticCustomError(
            "threshold_test",
            "{found}; expected {expected}",
            {"found": f"{level!r} is no level of the record", "expected": f"one of {', '.join(known)}"},
        ),
        "loc": place,
        "input": level,
    }


def _probe_problem(
    place: tuple[int | str, ...], value: JsonValue, found: str, expected: str
) -> InitErrorDetails:
    return {
        "type": PydanticCustomError(
            "probe", "{found}; expected {expected}", {"found": found, "expected": expected}
        ),
        "loc": place,
        "input": value,
    }


def _window_of_no_sequence(place: tuple[int | str, ...], declared: object) -> InitErrorDetails:
    return {
        "type": PydanticCustomError(
            "threshold_test",
            "{found}; expected {expected}",
            {
                "found": f"a value of type {declared} has no window",
                "expected": "`window` only for a sequence",
            },
        ),
        "loc": place,
        "input": None,
    }


def _number(text: str) -> object:
    """The number that a text spells, or the text."""
    for reader in (int, float):
        try:
            return reader(text)
        except ValueError:
            continue
    return text


def _fits(default: object, declared: ValueType) -> bool:
    if declared.shape is Shape.SEQUENCE:
        return isinstance(default, list) and all(_is_kind(element, declared.kind) for element in default)
    if declared.shape is Shape.SCALAR:
        return _is_kind(default, declared.kind)
    return True


def _is_kind(value: object, kind: Kind | None) -> bool:
    if kind is Kind.BOOL:
        return isinstance(value, bool)
    if kind is Kind.STR:
        return isinstance(value, str)
    allowed = int if kind is Kind.INT else (int, float)
    return isinstance(value, allowed) and not isinstance(value, bool)
