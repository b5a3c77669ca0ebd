"""Grading every update: a hub backend that asks each record what the newest snapshot means."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from ...registry import Grade, Record, shipped_registry, worst_grade
from .. import record_ids as ids
from ..payloads import (
    GradientDrift,
    HeadEntropy,
    LayerGradientStats,
    LSTMHealthMetrics,
    PerformanceTrend,
    PPOUpdatePayload,
    RatioExtremes,
    TelemetryEvent,
    ValueHealth,
)
from ..sanctum.aggregator import SanctumAggregator
from ..sanctum.schema import TamiyoState

_KEPT_UPDATES = 1024


class StaleSnapshotError(RuntimeError):
    """The aggregator does not hold the update to be graded: it failed on it, or was added too late."""


@dataclass(frozen=True, slots=True)
class RecordGrade:
    """One record's value at one update."""

    record_id: str
    slug: str
    value: str
    """As it is shown."""
    level: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedUpdate:
    """One update, graded by every record."""

    update: int
    episodes: int
    mean_return: float | None
    grades: tuple[RecordGrade, ...]

    @property
    def grad_norm(self) -> str:
        """The gradient norm as it is shown."""
        return next(grade.value for grade in self.grades if grade.record_id == ids.GRAD_NORM)

    @property
    def worst(self) -> Grade:
        """The worst of the grades."""
        return worst_grade(grade.level for grade in self.grades)


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeTally:
    """How often each record was graded what."""

    updates: int
    """Updates graded."""
    newest: GradedUpdate | None
    """The newest of them; None before the first."""
    counts: dict[str, dict[str, int]]
    """Record ID to level name to number of updates."""


def grade_state(tamiyo: TamiyoState) -> tuple[RecordGrade, ...]:
    """Grade everything of the state that has a record, in the order of the records.

    The field is the record's own schema field, so that a new record is graded without a line here. A family of
    fields (`head_*_entropy`) has the grade of its worst member.
    """
    return tuple(
        _grade_record(record, tamiyo)
        for record in shipped_registry()
        if record.schema_.at.name == TamiyoState.__name__
    )


def _grade_record(record: Record, tamiyo: TamiyoState) -> RecordGrade:
    names = [field.name for field in fields(tamiyo) if fnmatchcase(field.name, record.schema_.field)]
    values = [getattr(tamiyo, name) for name in names]
    shown = ", ".join(dict.fromkeys(_shown(value) for value in values))
    return RecordGrade(record.id, record.slug, shown, worst_grade(record.grade(value) for value in values))


class GradingBackend:
    """Grades each PPO update on the hub's thread, so that training does not wait for it.

    Add it to the hub *after* the aggregator: the hub offers each event to its backends in that order.
    """

    name: str = "grading"

    def __init__(self, aggregator: SanctumAggregator) -> None:
        self._aggregator = aggregator
        self._lock = threading.Lock()
        # Bounded, for a run whose display never takes any.
        self._waiting: deque[GradedUpdate] = deque(maxlen=_KEPT_UPDATES)
        self._newest: GradedUpdate | None = None
        self._updates = 0
        self._counts: dict[str, Counter[str]] = {}

    def handle(self, event: TelemetryEvent) -> None:
        """Grade a PPO update; other events have no grade.

        Raises:
            StaleSnapshotError: the aggregator does not hold this update.
        """
        payload = event.payload
        if not isinstance(payload, PPOUpdatePayload):
            return
        tamiyo = self._aggregator.get_snapshot().tamiyo
        if tamiyo.update != payload.update:
            raise StaleSnapshotError(
                f"update {payload.update} is to be graded, the snapshot holds {tamiyo.update}"
            )
        graded = GradedUpdate(
            update=payload.update,
            episodes=payload.episodes,
            mean_return=payload.mean_return,
            grades=grade_state(tamiyo),
        )
        with self._lock:
            self._updates += 1
            self._newest = graded
            self._waiting.append(graded)
            for grade in graded.grades:
                self._counts.setdefault(grade.record_id, Counter())[grade.level.name] += 1

    def take(self) -> list[GradedUpdate]:
        """The updates graded since the last call, oldest first."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
        return taken

    def tally(self) -> GradeTally:
        """What all updates together were graded."""
        with self._lock:
            return GradeTally(
                updates=self._updates,
                newest=self._newest,
                counts={record_id: dict(counted) for record_id, counted in self._counts.items()},
            )


def _shown(value: object) -> str:
    """A value as a line or a table shows it: of a history the newest element, of a structure what tells most."""
    if isinstance(value, LSTMHealthMetrics):
        flags = (" NaN" if value.has_nan else "") + (" Inf" if value.has_inf else "")
        return f"h {value.h_norm:.3g} c {value.c_norm:.3g}{flags}"
    if isinstance(value, LayerGradientStats):
        return value.layer_name
    if isinstance(value, GradientDrift):
        return _shown(value.norm_drift)
    if isinstance(value, HeadEntropy):
        return _shown(value.entropy)
    if isinstance(value, RatioExtremes):
        return f"{value.min:.3g} to {value.max:.3g}"
    if isinstance(value, ValueHealth):
        return _shown(value.explained_variance)
    if isinstance(value, PerformanceTrend):
        return _shown(value.mean_return)
    if isinstance(value, deque):
        return _shown(value[-1] if value else None)
    if isinstance(value, float):
        return f"{value:.4g}"
    return "not collected" if value is None else str(value)
