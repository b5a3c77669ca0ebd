"""Admission control: rate limiting and a configurable chain of checks in front of the queue."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Callable, Protocol

from serving.breaker import CircuitBreaker
from serving.config import AdmissionConfig, RateLimitConfig
from serving.queueing import RequestQueue
from serving.types import Priority, RankRequest


@dataclass
class _Bucket:
    tokens: float
    updated_at: float
    denied: int = 0


@dataclass(frozen=True)
class BucketState:
    tenant: str
    tokens: float
    denied: int


class RateLimiter:
    def __init__(self, config: RateLimitConfig) -> None:
        self._config = config
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def _refill(self, bucket: _Bucket, now: float) -> None:
        gained = (now - bucket.updated_at) * self._config.rate_per_s
        bucket.tokens = min(float(self._config.burst), bucket.tokens + gained)
        bucket.updated_at = now

    def acquire(self, tenant: str) -> float:
        """0.0 when the request may pass, otherwise the seconds to wait before the next try."""
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.get(tenant)
            if bucket is None:
                bucket = self._buckets[tenant] = _Bucket(float(self._config.burst), now)
            self._refill(bucket, now)
            if bucket.tokens >= 1.0:
                bucket.tokens -= 1.0
                return 0.0
            bucket.denied += 1
            return (1.0 - bucket.tokens) / self._config.rate_per_s

    def states(self) -> list[BucketState]:
        now = time.monotonic()
        with self._lock:
            for bucket in self._buckets.values():
                self._refill(bucket, now)
            return [BucketState(tenant, bucket.tokens, bucket.denied) for tenant, bucket in self._buckets.items()]


@dataclass(frozen=True)
class Verdict:
    admitted: bool
    reason: str = ""
    retry_after_s: float = 0.0


ADMIT = Verdict(True)


@dataclass(frozen=True)
class AdmissionContext:
    config: AdmissionConfig
    queue: RequestQueue
    limiter: RateLimiter
    breaker: CircuitBreaker


class Check(Protocol):
    def __call__(self, request: RankRequest, context: AdmissionContext) -> Verdict: ...


CHECKS: dict[str, Check] = {}


def admission_check(name: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


@admission_check("breaker")
def check_breaker(request: RankRequest, context: AdmissionContext) -> Verdict:
    if context.breaker.allow():
        return ADMIT
    return Verdict(False, "breaker_open", context.breaker.retry_after())


@admission_check("rate_limit")
def check_rate(request: RankRequest, context: AdmissionContext) -> Verdict:
    wait = context.limiter.acquire(request.tenant)
    if wait <= 0:
        return ADMIT
    return Verdict(False, "rate_limited", wait)


@admission_check("queue")
def check_queue(request: RankRequest, context: AdmissionContext) -> Verdict:
    limit = context.queue.capacity
    if request.priority is not Priority.HIGH:
        limit = int(limit * context.config.queue_fraction)
    if context.queue.depth() < limit:
        return ADMIT
    return Verdict(False, "queue_full", 0.1)


@admission_check("deadline")
def check_deadline(request: RankRequest, context: AdmissionContext) -> Verdict:
    if request.deadline_s >= context.config.min_deadline_s:
        return ADMIT
    return Verdict(False, "deadline_too_short")


class AdmissionController:
    def __init__(self, context: AdmissionContext) -> None:
        self._context = context
        self._chain = [CHECKS[name] for name in context.config.checks]
        self._admitted = 0
        self._refused: dict[str, int] = {}

    def admit(self, request: RankRequest) -> Verdict:
        for check in self._chain:
            verdict = check(request, self._context)
            if not verdict.admitted:
                self._refused[verdict.reason] = self._refused.get(verdict.reason, 0) + 1
                return verdict
        self._admitted += 1
        return ADMIT

    def summary(self) -> dict[str, object]:
        return {"admitted": self._admitted, "refused": dict(self._refused)}
