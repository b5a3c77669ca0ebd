"""Configuration sections and the TOML loader."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """Raised for unknown sections or settings in a configuration file."""


@dataclass(frozen=True)
class QueueConfig:
    capacity: int = 256
    max_age_s: float = 0.8


@dataclass(frozen=True)
class BatchConfig:
    max_size: int = 8
    max_wait_ms: float = 8.0
    token_budget: int = 2048


@dataclass(frozen=True)
class EngineConfig:
    version: str = "rank-1.0"
    base_ms: float = 2.0
    per_token_us: float = 4.0
    failure_rate: float = 0.01
    max_retries: int = 1
    seed: int = 7


@dataclass(frozen=True)
class CacheConfig:
    feature_entries: int = 512
    feature_ttl_s: float = 30.0
    kv_entries: int = 128
    kv_ttl_s: float = 10.0


@dataclass(frozen=True)
class RateLimitConfig:
    rate_per_s: float = 200.0
    burst: int = 60


@dataclass(frozen=True)
class AdmissionConfig:
    checks: tuple[str, ...] = ("breaker", "rate_limit", "queue", "deadline")
    queue_fraction: float = 0.9
    min_deadline_s: float = 0.02


@dataclass(frozen=True)
class BreakerConfig:
    failure_threshold: int = 5
    open_s: float = 1.0
    probe_count: int = 2


@dataclass(frozen=True)
class CanaryConfig:
    candidate: str = "rank-1.1"
    sample_rate: float = 0.2
    max_pending: int = 16
    window: int = 200
    max_mean_diff: float = 0.25
    min_agreement: float = 0.6


@dataclass(frozen=True)
class SloConfig:
    latency_target_s: float = 0.25
    latency_objective: float = 0.95
    availability_objective: float = 0.99
    window_s: float = 60.0


@dataclass(frozen=True)
class DriftConfig:
    reference_size: int = 80
    window_size: int = 60
    bins: int = 8
    psi_warn: float = 0.25


@dataclass(frozen=True)
class WarmupConfig:
    requests: int = 6
    prompt_tokens: int = 64


@dataclass(frozen=True)
class AutoscaleConfig:
    min_replicas: int = 1
    max_replicas: int = 4
    target_utilization: float = 0.6
    queue_per_replica: int = 16
    cooldown_s: float = 1.0
    down_ticks: int = 3


@dataclass(frozen=True)
class AlertConfig:
    error_rate: float = 0.05
    p95_s: float = 0.5
    burn_rate: float = 2.0
    queue_fill: float = 0.8
    handler_errors: float = 1.0


@dataclass(frozen=True)
class TelemetryConfig:
    jsonl_path: str = "serving-events.jsonl"
    db_path: str = "serving.db"
    store_buffer: int = 50
    request_log_rate: float = 1.0
    tick_s: float = 0.2
    live_window_s: float = 30.0
    otel_enabled: bool = True


@dataclass(frozen=True)
class StatusConfig:
    host: str = "127.0.0.1"
    port: int = 8099
    stale_after_s: float = 5.0


@dataclass(frozen=True)
class OfflineConfig:
    chunk_rows: int = 50
    processes: int = 0


@dataclass(frozen=True)
class ServingConfig:
    queue: QueueConfig = field(default_factory=QueueConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    rate_limit: RateLimitConfig = field(default_factory=RateLimitConfig)
    admission: AdmissionConfig = field(default_factory=AdmissionConfig)
    breaker: BreakerConfig = field(default_factory=BreakerConfig)
    canary: CanaryConfig = field(default_factory=CanaryConfig)
    slo: SloConfig = field(default_factory=SloConfig)
    drift: DriftConfig = field(default_factory=DriftConfig)
    warmup: WarmupConfig = field(default_factory=WarmupConfig)
    autoscale: AutoscaleConfig = field(default_factory=AutoscaleConfig)
    alerts: AlertConfig = field(default_factory=AlertConfig)
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    status: StatusConfig = field(default_factory=StatusConfig)
    offline: OfflineConfig = field(default_factory=OfflineConfig)


def _merge(section: Any, values: dict[str, Any], name: str) -> Any:
    known = {f.name for f in fields(section)}
    unknown = set(values) - known
    if unknown:
        raise ConfigError(f"unknown settings in [{name}]: {', '.join(sorted(unknown))}")
    converted = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return replace(section, **converted)


def load_config(path: str | None, overrides: dict[str, dict[str, Any]] | None = None) -> ServingConfig:
    """Read a TOML file (if any) over the defaults, then apply overrides from the command line."""
    config = ServingConfig()
    layers: list[dict[str, Any]] = []
    if path:
        layers.append(tomllib.loads(Path(path).read_text(encoding="utf-8")))
    if overrides:
        layers.append(overrides)
    sections = {f.name for f in fields(config)}
    for layer in layers:
        for name, values in layer.items():
            if name not in sections:
                raise ConfigError(f"unknown section [{name}]")
            config = replace(config, **{name: _merge(getattr(config, name), values, name)})
    return config
