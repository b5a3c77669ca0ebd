"""Replica count decisions from utilization, queue depth and the breaker."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Callable

from serving.breaker import BreakerState
from serving.config import AutoscaleConfig
from serving.events import EventBus, ScaleDecided


@dataclass(frozen=True)
class LoadSample:
    replicas: int
    utilization: float
    queue_depth: int
    breaker: BreakerState


@dataclass(frozen=True)
class Decision:
    target: int
    reason: str


class Autoscaler:
    def __init__(
        self,
        config: AutoscaleConfig,
        sample: Callable[[], LoadSample],
        apply: Callable[[int], None],
        bus: EventBus,
    ) -> None:
        self._config = config
        self._sample = sample
        self._apply = apply
        self._bus = bus
        self._last_change = -math.inf
        self._low_ticks = 0
        self._last: ScaleDecided | None = None

    def decide(self, load: LoadSample, now: float) -> Decision:
        if load.breaker is not BreakerState.CLOSED:
            return Decision(load.replicas, "breaker_hold")
        by_load = math.ceil(load.replicas * load.utilization / self._config.target_utilization)
        by_queue = math.ceil(load.queue_depth / self._config.queue_per_replica)
        wanted = max(self._config.min_replicas, min(self._config.max_replicas, max(by_load, by_queue)))
        if wanted >= load.replicas:
            self._low_ticks = 0
        if wanted == load.replicas:
            return Decision(load.replicas, "steady")
        if now - self._last_change < self._config.cooldown_s:
            return Decision(load.replicas, "cooldown")
        if wanted > load.replicas:
            return Decision(wanted, "queue" if by_queue > by_load else "utilization")
        self._low_ticks += 1
        if self._low_ticks < self._config.down_ticks:
            return Decision(load.replicas, "settling")
        return Decision(load.replicas - 1, "idle")

    def tick(self) -> None:
        load = self._sample()
        now = time.monotonic()
        decision = self.decide(load, now)
        if decision.target != load.replicas:
            self._apply(decision.target)
            self._last_change = now
            self._low_ticks = 0
        self._last = ScaleDecided(
            current=load.replicas,
            target=decision.target,
            reason=decision.reason,
            utilization=load.utilization,
            queue_depth=load.queue_depth,
        )
        self._bus.publish(self._last)

    def last(self) -> ScaleDecided | None:
        return self._last
