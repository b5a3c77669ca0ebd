"""Unit tests of thresholds: a series of values, and the level that each is expected to be in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from .base import Line, Part
from .conditions import GradingError
from .grades import NOT_COLLECTED, UNCLASSIFIED
from .thresholds import Thresholds
from .value_types import Shape

CORRECT_EITHER = "correct the condition of the level, or what the test expects"
"""What to do about a test that fails."""

BESIDE_LEVELS = (NOT_COLLECTED.name, UNCLASSIFIED.name)
"""What a test can expect although no record declares it."""


class ThresholdTest(Part):
    """A series of values and the levels expected of them, one for each value.

    Each value is graded alone. Of a sequence the values are its elements: each is appended to the window, and the
    window is graded. Of a structured value each is a mapping of the fields that the conditions read.
    """

    name: Line | None = None
    """What the series shows: a few overflowed elements are a warning."""
    values: tuple[JsonValue, ...] = Field(min_length=1)
    """The values, the oldest first; null is a value that was not collected."""
    levels: tuple[Line, ...] = Field(min_length=1)
    """The expected level of each value: a declared one, `not collected` or `unclassified`."""
    window: int | None = Field(default=None, ge=1)
    """Of a sequence: how many elements the window keeps; by default all."""

    @model_validator(mode="after")
    def _are_as_many(self) -> ThresholdTest:
        if len(self.values) != len(self.levels):
            raise PydanticCustomError(
                "threshold_test",
                "{found}; expected {expected}",
                {
                    "found": f"{len(self.values)} values and {len(self.levels)} levels",
                    "expected": "one level for each value",
                },
            )
        return self


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A value of a threshold test whose grade is not the expected one.

    `index` counts the values from 0. `found` is the name of its grade, or None where it could not be graded, for
    which `reason` is given.
    """

    index: int
    value: JsonValue
    expected: str
    found: str | None
    reason: str = ""

    @property
    def message(self) -> str:
        """What was expected of which value, and what it is."""
        if self.found is None:
            return f"{_shown(self.value)} cannot be graded, the test expects {self.expected}: {self.reason}"
        return f"{_shown(self.value)} is {self.found}, the test expects {self.expected}"


def disagreements(test: ThresholdTest, thresholds: Thresholds) -> Iterator[Disagreement]:
    """Grade the series; yield each value that is not graded as expected."""
    is_window = thresholds.subject.shape is Shape.SEQUENCE
    seen: list[JsonValue] = []
    for index, (value, expected) in enumerate(zip(test.values, test.levels, strict=True)):
        seen.append(value)
        if test.window is not None:
            del seen[: -test.window]
        try:
            found = thresholds.grade(tuple(seen) if is_window else value).name
        except GradingError as error:
            yield Disagreement(index, value, expected, None, str(error))
            continue
        if found != expected:
            yield Disagreement(index, value, expected, found)


def _shown(value: JsonValue) -> str:
    """The value in short, as the record's conditions speak of it."""
    if value is None:
        return "a value that was not collected"
    if isinstance(value, dict):
        return ", ".join(f"`{name} = {part}`" for name, part in value.items())
    return f"`value = {value!r}`"
