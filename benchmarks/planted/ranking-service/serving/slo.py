"""Service level objectives over a sliding window, with error-budget burn rates."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Callable

from serving.config import SloConfig
from serving.events import EventBus, RequestFinished, SloEvaluated, handles
from serving.types import FAILED_OUTCOMES


@dataclass
class Objective:
    name: str
    target: float
    is_good: Callable[[RequestFinished], bool]
    samples: deque[tuple[float, bool]] = field(default_factory=deque)

    def trim(self, horizon: float) -> None:
        while self.samples and self.samples[0][0] < horizon:
            self.samples.popleft()

    def burn_rate(self, good: int, total: int) -> float:
        """1.0 means that the error budget is used exactly as fast as it is granted."""
        if not total:
            return 0.0
        return (1.0 - good / total) / (1.0 - self.target)


class SloTracker:
    def __init__(self, config: SloConfig, bus: EventBus) -> None:
        self._config = config
        self._bus = bus
        self._lock = threading.Lock()
        self._latest: dict[str, SloEvaluated] = {}
        self._objectives = [
            Objective(
                "latency",
                config.latency_objective,
                lambda event: event.latency_s <= config.latency_target_s,
            ),
            Objective(
                "availability",
                config.availability_objective,
                lambda event: event.outcome not in FAILED_OUTCOMES,
            ),
        ]

    @handles(RequestFinished)
    def on_finished(self, event: RequestFinished) -> None:
        now = time.monotonic()
        with self._lock:
            for objective in self._objectives:
                objective.samples.append((now, objective.is_good(event)))

    def tick(self) -> None:
        horizon = time.monotonic() - self._config.window_s
        evaluations = []
        with self._lock:
            for objective in self._objectives:
                objective.trim(horizon)
                total = len(objective.samples)
                good = sum(ok for _, ok in objective.samples)
                burn = objective.burn_rate(good, total)
                evaluations.append(
                    SloEvaluated(
                        objective=objective.name,
                        good=good,
                        total=total,
                        burn_rate=burn,
                        budget_left=max(0.0, 1.0 - burn),
                    )
                )
        for evaluation in evaluations:
            self._latest[evaluation.objective] = evaluation
            self._bus.publish(evaluation)

    def latest(self) -> list[SloEvaluated]:
        return list(self._latest.values())

    def worst_burn_rate(self) -> float:
        return max((evaluation.burn_rate for evaluation in self._latest.values()), default=0.0)
