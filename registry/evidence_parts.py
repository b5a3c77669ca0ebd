"""What a record says about proof: tests, manual steps, probe, claims, known issues, waivers, history."""

from __future__ import annotations

import datetime
import json
from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from .base import Line, Markdown, Part, Verbatim
from .symbols import Symbol


class Status(StrEnum):
    """How far a record is proved. Derived from evidence; a record can only claim it."""

    PLANNED = "planned"
    IN_PROGRESS = "in-progress"
    WIRED = "wired"
    TESTED = "tested"
    VERIFIED = "verified"


class TestKind(StrEnum):
    """What kind of test it is."""

    __test__ = False  # not a test class of pytest's

    UNIT = "unit"
    INTEGRATION = "integration"
    WIDGET = "widget"
    VISUAL = "visual"
    PROPERTY = "property"
    MANUAL = "manual"


class TestReference(Part):
    """A test that covers the telemetry."""

    __test__ = False  # not a test class of pytest's

    kind: TestKind
    """What kind of test it is."""
    subject: Line | None = None
    """Which part is tested: collector, aggregator, end-to-end."""
    file: Line | None = None
    """The test's file, from the repository's root."""
    name: Line | None = None
    """The test function or class."""
    at: Symbol | None = None
    """The symbol under test."""
    claimed: bool | None = None
    """Whether the author ticked it as passing; None where the box does not apply."""
    note: Markdown | None = None
    """What else there is to know."""


class Probe(Part):
    """A stimulus whose values must arrive at every carrier and consumer."""

    drive: Symbol
    """The function that drives the emitter with one value, or a fixture that is such a function."""
    values: tuple[JsonValue, ...] = Field(min_length=2)
    """The values to drive it with: at least two different ones, since a constant passes any one."""
    tolerance: float = Field(default=1e-6, ge=0, lt=0.5)
    """By how much a float may differ from the value, relative to it; whole numbers do not differ."""
    sentinel: bool = True
    """Whether a number that no other record has is driven too; it shows where wires are crossed."""

    @property
    def tolerance_is_said(self) -> bool:
        """Whether the record says the tolerance itself."""
        return "tolerance" in self.model_fields_set

    @field_validator("values")
    @classmethod
    def _are_different(cls, values: tuple[JsonValue, ...]) -> tuple[JsonValue, ...]:
        texts = [json.dumps(value, sort_keys=True) for value in values]
        twice = next((text for text in texts if texts.count(text) > 1), None)
        if twice is not None:
            raise PydanticCustomError(
                "probe_values",
                "{found} is there twice; expected different values",
                {"found": twice},
            )
        return values


class ChecklistItem(Part):
    """One line of the wiring checklist, as the author filled it in."""

    item: Line
    """What is checked: Emitter exists."""
    checked: bool
    """Whether the author ticked it."""
    note: Markdown | None = None
    """The author's reason."""


class Claims(Part):
    """What the author claims. Compared with the evidence, never believed."""

    status: tuple[Status, ...] = ()
    """The ticked status boxes."""
    checklist: tuple[ChecklistItem, ...] = ()
    """The wiring checklist."""


class WiringIssue(Part):
    """A known break in the wire."""

    title: Line
    """The issue in one line."""
    severity: Line | None = None
    """How bad it is: critical."""
    location: Line | None = None
    """Where: a file with lines."""
    function: Line | None = None
    """The function that is at fault."""
    issue: Markdown
    """What is wrong."""
    current_code: Verbatim | None = None
    """The source as it is."""
    expected: Markdown | None = None
    """The source as it should be."""
    resolved: bool = False
    """Whether it has been repaired."""


class Waiver(Part):
    """A finding that is accepted for a reason, for a time."""

    rule: Annotated[str, StringConstraints(pattern=r"^TW[0-9]{3}$")]
    """The code of the rule."""
    reason: Markdown
    """Why the finding is accepted."""
    expires: datetime.date
    """The day from which it is a finding again."""
    subject: Line | None = None
    """The carrier, symbol or stage it applies to; by default the whole record."""


class HistoryEntry(Part):
    """One change of the record."""

    date: datetime.date
    """The day."""
    author: Line
    """Who made it, or in which course of work."""
    change: Markdown
    """What changed."""
