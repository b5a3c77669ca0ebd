"""Messages that travel over the event bus, and the small vocabularies they use."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, field
from typing import NamedTuple, TypedDict


class Phase(enum.Enum):
    STARTING = "starting"
    TRAINING = "training"
    EVALUATING = "evaluating"
    EXPORTING = "exporting"
    FINISHED = "finished"
    ABORTED = "aborted"
    FAILED = "failed"


class Severity(enum.IntEnum):
    OK = 0
    WARN = 1
    CRITICAL = 2


class AlertState(enum.Enum):
    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class PhaseChange:
    phase: Phase
    step: int
    reason: str = ""
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class StepReport:
    step: int
    epoch: int
    loss: float
    loss_parts: dict[str, float]
    lr: float
    grad_norm: float
    clip_scale: float
    clipped_total: int
    skipped: bool
    skipped_total: int
    examples: int
    examples_per_s: float
    step_ms: float
    data_wait_ms: float
    forward_ms: float
    backward_ms: float
    optim_ms: float
    queue_depth: int
    starvations: int


@dataclass(frozen=True, slots=True)
class IngestReport:
    step: int
    shards_opened: int
    shards_failed: int
    bytes_read: int
    rows_read: int
    rows_kept: int
    duplicates: int
    tail_dropped: int
    malformed: dict[str, int]
    rejected: dict[str, int]
    positive_rate: float
    store_hit_rate: float

    @property
    def dropped(self) -> int:
        return (
            self.duplicates
            + self.tail_dropped
            + sum(self.malformed.values())
            + sum(self.rejected.values())
        )

    @property
    def drop_rate(self) -> float:
        return self.dropped / self.rows_read if self.rows_read else 0.0


class FeatureSummary(TypedDict):
    mean: float
    std: float
    low: float
    high: float
    missing_rate: float
    count: int


@dataclass(frozen=True, slots=True)
class FeatureReport:
    step: int
    features: dict[str, FeatureSummary]


@dataclass(frozen=True, slots=True)
class DriftReport:
    step: int
    psi: dict[str, float]
    mean_shift: dict[str, float]
    drifted: tuple[str, ...]
    missing_alarms: tuple[str, ...]
    severity: Severity

    @property
    def worst(self) -> float:
        return max(self.psi.values(), default=0.0)


class TableStats(TypedDict):
    occupancy: float
    lookups: int
    collisions: int
    collision_rate: float
    evictions: int
    dead_rows: int
    dead_fraction: float
    norm_mean: float
    norm_p99: float
    norm_max: float


@dataclass(frozen=True, slots=True)
class EmbeddingReport:
    step: int
    tables: dict[str, TableStats]


class GroupGrad(NamedTuple):
    norm: float
    max_abs: float
    zero_fraction: float
    nonfinite: int


@dataclass(frozen=True, slots=True)
class GradReport:
    step: int
    groups: dict[str, GroupGrad]
    direction_cosine: float
    update_ratio: float

    @property
    def nonfinite(self) -> int:
        return sum(g.nonfinite for g in self.groups.values())


class Finding(NamedTuple):
    check: str
    severity: Severity
    detail: str
    value: float


@dataclass(frozen=True, slots=True)
class HealthReport:
    step: int
    status: Severity
    findings: tuple[Finding, ...]
    checks_run: int
    critical_streak: int


class SegmentMetrics(NamedTuple):
    examples: int
    auc: float
    recall: float
    bias: float


@dataclass(frozen=True, slots=True)
class EvalReport:
    step: int
    examples: int
    auc: float
    logloss: float
    ece: float
    bias: float
    recall: dict[int, float]
    segments: dict[str, SegmentMetrics]
    segments_skipped: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class CheckpointEvent:
    step: int
    path: str
    reason: str
    size_bytes: int
    duration_s: float
    pruned: int
    retained: int
    best_metric: float | None


@dataclass(frozen=True, slots=True)
class RankReport:
    step: int
    world_size: int
    reduced: dict[str, float]
    skew: float
    slowest_rank: int


@dataclass(frozen=True, slots=True)
class AlertEvent:
    rule: str
    state: AlertState
    severity: Severity
    metric: str
    value: float
    threshold: float
    step: int
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class RefreshReport:
    step: int
    updated: int
    unchanged: int
    invalid: int
    expired: int
    store_size: int
    oldest_age_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class ExportReport:
    step: int
    accepted: bool
    refusal: str
    rows_written: int
    rows_dead: int
    values_clipped: int
    quant_rmse: float
    shards: int
    bytes_written: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class BusStats:
    step: int
    published: int
    delivered: int
    dropped: int
    backlog: int
    errors: dict[str, int]


@dataclass(frozen=True, slots=True)
class RunSummary:
    phase: Phase
    steps: int
    examples: int
    skipped: int
    wall_s: float
    final_loss: float
    best_metric: float | None
    reason: str


ALL_MESSAGES: dict[str, type] = {
    "phase": PhaseChange,
    "step": StepReport,
    "ingest": IngestReport,
    "features": FeatureReport,
    "drift": DriftReport,
    "embedding": EmbeddingReport,
    "grad": GradReport,
    "health": HealthReport,
    "eval": EvalReport,
    "checkpoint": CheckpointEvent,
    "ranks": RankReport,
    "alert": AlertEvent,
    "refresh": RefreshReport,
    "export": ExportReport,
    "bus": BusStats,
    "summary": RunSummary,
}
