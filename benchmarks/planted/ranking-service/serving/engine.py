"""A pure-Python stand-in for the ranking model and its runtime."""

from __future__ import annotations

import hashlib
import math
import random
import time
from dataclasses import dataclass

from serving.cache import LruTtlCache
from serving.config import EngineConfig
from serving.types import Candidate, EngineResult, RankRequest

FEATURES = ("recency", "affinity", "price", "depth")
KNOWN_VERSIONS = ("rank-1.0", "rank-1.1", "rank-2.0")


class EngineError(RuntimeError):
    """A batch could not be scored."""


class UnknownModel(LookupError):
    """No weights are stored under that version."""


@dataclass
class EngineCounters:
    """What one engine did since it was last drained."""

    batches: int = 0
    kernel_s: float = 0.0
    errors: int = 0


def load_weights(version: str) -> tuple[float, ...]:
    if version not in KNOWN_VERSIONS:
        raise UnknownModel(version)
    digest = hashlib.sha256(version.split(".")[0].encode()).digest()
    base = [byte / 255.0 - 0.5 for byte in digest[: len(FEATURES)]]
    nudge = int(version.rsplit(".", 1)[1]) * 0.05
    return tuple(weight + nudge for weight in base)


def sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


class FakeEngine:
    """Scores batches with a linear model; time and failures are simulated."""

    def __init__(
        self,
        version: str,
        config: EngineConfig,
        features: LruTtlCache[tuple[float, ...]],
        prefixes: LruTtlCache[int],
    ) -> None:
        self.version = version
        self._config = config
        self._weights = load_weights(version)
        self._features = features
        self._prefixes = prefixes
        self._random = random.Random(f"{config.seed}:{version}")
        self._counters = EngineCounters()

    def score_batch(self, requests: list[RankRequest]) -> list[EngineResult]:
        started = time.perf_counter()
        try:
            if self._random.random() < self._config.failure_rate:
                self._counters.errors += 1
                raise EngineError(f"{self.version}: kernel launch failed")
            results = [self._score(request) for request in requests]
            fresh = sum(r.prompt_tokens - result.reused_tokens for r, result in zip(requests, results))
            time.sleep((self._config.base_ms + fresh * self._config.per_token_us / 1000.0) / 1000.0)
            return results
        finally:
            self._counters.batches += 1
            self._counters.kernel_s += time.perf_counter() - started

    def _score(self, request: RankRequest) -> EngineResult:
        embedding, hit = self._features.get_or_compute(
            (request.tenant, request.user_id), lambda: self._embed(request.user_features)
        )
        scores = tuple(self._score_one(embedding, candidate) for candidate in request.candidates)
        return EngineResult(
            scores=scores,
            tokens_out=4 + 2 * len(scores),
            reused_tokens=self._reuse_prefix(request),
            feature_hit=hit,
        )

    def _embed(self, user_features: dict[str, float]) -> tuple[float, ...]:
        return tuple(math.tanh(user_features.get(name, 0.0)) for name in FEATURES)

    def _score_one(self, embedding: tuple[float, ...], candidate: Candidate) -> float:
        total = 0.0
        for weight, user, item in zip(self._weights, embedding, candidate.features):
            total += weight * (user + item)
        return sigmoid(total)

    def _reuse_prefix(self, request: RankRequest) -> int:
        key = (self.version, request.tenant, request.user_id)
        known = self._prefixes.get(key)
        self._prefixes.put(key, request.prompt_tokens)
        return min(known or 0, request.prompt_tokens)

    def drain_counters(self) -> EngineCounters:
        """Counters since the last drain; starts a new period."""
        drained, self._counters = self._counters, EngineCounters()
        return drained
