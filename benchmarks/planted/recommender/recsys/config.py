"""Run configuration: frozen dataclasses loaded from TOML plus ``section.key=value`` overrides."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence


class ConfigError(ValueError):
    """Raised for unknown keys or values that cannot be used together."""


@dataclass(frozen=True)
class DataConfig:
    train_glob: str = "data/train/*.jsonl*"
    eval_glob: str = "data/eval/*.jsonl*"
    batch_size: int = 512
    epochs: int = 1
    min_dwell_ms: int = 300
    max_age_days: float = 30.0
    blocked_surfaces: tuple[str, ...] = ("internal", "qa")
    max_user_events: int = 2000
    dedup_window: int = 200_000
    max_bad_fraction: float = 0.2
    prefetch_depth: int = 8
    drop_last: bool = True


@dataclass(frozen=True)
class FeatureConfig:
    dense: tuple[str, ...] = ("price", "item_age_h", "user_tenure_d", "ctr_7d", "position")
    item_side: tuple[str, ...] = ("price", "ctr_7d")
    report_every: int = 200
    histogram_bins: int = 20
    reference_path: str = "artifacts/feature_reference.json"
    write_reference: bool = False
    psi_warn: float = 0.1
    psi_critical: float = 0.25
    missing_warn: float = 0.05


@dataclass(frozen=True)
class ModelConfig:
    dim: int = 64
    hidden: int = 128
    dropout: float = 0.1
    user_buckets: int = 1 << 17
    item_buckets: int = 1 << 16
    hash_seed: int = 17
    evict_after_steps: int = 20_000
    evict_every: int = 1_000
    dead_norm: float = 1e-4


@dataclass(frozen=True)
class LossConfig:
    heads: dict[str, float] = field(
        default_factory=lambda: {"click": 1.0, "softmax": 0.3, "pairwise": 0.1}
    )
    temperature: float = 0.07
    label_smoothing: float = 0.0
    norm_penalty: float = 1e-5


@dataclass(frozen=True)
class OptimConfig:
    lr: float = 1e-3
    embedding_lr: float = 5e-3
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    warmup_steps: int = 500
    decay_steps: int = 50_000
    min_lr_ratio: float = 0.05


@dataclass(frozen=True)
class HealthConfig:
    window: int = 200
    spike_sigma: float = 6.0
    grad_limit: float = 100.0
    dead_fraction: float = 0.3
    collision_limit: float = 0.25
    starvation_share: float = 0.5
    max_skew: float = 3.0
    abort_after: int = 5
    disabled: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvalConfig:
    every: int = 1_000
    max_batches: int = 100
    ks: tuple[int, ...] = (5, 20, 100)
    segment_by: tuple[str, ...] = ("country", "surface")
    min_segment: int = 200
    calibration_bins: int = 15


@dataclass(frozen=True)
class CheckpointConfig:
    directory: str = "checkpoints"
    every: int = 2_000
    keep_last: int = 3
    keep_best: int = 2
    monitor: str = "auc"
    higher_is_better: bool = True


@dataclass(frozen=True)
class SinkConfig:
    enabled: tuple[str, ...] = ("prometheus", "jsonl", "sqlite", "board", "status")
    directory: str = "telemetry"
    prometheus_port: int = 9108
    status_port: int = 8088
    commit_every: int = 50
    rotate_mb: float = 64.0
    report_every: int = 20


@dataclass(frozen=True)
class AlertConfig:
    rules_path: str = ""
    notifiers: tuple[str, ...] = ("log", "file")
    file: str = "telemetry/alerts.log"
    webhook: str = ""
    cooldown_s: float = 300.0


@dataclass(frozen=True)
class ServingConfig:
    directory: str = "export"
    feature_source: str = "data/item_features.jsonl"
    refresh_every: int = 5_000
    max_staleness_s: float = 6 * 3600.0
    rows_per_shard: int = 20_000
    clip_sigma: float = 4.0
    min_auc: float = 0.6
    max_ece: float = 0.08


@dataclass(frozen=True)
class RunConfig:
    name: str = "two-tower"
    seed: int = 1
    device: str = "cpu"
    max_steps: int = 20_000
    sync_every: int = 50
    dashboard: bool = True
    dashboard_interval_s: float = 2.0
    data: DataConfig = field(default_factory=DataConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    health: HealthConfig = field(default_factory=HealthConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    sinks: SinkConfig = field(default_factory=SinkConfig)
    alerts: AlertConfig = field(default_factory=AlertConfig)
    serving: ServingConfig = field(default_factory=ServingConfig)


_SECTIONS: dict[str, type] = {
    "data": DataConfig,
    "features": FeatureConfig,
    "model": ModelConfig,
    "loss": LossConfig,
    "optim": OptimConfig,
    "health": HealthConfig,
    "eval": EvalConfig,
    "checkpoint": CheckpointConfig,
    "sinks": SinkConfig,
    "alerts": AlertConfig,
    "serving": ServingConfig,
}


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _apply_override(raw: dict[str, Any], item: str) -> None:
    dotted, sep, text = item.partition("=")
    if not sep:
        raise ConfigError(f"override {item!r} is not of the form key=value")
    *parents, leaf = dotted.split(".")
    node = raw
    for part in parents:
        node = node.setdefault(part, {})
    node[leaf] = _parse_value(text)


def _build(cls: type, raw: dict[str, Any], where: str) -> Any:
    known = {f.name: f for f in dataclasses.fields(cls)}
    unknown = sorted(set(raw) - set(known))
    if unknown:
        raise ConfigError(f"unknown keys in {where}: {', '.join(unknown)}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return cls(**values)


def _validate(cfg: RunConfig) -> None:
    if cfg.data.batch_size < 2:
        raise ConfigError("data.batch_size must be at least 2 (in-batch negatives)")
    stray = set(cfg.features.item_side) - set(cfg.features.dense)
    if stray:
        raise ConfigError(f"features.item_side not in features.dense: {sorted(stray)}")
    if not any(weight > 0 for weight in cfg.loss.heads.values()):
        raise ConfigError("loss.heads needs at least one positive weight")
    if cfg.features.psi_warn >= cfg.features.psi_critical:
        raise ConfigError("features.psi_warn must be below features.psi_critical")


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> RunConfig:
    raw: dict[str, Any] = tomllib.loads(path.read_text()) if path else {}
    for item in overrides:
        _apply_override(raw, item)
    values: dict[str, Any] = {}
    for key, value in raw.items():
        section = _SECTIONS.get(key)
        values[key] = _build(section, value, key) if section else value
    cfg = _build(RunConfig, values, "run")
    _validate(cfg)
    return cfg
