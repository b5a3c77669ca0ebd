"""Grading every update: a hub backend that asks each record what the newest snapshot means."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass

from ...registry import Grade, shipped_registry, worst_grade
from ..payloads import LSTMHealthMetrics, PPOUpdatePayload, TelemetryEvent
from ..sanctum.aggregator import SanctumAggregator
from ..sanctum.schema import TamiyoState

NAN_GRAD_COUNT = "TELE-300"
INF_GRAD_COUNT = "TELE-301"
GRAD_NORM = "TELE-310"
GRAD_NORM_HISTORY = "TELE-311"
LSTM_HEALTH = "TELE-340"

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
        return next(grade.value for grade in self.grades if grade.record_id == GRAD_NORM)

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
    """Grade everything that has a record, in the order of the records."""
    registry = shipped_registry()
    norm_history = tamiyo.grad_norm_history
    return (
        RecordGrade(
            NAN_GRAD_COUNT,
            registry[NAN_GRAD_COUNT].slug,
            str(tamiyo.nan_grad_count),
            registry[NAN_GRAD_COUNT].grade(tamiyo.nan_grad_count),
        ),
        RecordGrade(
            INF_GRAD_COUNT,
            registry[INF_GRAD_COUNT].slug,
            str(tamiyo.inf_grad_count),
            registry[INF_GRAD_COUNT].grade(tamiyo.inf_grad_count),
        ),
        RecordGrade(
            GRAD_NORM,
            registry[GRAD_NORM].slug,
            _number(tamiyo.grad_norm),
            registry[GRAD_NORM].grade(tamiyo.grad_norm),
        ),
        RecordGrade(
            GRAD_NORM_HISTORY,
            registry[GRAD_NORM_HISTORY].slug,
            _number(norm_history[-1] if norm_history else None),
            registry[GRAD_NORM_HISTORY].grade(norm_history),
        ),
        RecordGrade(
            LSTM_HEALTH,
            registry[LSTM_HEALTH].slug,
            _lstm(tamiyo.lstm_health),
            registry[LSTM_HEALTH].grade(tamiyo.lstm_health),
        ),
    )


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


def _number(value: float | None) -> str:
    return "not collected" if value is None else f"{value:.4g}"


def _lstm(health: LSTMHealthMetrics | None) -> str:
    if health is None:
        return "not collected"
    flags = (" NaN" if health.has_nan else "") + (" Inf" if health.has_inf else "")
    return f"h {health.h_norm:.3g} c {health.c_norm:.3g}{flags}"
