"""Requests, responses and the values that travel with them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, IntEnum


class Priority(IntEnum):
    HIGH = 0
    NORMAL = 1
    LOW = 2

    @property
    def label(self) -> str:
        return self.name.lower()


class Outcome(str, Enum):
    OK = "ok"
    REJECTED = "rejected"
    EXPIRED = "expired"
    TIMEOUT = "timeout"
    ERROR = "error"


FAILED_OUTCOMES = frozenset({Outcome.EXPIRED.value, Outcome.TIMEOUT.value, Outcome.ERROR.value})


@dataclass(frozen=True)
class Candidate:
    item_id: str
    features: tuple[float, ...]


@dataclass(frozen=True)
class RankRequest:
    request_id: str
    tenant: str
    user_id: str
    priority: Priority
    user_features: dict[str, float]
    candidates: tuple[Candidate, ...]
    prompt_tokens: int
    deadline_s: float


@dataclass
class StageTimes:
    """Seconds spent in every stage of one request."""

    queue_s: float = 0.0
    batch_wait_s: float = 0.0
    inference_s: float = 0.0


@dataclass(frozen=True)
class EngineResult:
    scores: tuple[float, ...]
    tokens_out: int
    reused_tokens: int
    feature_hit: bool


@dataclass
class RankResponse:
    request_id: str
    outcome: Outcome
    ranking: list[str] = field(default_factory=list)
    scores: tuple[float, ...] = ()
    model_version: str = "none"
    tokens_out: int = 0
    reused_tokens: int = 0
    feature_hit: bool = False
    stages: StageTimes = field(default_factory=StageTimes)
    reason: str = ""
    retry_after_s: float = 0.0

    def as_json(self) -> dict[str, object]:
        return {
            "request_id": self.request_id,
            "outcome": self.outcome.value,
            "ranking": self.ranking,
            "scores": [round(score, 5) for score in self.scores],
            "model": self.model_version,
            "reason": self.reason,
            "retry_after_s": round(self.retry_after_s, 3),
        }


@dataclass
class Ticket:
    """A request on its way through the queue and the batcher to a replica."""

    request: RankRequest
    future: Future[RankResponse]
    trace_id: str
    enqueued_at: float
    dequeued_at: float = 0.0
