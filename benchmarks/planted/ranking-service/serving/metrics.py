"""Prometheus metrics and the recorder that fills them from events."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from serving.events import (
    AlertChanged,
    BatchExecuted,
    BreakerChanged,
    DriftMeasured,
    ModelReloaded,
    ModelReloadFailed,
    OfflineChunkScored,
    RequestFinished,
    RequestReceived,
    RequestRejected,
    ScaleDecided,
    ShadowCompared,
    SloEvaluated,
    WarmupFinished,
    handles,
)

LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SIZE_BUCKETS = (1, 2, 4, 8, 16, 32)
BREAKER_LEVEL = {"closed": 0, "half_open": 1, "open": 2}


class Metrics:
    """All Prometheus instruments of the service, on a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        r = self.registry
        self.requests = Counter("serving_requests", "Requests received", ["tenant", "priority"], registry=r)
        self.request_tokens = Histogram(
            "serving_request_tokens", "Prompt tokens per request", buckets=(16, 32, 64, 128, 256, 512), registry=r
        )
        self.request_candidates = Histogram(
            "serving_request_candidates", "Candidates per request", buckets=SIZE_BUCKETS, registry=r
        )
        self.responses = Counter("serving_responses", "Responses sent", ["outcome", "model_version"], registry=r)
        self.rejections = Counter("serving_rejections", "Requests refused", ["tenant", "reason"], registry=r)
        self.latency = Histogram(
            "serving_latency_seconds", "End-to-end latency", ["outcome"], buckets=LATENCY_BUCKETS, registry=r
        )
        self.stage = Histogram(
            "serving_stage_seconds", "Time per stage", ["stage"], buckets=LATENCY_BUCKETS, registry=r
        )
        self.tokens = Counter("serving_tokens", "Tokens processed", ["direction"], registry=r)
        self.inflight = Gauge("serving_inflight", "Requests in flight", registry=r)
        self.batch_size = Histogram("serving_batch_size", "Requests per batch", buckets=SIZE_BUCKETS, registry=r)
        self.batch_padding = Histogram(
            "serving_batch_padding_ratio", "Padding share of a batch", buckets=(0.05, 0.1, 0.2, 0.4, 0.6), registry=r
        )
        self.batch_seconds = Histogram(
            "serving_batch_seconds", "Engine time per batch", ["model_version"], buckets=LATENCY_BUCKETS, registry=r
        )
        self.batch_retries = Counter("serving_batch_retries", "Engine retries", ["replica"], registry=r)
        self.batch_failures = Counter("serving_batch_failures", "Batches given up", ["replica"], registry=r)
        self.batch_triggers = Counter("serving_batch_triggers", "Why batches closed", ["trigger"], registry=r)
        self.queue_depth = Gauge("serving_queue_depth", "Queued requests", ["priority"], registry=r)
        self.queue_high_water = Gauge("serving_queue_high_water", "Peak depth since last tick", registry=r)
        self.queue_expired = Counter("serving_queue_expired", "Requests expired in queue", ["priority"], registry=r)
        self.cache_lookups = Counter("serving_cache_lookups", "Cache lookups", ["cache", "result"], registry=r)
        self.cache_evictions = Counter("serving_cache_evictions", "Cache evictions", ["cache", "cause"], registry=r)
        self.cache_entries = Gauge("serving_cache_entries", "Live cache entries", ["cache"], registry=r)
        self.rate_tokens = Gauge("serving_rate_tokens", "Rate limiter tokens left", ["tenant"], registry=r)
        self.breaker_state = Gauge("serving_breaker_state", "0 closed, 1 half open, 2 open", registry=r)
        self.breaker_transitions = Counter("serving_breaker_transitions", "Breaker changes", ["to"], registry=r)
        self.model_info = Info("serving_model", "Active model", registry=r)
        self.model_loads = Counter("serving_model_loads", "Model loads", ["result", "trigger"], registry=r)
        self.model_load_seconds = Gauge("serving_model_load_seconds", "Duration of the last load", registry=r)
        self.warmup_seconds = Gauge("serving_warmup_seconds", "Duration of the last warm-up", ["version"], registry=r)
        self.shadow_diff = Histogram(
            "serving_shadow_diff", "Mean score difference", buckets=(0.01, 0.05, 0.1, 0.25, 0.5), registry=r
        )
        self.shadow_agreement = Gauge("serving_shadow_agreement", "Rank agreement", ["candidate"], registry=r)
        self.shadow_dropped = Counter("serving_shadow_dropped", "Shadow runs skipped", registry=r)
        self.drift_psi = Gauge("serving_drift_psi", "Population stability index", ["target"], registry=r)
        self.burn_rate = Gauge("serving_slo_burn_rate", "Error budget burn rate", ["objective"], registry=r)
        self.budget_left = Gauge("serving_slo_budget_left", "Error budget left", ["objective"], registry=r)
        self.replicas = Gauge("serving_replicas", "Replica counts", ["state"], registry=r)
        self.utilization = Gauge("serving_utilization", "Busy share of replicas", registry=r)
        self.scale_decisions = Counter("serving_scale_decisions", "Scaling decisions", ["reason"], registry=r)
        self.alerts_active = Gauge("serving_alerts_active", "Alerts firing", ["severity"], registry=r)
        self.task_seconds = Histogram(
            "serving_task_seconds", "Periodic task duration", ["task"], buckets=LATENCY_BUCKETS, registry=r
        )
        self.task_failures = Counter("serving_task_failures", "Periodic task failures", ["task"], registry=r)
        self.offline_rows = Counter("serving_offline_rows", "Rows scored offline", ["result"], registry=r)
        self.offline_seconds = Counter("serving_offline_seconds", "Time spent scoring offline", registry=r)
        self.events_dropped = Counter("serving_events_dropped", "Events not written to JSONL", registry=r)

    @contextmanager
    def track_inflight(self) -> Iterator[None]:
        self.inflight.inc()
        try:
            yield
        finally:
            self.inflight.dec()


class PrometheusRecorder:
    """Translates events into Prometheus samples."""

    def __init__(self, metrics: Metrics) -> None:
        self._m = metrics

    @handles(RequestReceived)
    def on_received(self, event: RequestReceived) -> None:
        self._m.requests.labels(tenant=event.tenant, priority=event.priority).inc()
        self._m.request_tokens.observe(event.prompt_tokens)
        self._m.request_candidates.observe(event.candidates)

    @handles(RequestRejected)
    def on_rejected(self, event: RequestRejected) -> None:
        self._m.rejections.labels(tenant=event.tenant, reason=event.reason).inc()

    @handles(RequestFinished)
    def on_finished(self, event: RequestFinished) -> None:
        self._m.responses.labels(outcome=event.outcome, model_version=event.model_version).inc()
        self._m.latency.labels(outcome=event.outcome).observe(event.latency_s)
        if event.outcome != "ok":
            return
        self._m.stage.labels(stage="queue").observe(event.queue_s)
        self._m.stage.labels(stage="batch_wait").observe(event.batch_wait_s)
        self._m.stage.labels(stage="inference").observe(event.inference_s)
        self._m.tokens.labels(direction="in").inc(event.tokens_in)
        self._m.tokens.labels(direction="out").inc(event.tokens_out)
        self._m.tokens.labels(direction="reused").inc(event.reused_tokens)

    @handles(BatchExecuted)
    def on_batch(self, event: BatchExecuted) -> None:
        self._m.batch_triggers.labels(trigger=event.trigger).inc()
        self._m.batch_retries.labels(replica=event.replica).inc(event.retries)
        if event.failed:
            self._m.batch_failures.labels(replica=event.replica).inc()
            return
        self._m.batch_size.observe(event.size)
        self._m.batch_seconds.labels(model_version=event.model_version).observe(event.duration_s)
        if event.padded_tokens:
            self._m.batch_padding.observe(1.0 - event.real_tokens / event.padded_tokens)

    @handles(BreakerChanged)
    def on_breaker(self, event: BreakerChanged) -> None:
        self._m.breaker_state.set(BREAKER_LEVEL[event.new])
        self._m.breaker_transitions.labels(to=event.new).inc()

    @handles(ModelReloaded)
    def on_reload(self, event: ModelReloaded) -> None:
        self._m.model_info.info({"version": event.new_version, "previous": event.old_version})
        self._m.model_loads.labels(result="ok", trigger=event.trigger).inc()
        self._m.model_load_seconds.set(event.load_s)

    @handles(ModelReloadFailed)
    def on_reload_failed(self, event: ModelReloadFailed) -> None:
        self._m.model_loads.labels(result="failed", trigger=event.trigger).inc()

    @handles(WarmupFinished)
    def on_warmup(self, event: WarmupFinished) -> None:
        self._m.warmup_seconds.labels(version=event.version).set(event.seconds)

    @handles(ShadowCompared)
    def on_shadow(self, event: ShadowCompared) -> None:
        self._m.shadow_diff.observe(event.mean_abs_diff)
        self._m.shadow_agreement.labels(candidate=event.candidate).set(event.agreement)

    @handles(DriftMeasured)
    def on_drift(self, event: DriftMeasured) -> None:
        self._m.drift_psi.labels(target=event.target).set(event.psi)

    @handles(SloEvaluated)
    def on_slo(self, event: SloEvaluated) -> None:
        self._m.burn_rate.labels(objective=event.objective).set(event.burn_rate)
        self._m.budget_left.labels(objective=event.objective).set(event.budget_left)

    @handles(ScaleDecided)
    def on_scale(self, event: ScaleDecided) -> None:
        self._m.replicas.labels(state="current").set(event.current)
        self._m.replicas.labels(state="target").set(event.target)
        self._m.utilization.set(event.utilization)
        self._m.scale_decisions.labels(reason=event.reason).inc()

    @handles(AlertChanged)
    def on_alert(self, event: AlertChanged) -> None:
        gauge = self._m.alerts_active.labels(severity=event.severity)
        if event.state == "firing":
            gauge.inc()
        elif event.state == "resolved":
            gauge.dec()

    @handles(OfflineChunkScored)
    def on_offline(self, event: OfflineChunkScored) -> None:
        self._m.offline_rows.labels(result="scored").inc(event.rows - event.failed)
        self._m.offline_rows.labels(result="failed").inc(event.failed)
        self._m.offline_seconds.inc(event.seconds)
