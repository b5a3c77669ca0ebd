"""Alert rules over named signals."""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import dataclass
from typing import Callable

from serving.breaker import CircuitBreaker
from serving.canary import ShadowRunner
from serving.config import AlertConfig
from serving.drift import DriftMonitor
from serving.events import AlertChanged, EventBus
from serving.livestats import LiveStats, LiveView
from serving.queueing import RequestQueue
from serving.slo import SloTracker

OPERATORS: dict[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge, "<": operator.lt}


@dataclass(frozen=True)
class SignalSources:
    stats: LiveStats
    queue: RequestQueue
    breaker: CircuitBreaker
    slo: SloTracker
    drift: DriftMonitor
    shadow: ShadowRunner
    bus: EventBus


Signal = Callable[[SignalSources, LiveView], float]
SIGNALS: dict[str, Signal] = {}


def signal(name: str) -> Callable[[Signal], Signal]:
    def register(function: Signal) -> Signal:
        SIGNALS[name] = function
        return function

    return register


@signal("error_rate")
def _error_rate(sources: SignalSources, view: LiveView) -> float:
    return view.error_rate


@signal("latency_p95")
def _latency_p95(sources: SignalSources, view: LiveView) -> float:
    return view.p95_s


@signal("queue_fill")
def _queue_fill(sources: SignalSources, view: LiveView) -> float:
    return sources.queue.depth() / sources.queue.capacity


@signal("breaker_open")
def _breaker_open(sources: SignalSources, view: LiveView) -> float:
    return 0.0 if sources.breaker.allow() else 1.0


@signal("burn_rate")
def _burn_rate(sources: SignalSources, view: LiveView) -> float:
    return sources.slo.worst_burn_rate()


@signal("drifting_targets")
def _drifting(sources: SignalSources, view: LiveView) -> float:
    return float(len(sources.drift.drifting()))


@signal("canary_unhealthy")
def _canary_unhealthy(sources: SignalSources, view: LiveView) -> float:
    return 0.0 if sources.shadow.verdict().healthy else 1.0


@signal("handler_errors")
def _handler_errors(sources: SignalSources, view: LiveView) -> float:
    return float(sources.bus.handler_errors())


@dataclass(frozen=True)
class AlertRule:
    name: str
    signal: str
    op: str
    threshold: float
    severity: str
    for_ticks: int = 1


def default_rules(config: AlertConfig) -> list[AlertRule]:
    return [
        AlertRule("HighErrorRate", "error_rate", ">", config.error_rate, "page", for_ticks=2),
        AlertRule("SlowResponses", "latency_p95", ">", config.p95_s, "page", for_ticks=2),
        AlertRule("QueueNearlyFull", "queue_fill", ">=", config.queue_fill, "warn"),
        AlertRule("BreakerOpen", "breaker_open", ">=", 1.0, "page"),
        AlertRule("BudgetBurn", "burn_rate", ">", config.burn_rate, "page", for_ticks=2),
        AlertRule("InputDrift", "drifting_targets", ">=", 1.0, "warn"),
        AlertRule("CanaryDiverged", "canary_unhealthy", ">=", 1.0, "warn", for_ticks=3),
        AlertRule("TelemetryErrors", "handler_errors", ">=", config.handler_errors, "warn"),
    ]


@dataclass
class AlertStatus:
    rule: AlertRule
    value: float = 0.0
    pending: int = 0
    firing: bool = False


class AlertEngine:
    def __init__(self, rules: list[AlertRule], sources: SignalSources, bus: EventBus) -> None:
        self._sources = sources
        self._bus = bus
        self._states = [AlertStatus(rule) for rule in rules]
        self._fired_total: Counter[str] = Counter()

    def evaluate(self) -> None:
        view = self._sources.stats.view()
        values = {name: read(self._sources, view) for name, read in SIGNALS.items()}
        for state in self._states:
            rule = state.rule
            value = values.get(rule.signal)
            if value is None:
                continue
            state.value = value
            if OPERATORS[rule.op](value, rule.threshold):
                state.pending += 1
                if state.pending >= rule.for_ticks and not state.firing:
                    self._change(state, True)
            else:
                state.pending = 0
                if state.firing:
                    self._change(state, False)

    def _change(self, state: AlertStatus, firing: bool) -> None:
        state.firing = firing
        if firing:
            self._fired_total[state.rule.name] += 1
        self._bus.publish(
            AlertChanged(
                name=state.rule.name,
                severity=state.rule.severity,
                state="firing" if firing else "resolved",
                value=state.value,
                threshold=state.rule.threshold,
            )
        )

    def firing(self) -> list[AlertStatus]:
        return [state for state in self._states if state.firing]

    def fired_total(self) -> dict[str, int]:
        return dict(self._fired_total)
