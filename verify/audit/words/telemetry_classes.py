"""Which classes of a program hold telemetry: by their names, by what they derive from, by what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...source import ClassSymbol, Program
from ...source.model import FieldSummary
from ...source.program import ExternalSymbol
from .flags import is_config_class
from .metric_words import are_metrics
from .names import words
from .record_classes import is_record
from .telemetry_names import TelemetryNames

_NUMBERS = re.compile(r"(?:(?:Optional\[)?(?:int|float)\]?|None)(?:\|(?:int|float|None))*")
_FEWEST = 2
"""Measured values that make telemetry of a record."""
_SHARE = 0.4
"""The least share of a record's fields that they are."""
_HAPPENED = frozenset(
    {
        *("rejected", "failed", "finished", "completed", "dropped", "skipped", "retried", "evicted"),
        *("processed", "queued", "running", "waiting", "seen", "sent", "received", "succeeded"),
        *("expired", "cancelled", "truncated", "cached", "generated", "hit", "miss", "eviction"),
        *("retry", "failure", "overflow", "timeouts", "clipped"),
    }
)
"""Words of what is counted as it happens."""
_COUNTED = _HAPPENED | {"token"}
_SETS = frozenset(
    {
        *("max", "min", "limit", "target", "threshold", "timeout", "interval", "every", "weight"),
        *("seed", "learning", "lr", "capacity", "size", "width", "height", "length", "dim"),
        *("default", "warmup", "decay", "scale", "gamma", "number", "num", "no", "id", "index"),
        *("prefetch", "version"),
    }
)
"""Words of what somebody chose, or of which one it is; a `max` may be measured, and says nothing by itself."""
_CHOSEN = re.compile(
    r"\w*(?:Limits?|Spec|Policy|Schedule|Hyper\w*|Constraints?|Bounds|Budget|Thresholds?|Plan)"
)


class TelemetryClasses:
    """Answers whether a class holds or handles telemetry.

    One does that is called so (`*Stats`), that derives from a class of the program that is (`StepCompleted(Event)`),
    and a record most of whose fields are measured: numbers that start with nothing, under names of metrics.
    """

    def __init__(self, program: Program, names: TelemetryNames) -> None:
        self._program = program
        self._names = names
        self._known: dict[ClassSymbol, bool] = {}
        self._measured: dict[ClassSymbol, bool] = {}

    def has(self, cls: ClassSymbol) -> bool:
        """Whether a class holds or handles telemetry."""
        if cls not in self._known:
            self._known[cls] = self._is_one(cls)
        return self._known[cls]

    def _is_one(self, cls: ClassSymbol) -> bool:
        if self._names.is_class(cls.name):
            return True
        if is_config_class(cls.name) or _CHOSEN.fullmatch(cls.name) is not None:
            return False
        if not is_record(self._program, cls):
            return False
        above = (one for one in self._program.mro(cls)[1:] if isinstance(one, ClassSymbol))
        return any(self._names.is_class(one.name) for one in above) or self.holds_measured(cls)

    def holds_measured(self, cls: ClassSymbol) -> bool:
        """Whether most of what a record holds is measured, and nothing in it is chosen."""
        if cls not in self._measured:
            self._measured[cls] = self._is_mostly_measured(cls)
        return self._measured[cls]

    def _is_mostly_measured(self, cls: ClassSymbol) -> bool:
        declared = [one for one in self._fields(cls) if not one.name.startswith("_")]
        numbers = [one for one in declared if _is_number(one)]
        if any(one.default is not None and not _starts_with_nothing(one) for one in numbers):
            return False
        measured = [one for one in numbers if self._is_measured(one.name)]
        return len(measured) >= _FEWEST and len(measured) >= _SHARE * len(declared)

    def _fields(self, cls: ClassSymbol) -> Iterator[FieldSummary]:
        for one in self._program.mro(cls):
            if not isinstance(one, ExternalSymbol):
                yield from self._program.class_(one).fields.values()

    def _is_measured(self, name: str) -> bool:
        said = frozenset(words(name))
        if not _SETS.isdisjoint({*said, *name.split("_")}):
            return False
        return (
            self._names.is_field(name)
            or not _COUNTED.isdisjoint({*said, *name.split("_")})
            or are_metrics([name])
        )


def _is_number(declared: FieldSummary) -> bool:
    return _NUMBERS.fullmatch((declared.annotation or "").replace(" ", "")) is not None


def _starts_with_nothing(declared: FieldSummary) -> bool:
    default = declared.default
    if default is None:
        return False
    if default.factory is not None:
        return True  # made anew for each: the time, say
    if not default.is_literal:
        return default.text.startswith("float(")  # without an end: the best so far
    return default.literal in (0, None) and default.literal is not False


def is_counted(name: str) -> bool:
    """Whether a name is that of what is counted as it happens: `_finished`, `dropped`."""
    return not _HAPPENED.isdisjoint({*words(name), *name.split("_")})
