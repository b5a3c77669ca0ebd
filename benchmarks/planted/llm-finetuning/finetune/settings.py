"""Typed settings, read from a JSON file and overridden from the command line."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DataSettings(_Section):
    train_path: Path = Path("data/train.jsonl")
    eval_path: Path | None = None
    preference_path: Path | None = None
    max_length: int = 1024
    batch_size: int = 8
    shuffle_seed: int = 17
    pad_to_multiple: int = 8
    length_bucket_edges: list[int] = Field(default_factory=lambda: [64, 128, 256, 512, 1024])
    drop_duplicates: bool = True


class ModelSettings(_Section):
    name: str = "gpt2"
    device: str = "cuda"
    gradient_checkpointing: bool = False


class LoraSettings(_Section):
    enabled: bool = True
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05
    target_modules: list[str] = Field(default_factory=lambda: ["c_attn", "c_proj"])
    report_every: int = 50


class OptimSettings(_Section):
    learning_rate: float = 2e-4
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.98
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: int = 100
    total_steps: int = 2000
    min_lr_ratio: float = 0.1
    grad_clip: float = 1.0
    accumulate_steps: int = 1


class EvalSettings(_Section):
    every_steps: int = 200
    max_samples: int = 64
    max_new_tokens: int = 128
    scorers: list[str] = Field(default_factory=lambda: ["exact", "token_f1", "rouge_l", "json", "length"])
    keep_worst: int = 5
    predictions_path: Path | None = None
    primary_scorer: str = "token_f1"


class PreferenceSettings(_Section):
    enabled: bool = False
    every_steps: int = 100
    batch_pairs: int = 8
    beta: float = 0.1
    head_learning_rate: float = 1e-4


class CheckpointSettings(_Section):
    directory: Path = Path("checkpoints")
    every_steps: int = 500
    keep_last: int = 3
    save_optimizer: bool = True


class TelemetrySettings(_Section):
    prometheus_port: int | None = 9109
    otel_enabled: bool = False
    otel_endpoint: str = "http://localhost:4318/v1/metrics"
    otel_export_interval_s: float = 15.0
    jsonl_path: Path | None = Path("runs/metrics.jsonl")
    sqlite_path: Path | None = Path("runs/metrics.sqlite")
    tensorboard_dir: Path | None = None
    log_every_steps: int = 10
    layer_norms_every: int = 25
    flush_interval_s: float = 5.0


class AlertSettings(_Section):
    loss_spike_factor: float = 2.5
    grad_norm_limit: float = 50.0
    min_tokens_per_second: float = 200.0
    stall_seconds: float = 300.0
    eval_drop: float = 0.05
    max_data_wait_fraction: float = 0.5
    cooldown_seconds: float = 120.0
    webhook_url: str | None = None


class ServiceSettings(_Section):
    host: str = "127.0.0.1"
    port: int = 8099
    max_queue: int = 32
    heartbeat_interval_s: float = 5.0
    heartbeat_timeout_s: float = 30.0
    loss_history: int = 120
    min_free_disk_bytes: int = 2 * 1024**3
    dashboard_refresh_s: float = 2.0


class Settings(_Section):
    data: DataSettings = Field(default_factory=DataSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    lora: LoraSettings = Field(default_factory=LoraSettings)
    optim: OptimSettings = Field(default_factory=OptimSettings)
    evaluation: EvalSettings = Field(default_factory=EvalSettings)
    preference: PreferenceSettings = Field(default_factory=PreferenceSettings)
    checkpoint: CheckpointSettings = Field(default_factory=CheckpointSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    log_level: str = "INFO"

    @field_validator("log_level")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper()


def _assign(tree: dict[str, Any], dotted: str, raw: str) -> None:
    *parents, leaf = dotted.split(".")
    node = tree
    for part in parents:
        node = node.setdefault(part, {})
    try:
        node[leaf] = json.loads(raw)
    except json.JSONDecodeError:
        node[leaf] = raw


def apply_overrides(settings: Settings, overrides: list[str]) -> Settings:
    """A copy of `settings` with `section.key=value` items applied."""
    tree = settings.model_dump(mode="json")
    for item in overrides:
        dotted, _, raw = item.partition("=")
        _assign(tree, dotted, raw)
    return Settings.model_validate(tree)


def load_settings(path: Path | None, overrides: list[str] | None = None) -> Settings:
    base = Settings()
    if path is not None:
        base = Settings.model_validate_json(path.read_text(encoding="utf-8"))
    return apply_overrides(base, overrides or [])
