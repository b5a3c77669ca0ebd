"""Payloads that travel from the training worker to the service process."""
from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict


@dataclass
class StepRecord:
    step: int
    epoch: int
    loss: float
    loss_ema: float
    learning_rate: float
    grad_norm: float
    clipped: bool
    tokens: int
    padding_fraction: float
    tokens_per_second: float
    samples_per_second: float
    step_seconds: float
    data_wait_seconds: float
    gpu_memory_bytes: int = 0
    skipped: bool = False
    layer_norms: dict[str, float] = field(default_factory=dict)

    @property
    def data_wait_fraction(self) -> float:
        if self.step_seconds <= 0:
            return 0.0
        return min(1.0, self.data_wait_seconds / self.step_seconds)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "StepRecord":
        return cls(
            step=int(data["step"]),
            epoch=int(data.get("epoch", 0)),
            loss=float(data["loss"]),
            loss_ema=float(data.get("loss_ema", data["loss"])),
            learning_rate=float(data.get("learning_rate", 0.0)),
            grad_norm=float(data.get("grad_norm", 0.0)),
            clipped=bool(data.get("clipped", False)),
            tokens=int(data.get("tokens", 0)),
            padding_fraction=float(data.get("padding_fraction", 0.0)),
            tokens_per_second=float(data.get("tokens_per_second", 0.0)),
            samples_per_second=float(data.get("samples_per_second", 0.0)),
            step_seconds=float(data.get("step_seconds", 0.0)),
            data_wait_seconds=float(data.get("data_wait_seconds", 0.0)),
            gpu_memory_bytes=int(data.get("gpu_memory_bytes", 0)),
            skipped=bool(data.get("skipped", False)),
            layer_norms=dict(data.get("layer_norms", {})),
        )


class SourceCount(TypedDict):
    documents: int
    tokens: int


@dataclass
class TokenStats:
    documents: int = 0
    tokens: int = 0
    truncated: int = 0
    malformed: int = 0
    duplicates: int = 0
    unknown_tokens: int = 0
    longest: int = 0
    mean_length: float = 0.0
    length_buckets: dict[str, int] = field(default_factory=dict)
    sources: dict[str, SourceCount] = field(default_factory=dict)

    @property
    def unknown_rate(self) -> float:
        return self.unknown_tokens / self.tokens if self.tokens else 0.0

    @property
    def truncation_rate(self) -> float:
        return self.truncated / self.documents if self.documents else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "documents": self.documents,
            "tokens": self.tokens,
            "truncated": self.truncated,
            "malformed": self.malformed,
            "duplicates": self.duplicates,
            "unknown_tokens": self.unknown_tokens,
            "longest": self.longest,
            "mean_length": self.mean_length,
            "length_buckets": dict(self.length_buckets),
            "sources": {name: dict(count) for name, count in self.sources.items()},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "TokenStats":
        known = {k: v for k, v in data.items() if k in cls.__dataclass_fields__}
        return cls(**known)


@dataclass
class ScoreSummary:
    name: str
    mean: float
    stderr: float
    count: int
    failures: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "mean": self.mean,
            "stderr": self.stderr,
            "count": self.count,
            "failures": self.failures,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "ScoreSummary":
        return cls(
            name=data["name"],
            mean=data["mean"],
            stderr=data.get("stderr", 0.0),
            count=data.get("count", 0),
            failures=data.get("failures", 0),
        )


@dataclass
class EvalReport:
    step: int
    loss: float
    perplexity: float
    seconds: float
    generated_tokens: int
    truncated: int
    latency_p50: float
    latency_p95: float
    scores: list[ScoreSummary] = field(default_factory=list)
    worst: list[dict[str, Any]] = field(default_factory=list)

    def score(self, name: str) -> ScoreSummary | None:
        return next((s for s in self.scores if s.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "loss": self.loss,
            "perplexity": self.perplexity,
            "seconds": self.seconds,
            "generated_tokens": self.generated_tokens,
            "truncated": self.truncated,
            "latency_p50": self.latency_p50,
            "latency_p95": self.latency_p95,
            "scores": [s.to_dict() for s in self.scores],
            "worst": list(self.worst),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "EvalReport":
        return cls(
            step=data["step"],
            loss=data["loss"],
            perplexity=data["perplexity"],
            seconds=data.get("seconds", 0.0),
            generated_tokens=data.get("generated_tokens", 0),
            truncated=data.get("truncated", 0),
            latency_p50=data.get("latency_p50", 0.0),
            latency_p95=data.get("latency_p95", 0.0),
            scores=[ScoreSummary.from_dict(s) for s in data.get("scores", [])],
            worst=data.get("worst", []),
        )


@dataclass
class PreferenceReport:
    step: int
    loss: float
    accuracy: float
    margin: float
    chosen_reward: float
    rejected_reward: float
    kl: float
    pairs: int
    ties: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PreferenceReport":
        return cls(**data)


@dataclass
class AdapterReport:
    step: int
    trainable: int
    total: int
    update_norms: dict[str, float] = field(default_factory=dict)

    @property
    def trainable_fraction(self) -> float:
        return self.trainable / self.total if self.total else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "trainable": self.trainable,
            "total": self.total,
            "update_norms": dict(self.update_norms),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "AdapterReport":
        return cls(data["step"], data["trainable"], data["total"], data.get("update_norms", {}))


@dataclass
class CheckpointInfo:
    step: int
    path: str
    size_bytes: int
    seconds: float
    pruned: int = 0
    is_best: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "CheckpointInfo":
        return cls(
            step=data["step"],
            path=data["path"],
            size_bytes=data.get("size_bytes", 0),
            seconds=data.get("seconds", 0.0),
            pruned=data.get("pruned", 0),
            is_best=data.get("is_best", False),
        )


@dataclass
class WorkerVitals:
    pid: int
    rss_bytes: int
    cpu_seconds: float
    current_step: int
    unsent: int = 0
    dropped: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "WorkerVitals":
        return cls(**{k: data[k] for k in cls.__dataclass_fields__ if k in data})


@dataclass
class TrainSummary:
    steps: int
    tokens: int
    seconds: float
    final_loss: float
    skipped_steps: int
    best_score: float | None = None
    stop_reason: str = "completed"
    phase_seconds: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "TrainSummary":
        return cls(
            steps=data["steps"],
            tokens=data["tokens"],
            seconds=data["seconds"],
            final_loss=data["final_loss"],
            skipped_steps=data.get("skipped_steps", 0),
            best_score=data.get("best_score"),
            stop_reason=data.get("stop_reason", "completed"),
            phase_seconds=data.get("phase_seconds", {}),
        )
