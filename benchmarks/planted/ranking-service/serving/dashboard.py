"""A snapshot of the whole service and its plain-text rendering."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from serving.admission import BucketState
from serving.cache import CacheStats
from serving.canary import CanaryVerdict
from serving.engine import EngineCounters
from serving.events import DriftMeasured, ScaleDecided, SloEvaluated
from serving.livestats import LiveView
from serving.periodic import TaskState
from serving.workers import ReplicaState


@dataclass(frozen=True)
class AlertLine:
    name: str
    severity: str
    value: float


@dataclass(frozen=True)
class Snapshot:
    uptime_s: float
    model: str
    model_age_s: float
    reloads: int
    breaker: str
    breaker_opened: int
    live: LiveView
    queue: dict[str, int]
    queue_peak: int
    admission: dict[str, object]
    buckets: list[BucketState]
    caches: dict[str, CacheStats]
    engine: EngineCounters
    replicas: list[ReplicaState]
    scaling: ScaleDecided | None
    canary: CanaryVerdict
    slo: list[SloEvaluated]
    drift: list[DriftMeasured]
    alerts: list[AlertLine]
    fired_total: dict[str, int]
    tasks: list[TaskState]
    events_published: int
    events_written: int
    rows_stored: int
    handler_errors: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items()) or "-"


def render(s: Snapshot) -> str:
    live = s.live
    lines = [
        f"serving  up {s.uptime_s:.1f} s   model {s.model} ({s.model_age_s:.1f} s old, {s.reloads} loads)"
        f"   breaker {s.breaker} (opened {s.breaker_opened}x)",
        f"traffic  {live.requests} requests, {live.rps:.1f}/s, {live.tokens_per_s:.0f} tokens/s, "
        f"errors {live.error_rate:.1%}",
        f"latency  p50 {live.p50_s * 1000:.1f} ms, p95 {live.p95_s * 1000:.1f} ms, queue share {live.queue_share:.0%}",
        f"outcome  {_pairs(live.outcomes)}   refused: {_pairs(live.rejections)}",
        f"tenants  {_pairs(live.tenants)}",
        f"queue    {_pairs(s.queue)}, peak {s.queue_peak}",
        f"admitted {_pairs(s.admission)}",
        f"batches  mean size {live.mean_batch:.2f}, retries {live.retry_rate:.3f} per batch, "
        f"kv reuse {live.kv_reuse:.0%}, feature hits {live.feature_hit_ratio:.0%}",
        f"engine   last tick {s.engine.batches} batches, {s.engine.kernel_s:.3f} s kernel time, {s.engine.errors} errors",
    ]
    for name, stats in s.caches.items():
        lines.append(
            f"cache    {name}: hit ratio {stats.hit_ratio:.1%}, {stats.expired} expired, {stats.evicted} evicted"
        )
    for bucket in s.buckets:
        lines.append(f"limit    {bucket.tenant}: {bucket.tokens:.0f} tokens left, {bucket.denied} denied")
    for replica in s.replicas:
        lines.append(
            f"replica  {replica.name}: {replica.batches} batches, {replica.abandoned} abandoned, "
            f"heartbeat {replica.heartbeat_age_s:.2f} s ago"
        )
    if s.scaling:
        lines.append(
            f"scaling  {s.scaling.current} -> {s.scaling.target} ({s.scaling.reason}), "
            f"utilization {s.scaling.utilization:.0%}, queue {s.scaling.queue_depth}"
        )
    lines.append(
        f"canary   {s.canary.candidate}: {s.canary.samples} samples, diff {s.canary.mean_diff:.4f}, "
        f"agreement {s.canary.agreement:.2f}, errors {s.canary.errors}, {'ok' if s.canary.healthy else 'DIVERGED'}"
    )
    for slo in s.slo:
        lines.append(
            f"slo      {slo.objective}: {slo.good}/{slo.total} good, burn {slo.burn_rate:.2f}, "
            f"budget {slo.budget_left:.0%}"
        )
    for drift in s.drift[:4]:
        lines.append(
            f"drift    {drift.target}: psi {drift.psi:.3f}, shift {drift.mean_shift:+.3f}, {drift.samples} samples"
        )
    for alert in s.alerts:
        lines.append(f"ALERT    [{alert.severity}] {alert.name} at {alert.value:.3f}")
    lines.append(f"fired    {_pairs(s.fired_total)}")
    for task in s.tasks:
        if task.failures:
            lines.append(f"task     {task.name}: {task.failures} failures, last success {task.age_s:.1f} s ago")
    lines.append(
        f"events   {s.events_published} published, {s.events_written} logged, {s.rows_stored} rows stored, "
        f"{s.handler_errors} handler errors"
    )
    return "\n".join(lines)
