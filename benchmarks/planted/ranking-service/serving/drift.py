"""Drift of inputs and predictions against a reference taken from early traffic."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

from serving.config import DriftConfig
from serving.engine import FEATURES
from serving.events import DriftMeasured, EventBus
from serving.types import RankRequest

PREDICTION = "prediction"
PROMPT = "prompt_tokens"
EPSILON = 1e-4


@dataclass
class Reference:
    edges: list[float]
    shares: list[float]
    mean: float

    @classmethod
    def build(cls, values: list[float], bins: int) -> Reference:
        ordered = sorted(values)
        edges = [ordered[len(ordered) * i // bins] for i in range(1, bins)]
        return cls(edges, histogram(values, edges), sum(values) / len(values))


def histogram(values: list[float], edges: list[float]) -> list[float]:
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[sum(value >= edge for edge in edges)] += 1
    return [count / len(values) for count in counts]


def population_stability(reference: list[float], observed: list[float]) -> float:
    total = 0.0
    for expected, actual in zip(reference, observed):
        expected, actual = max(expected, EPSILON), max(actual, EPSILON)
        total += (actual - expected) * math.log(actual / expected)
    return total


@dataclass
class _Target:
    name: str
    reference: Reference | None = None
    values: list[float] = field(default_factory=list)


class DriftMonitor:
    """Collects values per target; every full window is compared with the reference and then dropped."""

    def __init__(self, config: DriftConfig, bus: EventBus) -> None:
        self._config = config
        self._bus = bus
        self._targets = {name: _Target(name) for name in (*FEATURES, PROMPT, PREDICTION)}
        self._latest: dict[str, DriftMeasured] = {}
        self._lock = threading.Lock()

    def observe_request(self, request: RankRequest) -> None:
        with self._lock:
            for name in FEATURES:
                if name in request.user_features:
                    self._targets[name].values.append(request.user_features[name])
            self._targets[PROMPT].values.append(float(request.prompt_tokens))

    def observe_prediction(self, top_score: float) -> None:
        with self._lock:
            self._targets[PREDICTION].values.append(top_score)

    def tick(self) -> None:
        measured = []
        with self._lock:
            for target in self._targets.values():
                if target.reference is None:
                    if len(target.values) >= self._config.reference_size:
                        target.reference = Reference.build(target.values, self._config.bins)
                        target.values = []
                    continue
                if len(target.values) < self._config.window_size:
                    continue
                measured.append(self._measure(target, target.reference))
                target.values = []
        for event in measured:
            self._latest[event.target] = event
            self._bus.publish(event)

    @staticmethod
    def _measure(target: _Target, reference: Reference) -> DriftMeasured:
        observed = histogram(target.values, reference.edges)
        return DriftMeasured(
            target=target.name,
            psi=population_stability(reference.shares, observed),
            mean_shift=sum(target.values) / len(target.values) - reference.mean,
            samples=len(target.values),
        )

    def reset_prediction_reference(self) -> None:
        """A new model has a score distribution of its own."""
        with self._lock:
            self._targets[PREDICTION] = _Target(PREDICTION)
            self._latest.pop(PREDICTION, None)

    def latest(self) -> list[DriftMeasured]:
        return sorted(self._latest.values(), key=lambda event: event.psi, reverse=True)

    def drifting(self) -> list[str]:
        return [event.target for event in self.latest() if event.psi > self._config.psi_warn]
