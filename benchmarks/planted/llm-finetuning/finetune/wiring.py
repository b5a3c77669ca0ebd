"""Puts the telemetry components together."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from .alerts import AlertManager, default_rules
from .events import EventBus
from .health import HealthRegistry, HeartbeatMonitor, disk_check, queue_check, sink_check
from .metrics import MetricsHub, MetricsRecorder
from .metrics.otel import OtelInstruments
from .metrics.prom import PromInstruments
from .metrics.sinks import JsonlSink, SqliteSink, TensorboardSink
from .settings import Settings
from .status import StatusBoard


@dataclass
class Telemetry:
    bus: EventBus
    hub: MetricsHub
    prom: PromInstruments
    otel: OtelInstruments | None
    board: StatusBoard
    alerts: AlertManager
    health: HealthRegistry

    def close(self) -> None:
        self.hub.close()
        if self.otel is not None:
            self.otel.shutdown()


def build_telemetry(settings: Settings, queue_depth: Callable[[], int]) -> Telemetry:
    cfg = settings.telemetry
    bus = EventBus()
    prom = PromInstruments()
    if cfg.prometheus_port is not None:
        prom.serve(cfg.prometheus_port)
    hub = MetricsHub(cfg.flush_interval_s, on_sink_error=prom.count_sink_error)
    if cfg.jsonl_path is not None:
        hub.attach(JsonlSink(cfg.jsonl_path))
    store: SqliteSink | None = None
    if cfg.sqlite_path is not None:
        store = SqliteSink(cfg.sqlite_path)
        hub.attach(store)
    if cfg.tensorboard_dir is not None:
        hub.attach(TensorboardSink(cfg.tensorboard_dir))
    otel = OtelInstruments(cfg, queue_depth) if cfg.otel_enabled else None
    MetricsRecorder(hub, prom, otel, store).register(bus)
    board = StatusBoard(settings.service.loss_history)
    board.register(bus)
    alerts = AlertManager(bus, default_rules(settings.alerts), settings.alerts)
    alerts.register()
    heartbeats = HeartbeatMonitor(settings.service.heartbeat_timeout_s)
    heartbeats.register(bus)
    health = HealthRegistry()
    health.add("workers", heartbeats.check)
    health.add("sinks", sink_check(hub, cfg.flush_interval_s))
    health.add("disk", disk_check(settings.checkpoint.directory, settings.service.min_free_disk_bytes))
    health.add("queue", queue_check(queue_depth, settings.service.max_queue))
    hub.start()
    return Telemetry(bus, hub, prom, otel, board, alerts, health)
