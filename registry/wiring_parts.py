"""What a record says about its wire: emitter, transport, schema field, consumers, dependencies."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from .base import RECORD_ID, FieldName, Identifier, Line, LineHint, Markdown, Part, Verbatim
from .carriers import Carrier, CarrierKind
from .symbols import Symbol
from .transforms import Transform

StageName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9 _-]*$")]
"""The name of a stage in lower case: collection, aggregation, emission, delivery."""


class Emitter(Part):
    """Where the value is first computed."""

    at: Symbol
    """The function, method or class that computes it."""
    carries: Carrier
    """The carrier in which it leaves the emitter."""
    reads: Carrier | None = None
    """The carrier from which the emitter takes it, if it does not compute it from outside the program."""
    origin: Markdown | None = None
    """What the emitter observes, and when, in words."""
    file: Line | None = None
    """The file. A hint: the emitter is found by `at`."""
    lines: LineHint | None = None
    """The lines. A hint."""
    snippet: Verbatim | None = None
    """The source that computes the value, for readers."""
    note: Markdown | None = None
    """How it is computed, beyond the snippet."""


class TransportStage(Part):
    """One stage between emitter and schema."""

    stage: StageName
    """What happens here: aggregation, emission, delivery."""
    at: Symbol
    """The function or method that does it."""
    carries: Carrier
    """The carrier in which the value leaves the stage."""
    reads: Carrier | None = None
    """The carrier from which the stage takes it; by default what the previous stage carries."""
    transform: Transform | None = None
    """What the stage makes of what it takes: sum, mean, min, max, first, last, count, text, or a factor (`* 1000`);
    by default it carries the same value on. A probe checks it by arithmetic."""
    mechanism: Markdown | None = None
    """How the value is moved, in words."""
    file: Line | None = None
    """The file. A hint."""


class SchemaLocation(Part):
    """The field in which consumers find the value."""

    at: Symbol
    """The class that declares the field."""
    field: FieldName
    """The field's name, or that of a family of fields: head_*_entropy."""
    key: Line | None = None
    """The key under which the field, a mapping, holds the value: train/approx_kl."""
    path: Line
    """How a consumer reaches it from the snapshot: snapshot.tamiyo.inf_grad_count."""
    file: Line | None = None
    """The file. A hint."""
    line: LineHint | None = None
    """The line. A hint."""
    definition: Verbatim | None = None
    """The field's definition, for readers."""
    integration: Markdown | None = None
    """How the value is integrated where it is more than a field: AnomalyDetector + AnomalyReport."""
    anomaly_types: tuple[Identifier, ...] = ()
    """The anomalies that are reported from the value."""
    escalation: Markdown | None = None
    """What an anomaly of the value sets off."""

    @property
    def carrier(self) -> Carrier:
        """The field, or its key, as a carrier."""
        kind = CarrierKind.FIELD if self.key is None else CarrierKind.FIELD_KEY
        return Carrier(kind, self.at.module, self.at.parts, member=self.field, key=self.key)

    @property
    def shown(self) -> str:
        """The same for readers, without the module."""
        return f"{self.at.name}.{self.field}" + ("" if self.key is None else f'["{self.key}"]')


class ConsumerKind(StrEnum):
    """What a consumer is."""

    DISPLAY = "display"
    EVENT = "event"
    LOG = "log"
    INTERNAL = "internal"
    AUTOMATION = "automation"
    ANALYTICS = "analytics"
    EXPORT = "export"


class Display(Part):
    """What a consumer shows of one value."""

    value: JsonValue
    """The value: one of the probe's."""
    text: Line | None = None
    """The text that stands on the consumer then."""
    absent: Line | None = None
    """A text that does not stand there then."""
    style: Line | None = None
    """What holds for each part of the text, in words of rich: `red bold reverse`, `white on red`."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and self.absent is None:
            raise PydanticCustomError("display", "a display says nothing; expected `text` or `absent`")
        if self.style is not None and self.text is None:
            raise PydanticCustomError("display", "a `style` without a `text` is the style of nothing")
        return self


class Consumer(Part):
    """Something that reads the value."""

    at: Symbol | None = None
    """The class or function that reads it; left out for a consumer outside Python, which has a `file`."""
    name: Line | None = None
    """The name for readers; by default the last part of `at`, or the file's stem."""
    kind: ConsumerKind
    """What the consumer is."""
    usage: Markdown
    """What the consumer does with the value."""
    applies_thresholds: bool = False
    """Whether the consumer grades the value."""
    reads: Carrier | None = None
    """The carrier that it reads; by default the schema's field."""
    shows: Line | None = None
    """What appears on the screen: NaN:{count}."""
    displays: tuple[Display, ...] = ()
    """What it shows of single values of the probe, to be found on it when the probe drives them."""
    file: Line | None = None
    """The file: a hint for Python, the place itself otherwise."""

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.at is None and self.file is None:
            raise PydanticCustomError(
                "invalid", "a consumer without a place; expected {expected}", {"expected": "`at` or `file`"}
            )
        return self

    @property
    def label(self) -> str:
        """The consumer's name for readers."""
        if self.name is not None:
            return self.name
        return self.at.name if self.at is not None else PurePosixPath(self.file or "").stem


class DependencyType(StrEnum):
    """What kind of thing a record depends on, or serves."""

    TELEMETRY = "telemetry"
    EVENT = "event"
    CONFIG = "config"
    SYSTEM = "system"
    OPERATION = "operation"
    COMPUTATION = "computation"
    TENSOR = "tensor"
    DISPLAY = "display"
    AUTOMATION = "automation"
    ANALYTICS = "analytics"
    OUTPUT = "output"


class Dependency(Part):
    """Something that this telemetry depends on (upstream), or that depends on it (downstream)."""

    on: Line
    """A record's ID, or anything else in words."""
    type: DependencyType
    """What kind of thing it is."""
    notes: Markdown | None = None
    """What is needed of it, or what it does with the value."""

    @property
    def record_id(self) -> str | None:
        """The record that is meant, where `on` is an ID."""
        return self.on if re.match(RECORD_ID, self.on) else None


class Dependencies(Part):
    """What the telemetry depends on, and what depends on it."""

    upstream: tuple[Dependency, ...] = Field(default=())
    """This telemetry depends on these."""
    downstream: tuple[Dependency, ...] = Field(default=())
    """These depend on this telemetry."""
