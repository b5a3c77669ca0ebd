"""Which values a probe can drive a metric with."""

from __future__ import annotations

import math
from fractions import Fraction

from pydantic import JsonValue

from .ranges import ValueRange
from .value_types import Kind, Shape, ValueType


def fits_probe(value: JsonValue, declared: ValueType, within: ValueRange | None) -> bool:
    """Whether a metric can have a value: of its kind and, where it is a finite number, in its range.

    Of a sequence it is an element; a structured value is a mapping of some of its fields; of other types nothing is
    known.
    """
    if declared.shape is Shape.STRUCTURED:
        return isinstance(value, dict) and bool(value)
    if declared.shape is Shape.OPAQUE or declared.kind is None:
        return True
    if value is None:
        return declared.is_optional
    if declared.kind is Kind.BOOL:
        return isinstance(value, bool)
    if declared.kind is Kind.STR:
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(value, float) and declared.kind is Kind.INT:
        return False
    return within is None or not math.isfinite(value) or within.contains(Fraction(value))
