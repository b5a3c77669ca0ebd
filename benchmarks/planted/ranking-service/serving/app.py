"""Builds the service from its configuration and runs its background parts."""

from __future__ import annotations

import time

from serving import __version__
from serving.admission import AdmissionContext, AdmissionController, RateLimiter
from serving.alerts import AlertEngine, SignalSources, default_rules
from serving.autoscaler import Autoscaler, LoadSample
from serving.batcher import DynamicBatcher
from serving.breaker import BreakerState, CircuitBreaker
from serving.cache import CacheStats
from serving.canary import ShadowRunner
from serving.config import ServingConfig
from serving.dashboard import AlertLine, Snapshot
from serving.drift import DriftMonitor
from serving.engine import EngineCounters
from serving.events import BreakerChanged, EventBus, ModelReloaded
from serving.front import FrontDeps, InferenceFront
from serving.jsonlog import JsonlWriter
from serving.livestats import LiveStats
from serving.metrics import Metrics, PrometheusRecorder
from serving.models import ModelManager, Warmup
from serving.offline import OfflineScorer
from serving.otel import OtelRecorder
from serving.periodic import PeriodicRunner
from serving.queueing import RequestQueue
from serving.slo import SloTracker
from serving.status import HealthRegistry, StatusServer
from serving.store import Store
from serving.types import Outcome, RankResponse, StageTimes, Ticket
from serving.workers import ReplicaDeps, WorkerPool


class ServingApp:
    def __init__(self, config: ServingConfig, command: str) -> None:
        self.config = config
        self._started = time.monotonic()
        self._engine_window = EngineCounters()
        self._queue_peak = 0
        telemetry = config.telemetry

        self.metrics = Metrics()
        self.bus = EventBus()
        self.stats = LiveStats(telemetry.live_window_s)
        self.slo = SloTracker(config.slo, self.bus)
        self.drift = DriftMonitor(config.drift, self.bus)
        self.store = Store(telemetry.db_path, telemetry.store_buffer)
        self.store.begin_run(command, __version__)
        self.jsonl = JsonlWriter(telemetry.jsonl_path, telemetry.request_log_rate, self.metrics.events_dropped.inc)

        self.breaker = CircuitBreaker(config.breaker)
        self.breaker.add_listener(self._breaker_changed)
        self.queue = RequestQueue(config.queue, self._expired)
        self.limiter = RateLimiter(config.rate_limit)
        self.admission = AdmissionController(
            AdmissionContext(config.admission, self.queue, self.limiter, self.breaker)
        )
        self.models = ModelManager(config.engine, config.cache, Warmup(config.warmup, self.bus), self.bus)
        self.shadow = ShadowRunner(config.canary, self.bus, self.metrics.shadow_dropped.inc)
        self.pool = WorkerPool(
            ReplicaDeps(
                batcher=DynamicBatcher(config.batch, self.queue),
                models=self.models,
                breaker=self.breaker,
                shadow=self.shadow,
                bus=self.bus,
                max_retries=config.engine.max_retries,
            )
        )
        self.front = InferenceFront(FrontDeps(self.admission, self.queue, self.drift, self.metrics, self.bus))
        self.autoscaler = Autoscaler(config.autoscale, self._load_sample, self.pool.resize, self.bus)
        sources = SignalSources(
            self.stats, self.queue, self.breaker, self.slo, self.drift, self.shadow, self.bus
        )
        self.alerts = AlertEngine(default_rules(config.alerts), sources, self.bus)
        self.offline = OfflineScorer(config.offline, config.engine, self.bus)

        self._subscribe()
        self.tasks = PeriodicRunner(telemetry.tick_s, self.metrics)
        self._schedule()
        self.health = HealthRegistry()
        self._register_health()

    def _subscribe(self) -> None:
        subscribers: list[object] = [PrometheusRecorder(self.metrics), self.stats, self.slo, self.store]
        if self.config.telemetry.otel_enabled:
            subscribers.append(OtelRecorder(self.queue.depths, lambda: self.pool.size))
        for subscriber in subscribers:
            self.bus.attach(subscriber)
        self.bus.subscribe(ModelReloaded, lambda event: self.drift.reset_prediction_reference())
        self.bus.subscribe_all(self.jsonl.write)

    def _schedule(self) -> None:
        self.tasks.add("gauges", self._update_gauges)
        self.tasks.add("slo", self.slo.tick)
        self.tasks.add("drift", self.drift.tick)
        self.tasks.add("autoscale", self.autoscaler.tick, every=2)
        self.tasks.add("alerts", self.alerts.evaluate)
        self.tasks.add("store", self.store.flush, every=5)

    def _register_health(self) -> None:
        stale = self.config.status.stale_after_s

        def replicas() -> tuple[bool, str]:
            ages = [state.heartbeat_age_s for state in self.pool.states()]
            return bool(ages) and max(ages) < stale, f"{len(ages)} replicas, oldest heartbeat {max(ages, default=0):.1f} s"

        def tasks() -> tuple[bool, str]:
            late = [state.name for state in self.tasks.states() if state.age_s > stale]
            return not late, f"late: {', '.join(late) or 'none'}"

        self.health.register("model", lambda: (self.models.ready, self.models.version))
        self.health.register("replicas", replicas)
        self.health.register("tasks", tasks)
        self.health.register("breaker", lambda: (self.breaker.allow(), self.breaker.state.value))

    def _breaker_changed(self, old: BreakerState, new: BreakerState, failures: int) -> None:
        self.bus.publish(BreakerChanged(old=old.value, new=new.value, failures=failures))

    def _expired(self, ticket: Ticket) -> None:
        self.metrics.queue_expired.labels(priority=ticket.request.priority.label).inc()
        if ticket.future.set_running_or_notify_cancel():
            waited = time.monotonic() - ticket.enqueued_at
            ticket.future.set_result(
                RankResponse(
                    ticket.request.request_id, Outcome.EXPIRED, stages=StageTimes(queue_s=waited), reason="expired"
                )
            )

    def _load_sample(self) -> LoadSample:
        return LoadSample(
            replicas=self.pool.size,
            utilization=self.pool.take_utilization(),
            queue_depth=self.queue.depth(),
            breaker=self.breaker.state,
        )

    def _update_gauges(self) -> None:
        m = self.metrics
        for priority, depth in self.queue.depths().items():
            m.queue_depth.labels(priority=priority).set(depth)
        self._queue_peak = self.queue.take_high_water()
        m.queue_high_water.set(self._queue_peak)
        for cache in (self.models.features, self.models.prefixes):
            window = cache.take_window()
            m.cache_lookups.labels(cache=cache.name, result="hit").inc(window.hits)
            m.cache_lookups.labels(cache=cache.name, result="miss").inc(window.misses)
            m.cache_evictions.labels(cache=cache.name, cause="ttl").inc(window.expired)
            m.cache_evictions.labels(cache=cache.name, cause="capacity").inc(window.evicted)
            m.cache_entries.labels(cache=cache.name).set(len(cache))
        for bucket in self.limiter.states():
            m.rate_tokens.labels(tenant=bucket.tenant).set(bucket.tokens)
        self._engine_window = self.models.active.drain_counters()

    def snapshot(self) -> Snapshot:
        caches: dict[str, CacheStats] = {
            cache.name: cache.totals() for cache in (self.models.features, self.models.prefixes)
        }
        return Snapshot(
            uptime_s=time.monotonic() - self._started,
            model=self.models.version,
            model_age_s=self.models.age_s(),
            reloads=self.models.reloads,
            breaker=self.breaker.state.value,
            breaker_opened=self.breaker.opened_total,
            live=self.stats.view(),
            queue=self.queue.depths(),
            queue_peak=self._queue_peak,
            admission=self.admission.summary(),
            buckets=self.limiter.states(),
            caches=caches,
            engine=self._engine_window,
            replicas=self.pool.states(),
            scaling=self.autoscaler.last(),
            canary=self.shadow.verdict(),
            slo=self.slo.latest(),
            drift=self.drift.latest(),
            alerts=[
                AlertLine(status.rule.name, status.rule.severity, status.value) for status in self.alerts.firing()
            ],
            fired_total=self.alerts.fired_total(),
            tasks=self.tasks.states(),
            events_published=self.bus.published,
            events_written=self.jsonl.written,
            rows_stored=self.store.rows_written,
            handler_errors=self.bus.handler_errors(),
        )

    def status_server(self) -> StatusServer:
        return StatusServer(self.config.status, self.metrics.registry, self.health, self.snapshot)

    def start(self) -> None:
        if not self.models.load(self.config.engine.version, trigger="startup"):
            raise SystemExit(f"cannot load model {self.config.engine.version}")
        self.shadow.set_candidate(self.models.build_candidate(self.config.canary.candidate))
        self.pool.resize(self.config.autoscale.min_replicas)
        self.tasks.start()

    def close(self) -> None:
        self.tasks.stop()
        self.pool.stop()
        self.shadow.close()
        for final in (self._update_gauges, self.slo.tick, self.drift.tick, self.alerts.evaluate):
            final()
        self.jsonl.close()
        self.store.end_run(self.bus.published)
        self.store.close()
