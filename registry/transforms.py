"""Transforms: what a stage makes of the values that it takes, written `sum`, `text`, `* 1000`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from .notation import Notation, NotationError

_EXPECTED = "sum, mean, min, max, first, last, count, text, or a factor such as `* 1000` or `/ 60`"
_FACTOR = re.compile(r"([*/])\s*(\S+)")


class TransformKind(StrEnum):
    """What becomes of a value."""

    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    COUNT = "count"
    """how many values there were"""
    TEXT = "text"
    """a text in which the value stands"""
    SCALE = "scale"
    """the value in another unit"""


@dataclass(frozen=True, slots=True)
class Transform(Notation):
    """What a stage makes of the values that it takes. `factor` is what a value is multiplied by, where it is."""

    text: str
    kind: TransformKind
    factor: float = 1.0

    json_schema: ClassVar[Mapping[str, object]] = {
        "description": _EXPECTED,
        "pattern": r"^\s*(sum|mean|min|max|first|last|count|text|[*/]\s*[0-9.eE+-]+)\s*$",
        "examples": ["sum", "last", "* 1000"],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the name of a transform, or a factor. Raises NotationError."""
        bare = text.strip()
        if bare != TransformKind.SCALE and bare in set(TransformKind):
            return cls(bare, TransformKind(bare))
        match = _FACTOR.fullmatch(bare)
        if match is None:
            raise NotationError(text, f"{text!r} is no transform", expected=_EXPECTED)
        try:
            number = float(match[2])
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or number == 0:
            raise NotationError(
                text,
                f"{match[2]!r} is no factor",
                expected="a finite number other than 0",
                offset=text.find(match[2]),
            )
        return cls(bare, TransformKind.SCALE, number if match[1] == "*" else 1 / number)

    def __str__(self) -> str:
        return self.text
