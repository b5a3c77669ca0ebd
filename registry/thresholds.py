"""Thresholds: the levels of a record, worst first, and the grade of a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, cast

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from .base import LevelName, Markdown, Part
from .conditions import Condition, ConditionError, PartitionProblem, Subject
from .conditions.condition import merge_cuts
from .conditions.grading import generate, generate_many
from .conditions.grid import HEALTHY, GradedCondition
from .conditions.proof import prove
from .conditions.syntax import parse_expression
from .data_parts import subject_of
from .grades import NOT_COLLECTED, STANDARD_SEVERITIES, UNCLASSIFIED, Grade
from .value_types import ValueType

UNCLASSIFIED_CODE = -1
"""What grade_many() gives for a value in no level."""


@dataclass(frozen=True, slots=True)
class Level(Grade):
    """A declared level: it applies when its condition holds and no worse one does."""

    severity: int
    when: Condition


class LevelSpec(Part):
    """One level as a record writes it."""

    when: str = Field(description="the condition, in the names of the value: 0 < value <= 5", min_length=1)
    means: Markdown = Field(description="what a value in this level says about the run")
    severity: int | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="how bad: healthy is 0, warning 10, critical 20; any other level name declares its own",
    )


class Thresholds:
    """The levels of one record. Immutable.

    `levels` are ordered worst first, which is the order of grading; `cuts` are all constants that the
    conditions compare each name with, ascending. `grade(value)` gives the Level of a value, UNCLASSIFIED for
    a value in no level (and for NaN where only a healthy level would take it), NOT_COLLECTED for None and for
    an empty window; it raises GradingError for a value that has not the declared shape.
    """

    __slots__ = ("_grade_many", "_problems", "cuts", "grade", "levels", "subject")

    levels: tuple[Level, ...]
    subject: Subject
    cuts: Mapping[str, tuple[Fraction | int | float, ...]]
    grade: Callable[[object], Grade]

    def __init__(self, levels: tuple[Level, ...], subject: Subject) -> None:
        self.levels = tuple(sorted(levels, key=lambda level: -level.severity))
        self.subject = subject
        self.cuts = merge_cuts([level.when.constants for level in self.levels], subject)
        self._grade_many: Callable[[object], object] | None = None
        self._problems: tuple[PartitionProblem, ...] | None = None

    def __getattr__(self, name: str) -> Callable[[object], Grade]:
        """Generate `grade` when it is first asked for: not everyone who loads records grades by them."""
        if name != "grade":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        rungs = [(level.when.tree, level, level.severity <= HEALTHY) for level in self.levels]
        grade = generate(rungs, self.subject, otherwise=UNCLASSIFIED, absent=NOT_COLLECTED)
        self.grade = cast(Callable[[object], Grade], grade)
        return self.grade

    def grade_many(self, values: object) -> object:
        """The severities of a whole array, as an array of small integers; -1 (UNCLASSIFIED_CODE) for a value in no
        level.

        `values` is a numpy array or torch tensor, whose elements are each graded alone, or for a structured
        record a mapping (or object) of such arrays. Comparisons happen in the array's own precision: a
        float32 array is compared with the float32 neighbour of a bound. Raises GradingError for conditions
        that see a window.
        """
        if self._grade_many is None:
            rungs = [(level.when.tree, level.severity, level.severity <= HEALTHY) for level in self.levels]
            self._grade_many = generate_many(rungs, self.subject, otherwise=UNCLASSIFIED_CODE)
        return self._grade_many(values)

    def prove(self) -> tuple[PartitionProblem, ...]:
        """Every reason why the levels do not divide the declared domain; empty is the proof that they do."""
        if self._problems is None:
            conditions = [GradedCondition(level.name, level.severity, level.when) for level in self.levels]
            self._problems = prove(conditions, self.subject)
        return self._problems

    def __iter__(self) -> Iterator[Level]:
        return iter(self.levels)

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, name: str) -> Level:
        """The level of that name. Raises KeyError."""
        for level in self.levels:
            if level.name == name:
                return level
        raise KeyError(name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Thresholds):
            return NotImplemented
        return (self.levels, self.subject) == (other.levels, other.subject)

    def __hash__(self) -> int:
        return hash(self.levels)

    def __reduce__(self) -> tuple[type[Thresholds], tuple[tuple[Level, ...], Subject]]:
        return Thresholds, (self.levels, self.subject)

    def __repr__(self) -> str:
        return f"Thresholds({', '.join(f'{level.name}: {level.when.text}' for level in self.levels)})"

    def to_mapping(self) -> dict[str, dict[str, object]]:
        """The levels as a record writes them, mildest first."""
        result: dict[str, dict[str, object]] = {}
        for level in reversed(self.levels):
            written: dict[str, object] = {"when": level.when.text, "means": level.means}
            if STANDARD_SEVERITIES.get(level.name) != level.severity:
                written["severity"] = level.severity
            result[level.name] = written
        return result

    @classmethod
    def _validate(
        cls, value: object, handler: ValidatorFunctionWrapHandler, info: core_schema.ValidationInfo
    ) -> object:
        if isinstance(value, Thresholds):
            return value
        specs = cast(dict[str, LevelSpec], handler(value))
        known = info.data or {}
        declared, fields = known.get("type"), known.get("fields")
        if not isinstance(declared, ValueType) or fields is None:
            _check_syntax(specs)
            return specs  # the record is refused anyway: its type is not known
        return _build(specs, subject_of(declared, fields, known.get("range"), known.get("slug")))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        specs = handler.generate_schema(Annotated[dict[LevelName, LevelSpec], Field(min_length=1)])
        return core_schema.with_info_wrap_validator_function(
            cls._validate,
            specs,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.to_mapping),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema)


def _build(specs: Mapping[str, LevelSpec], subject: Subject) -> Thresholds:
    """The thresholds of validated specs. Raises ValidationError with every bad condition and severity."""
    levels: list[Level] = []
    problems: list[InitErrorDetails] = []
    for name, spec in specs.items():
        severity = STANDARD_SEVERITIES.get(name, spec.severity)
        if severity is None:
            problems.append(
                _problem(
                    (name,),
                    "severity",
                    f"the level {name!r} has no severity",
                    "`severity: N` (warning is 10, critical 20), or one of the names "
                    + ", ".join(STANDARD_SEVERITIES),
                )
            )
        elif spec.severity not in (None, severity):
            problems.append(
                _problem(
                    (name, "severity"),
                    "severity",
                    f"{name} has severity {severity}, not {spec.severity}",
                    "no severity here, or a level of another name",
                )
            )
        try:
            condition = Condition(spec.when, subject)
        except ConditionError as error:
            problems.append(_condition_problem(name, error))
            continue
        if severity is not None:
            levels.append(Level(name, severity, spec.means, condition))
    if problems:
        raise ValidationError.from_exception_data("Thresholds", problems)
    return Thresholds(tuple(levels), subject)


def _check_syntax(specs: Mapping[str, LevelSpec]) -> None:
    problems: list[InitErrorDetails] = []
    for name, spec in specs.items():
        try:
            parse_expression(spec.when)
        except ConditionError as error:
            problems.append(_condition_problem(name, error))
    if problems:
        raise ValidationError.from_exception_data("Thresholds", problems)


def _condition_problem(level: str, error: ConditionError) -> InitErrorDetails:
    return {
        "type": PydanticCustomError(
            "condition",
            "{reason}; {expected}",
            {
                "reason": error.message,
                "expected": error.expected,
                "offset": error.offset,
                "length": error.length,
            },
        ),
        "loc": (level, "when"),
        "input": error.text,
    }


def _problem(loc: tuple[str, ...], kind: str, reason: str, expected: str) -> InitErrorDetails:
    return {
        "type": PydanticCustomError(
            kind, "{reason}; expected {expected}", {"reason": reason, "expected": expected}
        ),
        "loc": loc,
        "input": reason,
    }
