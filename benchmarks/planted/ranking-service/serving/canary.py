"""Shadow execution of a candidate model and the comparison with the serving one."""

from __future__ import annotations

import contextvars
import logging
import random
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Callable

from serving.config import CanaryConfig
from serving.engine import EngineError, FakeEngine
from serving.events import EventBus, ShadowCompared
from serving.tracing import Stopwatch, current_trace_id
from serving.types import EngineResult, RankRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CanaryVerdict:
    candidate: str
    samples: int
    mean_diff: float
    agreement: float
    errors: int
    healthy: bool


def rank_agreement(left: tuple[float, ...], right: tuple[float, ...]) -> float:
    """Share of item pairs that both score lists put in the same order."""
    pairs = list(combinations(range(len(left)), 2))
    if not pairs:
        return 1.0
    same = sum((left[i] - left[j]) * (right[i] - right[j]) >= 0 for i, j in pairs)
    return same / len(pairs)


class ShadowRunner:
    """Replays a sample of served requests on the candidate, off the serving path."""

    def __init__(self, config: CanaryConfig, bus: EventBus, on_dropped: Callable[[], None]) -> None:
        self._config = config
        self._bus = bus
        self._on_dropped = on_dropped
        self._candidate: FakeEngine | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shadow")
        self._pending = threading.BoundedSemaphore(config.max_pending)
        self._random = random.Random(11)
        self._diffs: deque[float] = deque(maxlen=config.window)
        self._agreements: deque[float] = deque(maxlen=config.window)
        self._errors = 0
        self._lock = threading.Lock()

    def set_candidate(self, engine: FakeEngine) -> None:
        with self._lock:
            self._candidate = engine
            self._diffs.clear()
            self._agreements.clear()
            self._errors = 0

    def offer(self, request: RankRequest, served: EngineResult, version: str, served_s: float) -> None:
        engine = self._candidate
        if engine is None or self._random.random() >= self._config.sample_rate:
            return
        if not self._pending.acquire(blocking=False):
            self._on_dropped()
            return
        context = contextvars.copy_context()
        self._pool.submit(context.run, self._compare, engine, request, served, version, served_s)

    def _compare(
        self, engine: FakeEngine, request: RankRequest, served: EngineResult, version: str, served_s: float
    ) -> None:
        try:
            with Stopwatch() as watch:
                shadow = engine.score_batch([request])[0]
            count = len(served.scores)
            diff = sum(abs(a - b) for a, b in zip(served.scores, shadow.scores)) / count if count else 0.0
            agreement = rank_agreement(served.scores, shadow.scores)
            with self._lock:
                self._diffs.append(diff)
                self._agreements.append(agreement)
            self._bus.publish(
                ShadowCompared(
                    trace_id=current_trace_id(),
                    primary=version,
                    candidate=engine.version,
                    mean_abs_diff=diff,
                    agreement=agreement,
                    latency_ratio=watch.seconds / served_s if served_s > 0 else 0.0,
                )
            )
        except EngineError:
            log.info("shadow run failed on %s", engine.version)
            with self._lock:
                self._errors += 1
        finally:
            self._pending.release()

    def verdict(self) -> CanaryVerdict:
        with self._lock:
            samples = len(self._diffs)
            mean_diff = sum(self._diffs) / samples if samples else 0.0
            agreement = sum(self._agreements) / samples if samples else 1.0
            healthy = mean_diff <= self._config.max_mean_diff and agreement >= self._config.min_agreement
            name = self._candidate.version if self._candidate else "none"
            return CanaryVerdict(name, samples, mean_diff, agreement, self._errors, healthy)

    def close(self) -> None:
        self._pool.shutdown(wait=True)
