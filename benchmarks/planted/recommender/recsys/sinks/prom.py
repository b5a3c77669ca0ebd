"""Prometheus exposition."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, start_http_server

from .. import messages as m
from ..config import SinkConfig
from . import Route, Sink, register_sink

_PREFIX = "recsys"

#: (field of the message, metric, help)
STEP_GAUGES: tuple[tuple[str, str, str], ...] = (
    ("step", "train_step", "Last finished step"),
    ("epoch", "train_epoch", "Epoch of the last step"),
    ("loss", "train_loss", "Weighted loss of the last step"),
    ("lr", "learning_rate", "Learning rate of the dense group"),
    ("grad_norm", "grad_norm", "Global gradient norm before clipping"),
    ("clip_scale", "grad_clip_scale", "Scale applied by clipping"),
    ("examples_per_s", "examples_per_second", "Throughput over the rate window"),
    ("queue_depth", "prefetch_depth", "Batches waiting in the prefetch queue"),
)

STEP_COUNTERS: tuple[tuple[str, str, str], ...] = (
    ("examples", "examples", "Examples trained on"),
    ("clipped_total", "grad_clipped", "Steps whose gradient was clipped"),
    ("skipped_total", "steps_skipped", "Steps not applied"),
    ("starvations", "prefetch_starvations", "Times the loop found no batch ready"),
)

STEP_PHASES: tuple[str, ...] = ("data_wait", "forward", "backward", "optim")

INGEST_COUNTERS: tuple[tuple[str, str, str], ...] = (
    ("shards_opened", "shards_opened", "Shards opened"),
    ("shards_failed", "shards_failed", "Shards given up"),
    ("bytes_read", "ingest_bytes", "Decompressed bytes read"),
    ("rows_read", "ingest_rows_read", "Rows read"),
    ("rows_kept", "ingest_rows_kept", "Rows that reached a batch"),
    ("duplicates", "ingest_duplicates", "Rows dropped as duplicates"),
    ("tail_dropped", "ingest_tail_dropped", "Rows dropped in an incomplete last batch"),
)

EVAL_GAUGES: tuple[tuple[str, str, str], ...] = (
    ("examples", "eval_examples", "Rows in the last evaluation"),
    ("auc", "eval_auc", "Area under the ROC curve"),
    ("logloss", "eval_logloss", "Log loss"),
    ("ece", "eval_ece", "Expected calibration error"),
    ("bias", "eval_bias", "Mean prediction minus base rate"),
    ("segments_skipped", "eval_segments_skipped", "Segments too small to be judged"),
    ("duration_s", "eval_seconds", "Duration of the last evaluation"),
)

REFRESH_GAUGES: tuple[tuple[str, str, str], ...] = (
    ("store_size", "feature_store_items", "Items in the feature store"),
    ("oldest_age_s", "feature_store_oldest_seconds", "Age of the oldest row"),
    ("duration_s", "refresh_seconds", "Duration of the last refresh"),
)

EXPORT_GAUGES: tuple[tuple[str, str, str], ...] = (
    ("rows_written", "export_rows", "Rows in the last export"),
    ("rows_dead", "export_rows_dead", "Rows left out of the last export as dead"),
    ("values_clipped", "export_values_clipped", "Values clipped by quantisation"),
    ("quant_rmse", "export_quant_rmse", "Root mean square quantisation error"),
    ("shards", "export_shards", "Shards in the last export"),
    ("bytes_written", "export_bytes", "Size of the last export"),
    ("duration_s", "export_seconds", "Duration of the last export"),
)

BUS_COUNTERS: tuple[tuple[str, str, str], ...] = (
    ("published", "bus_published", "Messages published"),
    ("delivered", "bus_delivered", "Handler calls that succeeded"),
    ("dropped", "bus_dropped", "Messages dropped at a full queue"),
)


class _FromTotal:
    """Feeds a Prometheus counter from a running total kept elsewhere."""

    def __init__(self, counter: Any) -> None:
        self._counter = counter
        self._last: dict[tuple[str, ...], float] = {}

    def set_total(self, total: float, *labels: str) -> None:
        delta = total - self._last.get(labels, 0.0)
        if delta > 0:
            (self._counter.labels(*labels) if labels else self._counter).inc(delta)
        self._last[labels] = total


@register_sink("prometheus")
class PrometheusSink(Sink):
    def __init__(self, cfg: SinkConfig, run_name: str) -> None:
        super().__init__(cfg, run_name)
        self.registry = CollectorRegistry()
        self._simple: dict[str, Gauge] = {}
        self._totals: dict[str, _FromTotal] = {}
        for table in (STEP_GAUGES, EVAL_GAUGES, REFRESH_GAUGES, EXPORT_GAUGES):
            for _, metric, text in table:
                self._simple[metric] = self._gauge(metric, text)
        for table in (STEP_COUNTERS, INGEST_COUNTERS, BUS_COUNTERS):
            for _, metric, text in table:
                self._totals[metric] = self._counter(metric, text)

        self._step_ms = Histogram(
            f"{_PREFIX}_step_milliseconds",
            "Wall time of a step",
            buckets=(5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000),
            registry=self.registry,
        )
        self._phase_ms = self._gauge("step_phase_milliseconds", "Time by phase of the step", "phase")
        self._loss_part = self._gauge("train_loss_part", "Loss by head, unweighted", "head")
        self._malformed = self._counter("ingest_malformed", "Malformed rows by reason", "reason")
        self._rejected = self._counter("ingest_rejected", "Rows refused by filter", "filter")
        self._drop_rate = self._gauge("ingest_drop_rate", "Share of rows dropped")
        self._positive_rate = self._gauge("ingest_positive_rate", "Share of positives in kept rows")
        self._hit_rate = self._gauge("feature_store_hit_rate", "Share of items found in the store")
        self._feature = self._gauge("feature_stat", "Window statistic of a feature", "feature", "stat")
        self._psi = self._gauge("feature_psi", "Population stability index", "feature")
        self._shift = self._gauge("feature_mean_shift", "Mean shift in reference deviations", "feature")
        self._drift_level = self._gauge("feature_drift_level", "0 ok, 1 warn, 2 critical")
        self._table = self._gauge("embedding_stat", "Statistic of an embedding table", "table", "stat")
        self._table_events = Counter(
            f"{_PREFIX}_embedding_events",
            "Lookups, collisions and evictions",
            ["table", "event"],
            registry=self.registry,
        )
        self._grad = self._gauge("grad_group", "Gradient statistic of a group", "group", "stat")
        self._cosine = self._gauge("grad_direction_cosine", "Cosine to the previous head gradient")
        self._update = self._gauge("head_update_ratio", "Relative size of the head update")
        self._health = self._gauge("health_status", "0 ok, 1 warn, 2 critical")
        self._streak = self._gauge("health_critical_streak", "Critical steps in a row")
        self._findings = Counter(
            f"{_PREFIX}_health_findings", "Findings by check", ["check"], registry=self.registry
        )
        self._recall = self._gauge("eval_recall", "Recall at k", "k")
        self._segment = self._gauge("eval_segment", "Metric of a segment", "segment", "stat")
        self._ckpt_bytes = self._gauge("checkpoint_bytes", "Size of the last checkpoint")
        self._ckpt_seconds = self._gauge("checkpoint_seconds", "Duration of the last save")
        self._ckpt_retained = self._gauge("checkpoint_retained", "Checkpoints on disk")
        self._ckpt_saves = Counter(
            f"{_PREFIX}_checkpoint_saves", "Saves by reason", ["reason"], registry=self.registry
        )
        self._ckpt_pruned = Counter(
            f"{_PREFIX}_checkpoint_pruned", "Checkpoints removed", registry=self.registry
        )
        self._ranks = self._gauge("rank_reduced", "Step statistic reduced over ranks", "stat")
        self._skew = self._gauge("rank_skew", "Slowest rank over the median")
        self._world = self._gauge("world_size", "Ranks in the group")
        self._alert = self._gauge("alert_firing", "1 while the alert fires", "rule", "severity")
        self._refresh_rows = Counter(
            f"{_PREFIX}_refresh_rows", "Rows by outcome", ["outcome"], registry=self.registry
        )
        self._exports = Counter(
            f"{_PREFIX}_exports", "Exports by outcome", ["outcome"], registry=self.registry
        )
        self._backlog = self._gauge("bus_backlog", "Messages waiting on the bus")
        self._bus_errors = self._counter("bus_handler_errors", "Failed handler calls", "handler")
        self._phase = Enum(
            f"{_PREFIX}_phase",
            "Phase of the run",
            states=[p.value for p in m.Phase],
            registry=self.registry,
        )
        self._wall = self._gauge("run_wall_seconds", "Wall time of the finished run")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> _FromTotal:
        return _FromTotal(Counter(f"{_PREFIX}_{name}", text, labels, registry=self.registry))

    def start(self) -> None:
        start_http_server(self.cfg.prometheus_port, registry=self.registry)

    def routes(self) -> dict[type, Route]:
        return {
            m.StepReport: self._on_step,
            m.IngestReport: self._on_ingest,
            m.FeatureReport: self._on_features,
            m.DriftReport: self._on_drift,
            m.EmbeddingReport: self._on_embedding,
            m.GradReport: self._on_grad,
            m.HealthReport: self._on_health,
            m.EvalReport: self._on_eval,
            m.CheckpointEvent: self._on_checkpoint,
            m.RankReport: self._on_ranks,
            m.AlertEvent: self._on_alert,
            m.RefreshReport: self._on_refresh,
            m.ExportReport: self._on_export,
            m.BusStats: self._on_bus,
            m.PhaseChange: lambda msg: self._phase.state(msg.phase.value),
            m.RunSummary: lambda msg: self._wall.set(msg.wall_s),
        }

    def _set_gauges(self, table: tuple[tuple[str, str, str], ...], msg: Any) -> None:
        for field, metric, _ in table:
            self._simple[metric].set(getattr(msg, field))

    def _set_totals(self, table: tuple[tuple[str, str, str], ...], msg: Any) -> None:
        for field, metric, _ in table:
            self._totals[metric].set_total(getattr(msg, field))

    def _on_step(self, msg: m.StepReport) -> None:
        self._set_gauges(STEP_GAUGES, msg)
        self._set_totals(STEP_COUNTERS, msg)
        self._step_ms.observe(msg.step_ms)
        for phase in STEP_PHASES:
            self._phase_ms.labels(phase).set(getattr(msg, f"{phase}_ms"))
        for head, value in msg.loss_parts.items():
            self._loss_part.labels(head).set(value)

    def _on_ingest(self, msg: m.IngestReport) -> None:
        self._set_totals(INGEST_COUNTERS, msg)
        for reason, count in msg.malformed.items():
            self._malformed.set_total(count, reason)
        for name, count in msg.rejected.items():
            self._rejected.set_total(count, name)
        self._drop_rate.set(msg.drop_rate)
        self._positive_rate.set(msg.positive_rate)
        self._hit_rate.set(msg.store_hit_rate)

    def _on_features(self, msg: m.FeatureReport) -> None:
        for feature, summary in msg.features.items():
            for stat, value in summary.items():
                self._feature.labels(feature, stat).set(value)

    def _on_drift(self, msg: m.DriftReport) -> None:
        for feature, score in msg.psi.items():
            self._psi.labels(feature).set(score)
        for feature, shift in msg.mean_shift.items():
            self._shift.labels(feature).set(shift)
        self._drift_level.set(msg.severity)

    def _on_embedding(self, msg: m.EmbeddingReport) -> None:
        for table, stats in msg.tables.items():
            for event in ("lookups", "collisions", "evictions"):
                self._table_events.labels(table, event).inc(stats[event])
            for stat in (
                "occupancy",
                "collision_rate",
                "dead_rows",
                "dead_fraction",
                "norm_mean",
                "norm_p99",
                "norm_max",
            ):
                self._table.labels(table, stat).set(stats[stat])

    def _on_grad(self, msg: m.GradReport) -> None:
        for group, stats in msg.groups.items():
            for stat, value in stats._asdict().items():
                self._grad.labels(group, stat).set(value)
        self._cosine.set(msg.direction_cosine)
        self._update.set(msg.update_ratio)

    def _on_health(self, msg: m.HealthReport) -> None:
        self._health.set(msg.status)
        self._streak.set(msg.critical_streak)
        for finding in msg.findings:
            self._findings.labels(finding.check).inc()

    def _on_eval(self, msg: m.EvalReport) -> None:
        self._set_gauges(EVAL_GAUGES, msg)
        for k, value in msg.recall.items():
            self._recall.labels(str(k)).set(value)
        for segment, stats in msg.segments.items():
            for stat, value in stats._asdict().items():
                self._segment.labels(segment, stat).set(value)

    def _on_checkpoint(self, msg: m.CheckpointEvent) -> None:
        self._ckpt_bytes.set(msg.size_bytes)
        self._ckpt_seconds.set(msg.duration_s)
        self._ckpt_retained.set(msg.retained)
        self._ckpt_saves.labels(msg.reason).inc()
        self._ckpt_pruned.inc(msg.pruned)

    def _on_ranks(self, msg: m.RankReport) -> None:
        for stat, value in msg.reduced.items():
            self._ranks.labels(stat).set(value)
        self._skew.set(msg.skew)
        self._world.set(msg.world_size)

    def _on_alert(self, msg: m.AlertEvent) -> None:
        firing = msg.state is m.AlertState.FIRING
        self._alert.labels(msg.rule, msg.severity.name.lower()).set(1 if firing else 0)

    def _on_refresh(self, msg: m.RefreshReport) -> None:
        self._set_gauges(REFRESH_GAUGES, msg)
        for outcome in ("updated", "unchanged", "invalid", "expired"):
            self._refresh_rows.labels(outcome).inc(getattr(msg, outcome))

    def _on_export(self, msg: m.ExportReport) -> None:
        self._exports.labels("accepted" if msg.accepted else msg.refusal).inc()
        if msg.accepted:
            self._set_gauges(EXPORT_GAUGES, msg)

    def _on_bus(self, msg: m.BusStats) -> None:
        self._set_totals(BUS_COUNTERS, msg)
        self._backlog.set(msg.backlog)
        for handler, count in msg.errors.items():
            self._bus_errors.set_total(count, handler)
