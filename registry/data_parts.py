"""What a record says about its value: purpose, fields of a structured value, how thresholds are shown."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from .base import Line, Markdown, Part
from .conditions import Domain, Subject
from .ranges import ValueRange
from .value_types import Shape, ValueType


class Priority(StrEnum):
    """How much depends on the metric."""

    CRITICAL = "P0-critical"
    IMPORTANT = "P1-important"
    USEFUL = "P2-useful"
    OPTIONAL = "P3-optional"


class Audience(StrEnum):
    """Who needs the metric."""

    OPERATOR = "operator"
    """watches a training run as it happens"""
    DEVELOPER = "developer"
    """debugs"""
    RESEARCHER = "researcher"
    """analyses"""
    AUTOMATION = "automation"
    """raises alerts, intervenes"""


class Cadence(StrEnum):
    """When the metric is needed."""

    REAL_TIME = "real-time"
    """every batch or epoch"""
    PERIODIC = "periodic"
    """every so many episodes"""
    ON_DEMAND = "on-demand"
    """when something is investigated"""
    POST_HOC = "post-hoc"
    """when a finished run is analysed"""


class Purpose(Part):
    """Why the metric exists."""

    question: Markdown
    """The question that the metric answers."""
    audience: tuple[Audience, ...] = Field(min_length=1)
    """Who needs the answer."""
    cadence: tuple[Cadence, ...] = Field(min_length=1)
    """When the answer is needed."""


class FieldSpec(Part):
    """One field of a structured value."""

    type: ValueType
    """The field's type; int, float, bool and str can be graded."""
    units: Line | None = None
    """The unit of the field."""
    range: ValueRange | None = None
    """The numbers that the field can take."""
    meaning: Markdown | None = None
    """What the field says."""


class DisplayRule(Part):
    """How a consumer shows values beyond a bound. For readers; the levels alone grade."""

    when: Line
    """The bound as the consumer applies it: `>5`."""
    shown: Markdown
    """What appears: red bold reverse."""


class ThresholdDisplay(Part):
    """The display rules of the thresholds."""

    source: Line | None = None
    """Where they come from: a consumer, a file, a specification."""
    rules: tuple[DisplayRule, ...] = Field(min_length=1)
    """The rules, mildest first."""


class ThresholdSource(Part):
    """A named constant in the source from which a threshold is taken."""

    name: Line
    """The constant: TUIThresholds.GRAD_NORM_WARNING."""
    value: float
    """Its value."""
    file: Line | None = None
    """The file that defines it. A hint."""


def subject_of(
    type: ValueType,  # noqa: A002
    fields: Mapping[str, FieldSpec],
    within: ValueRange | None,
    slug: str | None,
) -> Subject:
    """What the conditions of a record with such a value may speak about."""
    aliases = (slug,) if slug else ()
    if type.shape is Shape.SCALAR and type.kind is not None:
        return Subject.scalar(type.kind, within if type.kind.is_number else None, aliases=aliases)
    if type.shape is Shape.SEQUENCE and type.kind is not None:
        return Subject.sequence(type.kind, within if type.kind.is_number else None, aliases=aliases)
    domains = {
        name: Domain(field.type.kind, field.range if field.type.kind.is_number else None)
        for name, field in fields.items()
        if field.type.shape is Shape.SCALAR and field.type.kind is not None
    }
    return Subject.structured(domains) if domains else Subject(Shape.OPAQUE)
