"""Replica threads that pull batches, run the engine and answer the tickets."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from serving.batcher import Batch, DynamicBatcher
from serving.breaker import CircuitBreaker
from serving.canary import ShadowRunner
from serving.engine import EngineError
from serving.events import BatchExecuted, EventBus
from serving.models import ModelManager
from serving.tracing import Stopwatch, trace_scope
from serving.types import EngineResult, Outcome, RankRequest, RankResponse, StageTimes, Ticket

log = logging.getLogger(__name__)

POLL_S = 0.05


@dataclass(frozen=True)
class ReplicaDeps:
    batcher: DynamicBatcher
    models: ModelManager
    breaker: CircuitBreaker
    shadow: ShadowRunner
    bus: EventBus
    max_retries: int


@dataclass(frozen=True)
class ReplicaState:
    name: str
    batches: int
    abandoned: int
    heartbeat_age_s: float


@dataclass
class _Attempt:
    results: list[EngineResult] | None
    version: str
    retries: int
    seconds: float


class Replica:
    def __init__(self, name: str, deps: ReplicaDeps) -> None:
        self.name = name
        self._deps = deps
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._lock = threading.Lock()
        self._busy_s = 0.0
        self._batches = 0
        self._abandoned = 0
        self._heartbeat = time.monotonic()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def state(self) -> ReplicaState:
        return ReplicaState(self.name, self._batches, self._abandoned, time.monotonic() - self._heartbeat)

    def take_busy(self) -> float:
        """Seconds spent executing batches since the previous call."""
        with self._lock:
            busy, self._busy_s = self._busy_s, 0.0
            return busy

    def _run(self) -> None:
        while not self._stop.is_set():
            self._heartbeat = time.monotonic()
            batch = self._deps.batcher.next_batch(POLL_S)
            if batch is None:
                continue
            with Stopwatch() as watch:
                self._execute(batch)
            with self._lock:
                self._busy_s += watch.seconds
                self._batches += 1

    def _execute(self, batch: Batch) -> None:
        live = [ticket for ticket in batch.tickets if ticket.future.set_running_or_notify_cancel()]
        self._abandoned += batch.size - len(live)
        if not live:
            return
        attempt = self._attempt([ticket.request for ticket in live])
        self._deps.bus.publish(
            BatchExecuted(
                replica=self.name,
                model_version=attempt.version,
                size=batch.size,
                real_tokens=batch.real_tokens,
                padded_tokens=batch.padded_tokens,
                duration_s=attempt.seconds,
                retries=attempt.retries,
                failed=attempt.results is None,
                trigger=batch.trigger,
            )
        )
        for index, ticket in enumerate(live):
            stages = StageTimes(
                queue_s=ticket.dequeued_at - ticket.enqueued_at,
                batch_wait_s=batch.formed_at - ticket.dequeued_at,
                inference_s=attempt.seconds,
            )
            if attempt.results is None:
                ticket.future.set_result(self._failure(ticket, attempt, stages))
                continue
            result = attempt.results[index]
            with trace_scope(ticket.trace_id):
                self._deps.shadow.offer(ticket.request, result, attempt.version, attempt.seconds / len(live))
            ticket.future.set_result(self._success(ticket, result, attempt, stages))

    def _attempt(self, requests: list[RankRequest]) -> _Attempt:
        engine = self._deps.models.active
        breaker = self._deps.breaker
        retries = 0
        with Stopwatch() as watch:
            while True:
                try:
                    results = engine.score_batch(requests)
                except EngineError as error:
                    breaker.record_failure()
                    log.warning("batch failed on %s: %s", self.name, error)
                    if retries >= self._deps.max_retries:
                        return _Attempt(None, engine.version, retries, watch.seconds)
                    retries += 1
                else:
                    breaker.record_success()
                    break
        return _Attempt(results, engine.version, retries, watch.seconds)

    @staticmethod
    def _failure(ticket: Ticket, attempt: _Attempt, stages: StageTimes) -> RankResponse:
        return RankResponse(
            ticket.request.request_id, Outcome.ERROR, model_version=attempt.version, stages=stages, reason="engine"
        )

    @staticmethod
    def _success(ticket: Ticket, result: EngineResult, attempt: _Attempt, stages: StageTimes) -> RankResponse:
        scored = zip(result.scores, ticket.request.candidates)
        ordered = sorted(scored, key=lambda pair: pair[0], reverse=True)
        return RankResponse(
            ticket.request.request_id,
            Outcome.OK,
            ranking=[candidate.item_id for _, candidate in ordered],
            scores=result.scores,
            model_version=attempt.version,
            tokens_out=result.tokens_out,
            reused_tokens=result.reused_tokens,
            feature_hit=result.feature_hit,
            stages=stages,
        )


class WorkerPool:
    """A resizable set of replicas."""

    def __init__(self, deps: ReplicaDeps) -> None:
        self._deps = deps
        self._replicas: list[Replica] = []
        self._created = 0
        self._measured_at = time.monotonic()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        with self._lock:
            return len(self._replicas)

    def resize(self, target: int) -> None:
        with self._lock:
            while len(self._replicas) < target:
                self._created += 1
                replica = Replica(f"replica-{self._created}", self._deps)
                self._replicas.append(replica)
                replica.start()
            retired = self._replicas[target:]
            del self._replicas[target:]
        for replica in retired:
            replica.stop()

    def stop(self) -> None:
        with self._lock:
            stopping = list(self._replicas)
        for replica in stopping:
            replica.stop()
        for replica in stopping:
            replica.join(timeout=2.0)

    def states(self) -> list[ReplicaState]:
        with self._lock:
            return [replica.state() for replica in self._replicas]

    def take_utilization(self) -> float:
        """Share of replica time spent on batches since the previous call."""
        now = time.monotonic()
        with self._lock:
            elapsed = (now - self._measured_at) * len(self._replicas)
            self._measured_at = now
            busy = sum(replica.take_busy() for replica in self._replicas)
        return min(1.0, busy / elapsed) if elapsed > 0 else 0.0
