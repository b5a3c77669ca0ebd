"""Alert rules, their state, and the notifiers."""
from __future__ import annotations

import json
import logging
import math
import threading
import time
import urllib.request
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Protocol

from .events import (
    AlertCleared,
    AlertRaised,
    EvalCompleted,
    Event,
    EventBus,
    Heartbeat,
    JobFailed,
    JobFinished,
    PreferenceMeasured,
    StepCompleted,
)
from .settings import AlertSettings

log = logging.getLogger(__name__)


@dataclass
class Verdict:
    firing: bool
    message: str = ""


class Rule(Protocol):
    name: str
    severity: str
    listens: tuple[type[Event], ...]

    def check(self, event: Any) -> Verdict: ...


class NonFiniteLoss:
    name = "non_finite_loss"
    severity = "critical"
    listens = (StepCompleted,)

    def check(self, event: StepCompleted) -> Verdict:
        record = event.payload
        bad = record.skipped or not math.isfinite(record.loss)
        return Verdict(bad, f"step {record.step} was skipped (loss {record.loss})")


class LossSpike:
    name = "loss_spike"
    severity = "warning"
    listens = (StepCompleted,)

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def check(self, event: StepCompleted) -> Verdict:
        record = event.payload
        spiking = record.loss_ema > 0 and record.loss > self._factor * record.loss_ema
        return Verdict(spiking, f"loss {record.loss:.3f} against an average of {record.loss_ema:.3f}")


class GradientExplosion:
    name = "grad_norm"
    severity = "warning"
    listens = (StepCompleted,)

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, event: StepCompleted) -> Verdict:
        norm = event.payload.grad_norm
        return Verdict(norm > self._limit, f"gradient norm {norm:.1f} over {self._limit:.1f}")


class LowThroughput:
    name = "low_throughput"
    severity = "warning"
    listens = (StepCompleted,)

    def __init__(self, minimum: float, warmup_steps: int = 20) -> None:
        self._minimum = minimum
        self._warmup = warmup_steps

    def check(self, event: StepCompleted) -> Verdict:
        record = event.payload
        slow = record.step > self._warmup and record.tokens_per_second < self._minimum
        return Verdict(slow, f"{record.tokens_per_second:.0f} tokens/s, expected {self._minimum:.0f}")


class DataStarvation:
    name = "data_starvation"
    severity = "info"
    listens = (StepCompleted,)

    def __init__(self, limit: float, window: int = 50) -> None:
        self._limit = limit
        self._recent: deque[float] = deque(maxlen=window)

    def check(self, event: StepCompleted) -> Verdict:
        self._recent.append(event.payload.data_wait_fraction)
        mean = sum(self._recent) / len(self._recent)
        return Verdict(mean > self._limit, f"{mean:.0%} of step time spent waiting for data")


class Stalled:
    """Heartbeats arrive while the step number stays where it is."""

    name = "stalled"
    severity = "critical"
    listens = (Heartbeat,)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._progress: dict[str, tuple[int, float]] = {}

    def check(self, event: Heartbeat) -> Verdict:
        step = event.payload.current_step
        last_step, since = self._progress.get(event.job_id, (-1, event.at))
        if step != last_step:
            since = event.at
        self._progress[event.job_id] = (step, since)
        idle = event.at - since
        return Verdict(idle > self._seconds, f"no step for {idle:.0f}s (at {step})")


class EventsDropped:
    name = "events_dropped"
    severity = "warning"
    listens = (Heartbeat,)

    def check(self, event: Heartbeat) -> Verdict:
        return Verdict(event.payload.dropped > 0, f"worker dropped {event.payload.dropped} events")


class EvalRegression:
    name = "eval_regression"
    severity = "warning"
    listens = (EvalCompleted,)

    def __init__(self, drop: float) -> None:
        self._drop = drop
        self._best: dict[tuple[str, str], float] = {}

    def check(self, event: EvalCompleted) -> Verdict:
        fallen: list[str] = []
        for summary in event.payload.scores:
            key = (event.job_id, summary.name)
            best = self._best.get(key, summary.mean)
            if best - summary.mean > self._drop + summary.stderr:
                fallen.append(f"{summary.name} {best:.3f}→{summary.mean:.3f}")
            self._best[key] = max(best, summary.mean)
        return Verdict(bool(fallen), ", ".join(fallen))


class PreferenceCollapse:
    name = "preference_collapse"
    severity = "warning"
    listens = (PreferenceMeasured,)

    def check(self, event: PreferenceMeasured) -> Verdict:
        report = event.payload
        return Verdict(
            report.accuracy < 0.5 and report.margin < 0,
            f"accuracy {report.accuracy:.2f}, margin {report.margin:.3f}",
        )


def default_rules(settings: AlertSettings) -> list[Rule]:
    return [
        NonFiniteLoss(),
        LossSpike(settings.loss_spike_factor),
        GradientExplosion(settings.grad_norm_limit),
        LowThroughput(settings.min_tokens_per_second),
        DataStarvation(settings.max_data_wait_fraction),
        Stalled(settings.stall_seconds),
        EventsDropped(),
        EvalRegression(settings.eval_drop),
        PreferenceCollapse(),
    ]


class WebhookNotifier:
    def __init__(self, url: str) -> None:
        self._url = url
        self.failures = 0

    def notify(self, alert: AlertRaised) -> None:
        threading.Thread(target=self._post, args=(alert,), daemon=True).start()

    def _post(self, alert: AlertRaised) -> None:
        body = {
            "job": alert.job_id,
            "rule": alert.rule,
            "severity": alert.severity,
            "message": alert.message,
            "at": alert.at,
        }
        request = urllib.request.Request(
            self._url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except OSError:
            self.failures += 1
            log.warning("alert webhook failed", exc_info=True)


class AlertManager:
    def __init__(self, bus: EventBus, rules: list[Rule], settings: AlertSettings) -> None:
        self._bus = bus
        self._rules = rules
        self._cooldown = settings.cooldown_seconds
        self._webhook = WebhookNotifier(settings.webhook_url) if settings.webhook_url else None
        self._active: dict[tuple[str, str], AlertRaised] = {}
        self._last_fired: dict[tuple[str, str], float] = {}
        self._suppressed: Counter[str] = Counter()

    def register(self) -> None:
        for rule in self._rules:
            for event_type in rule.listens:
                self._bus.subscribe(event_type, lambda event, rule=rule: self._evaluate(rule, event))
        self._bus.subscribe(JobFinished, self._on_job_end)
        self._bus.subscribe(JobFailed, self._on_job_end)

    def _evaluate(self, rule: Rule, event: Event) -> None:
        verdict = rule.check(event)
        key = (event.job_id, rule.name)
        if not verdict.firing:
            self._clear(key, event.at)
            return
        if key in self._active:
            return
        if event.at - self._last_fired.get(key, -math.inf) < self._cooldown:
            self._suppressed[rule.name] += 1
            return
        alert = AlertRaised(
            job_id=event.job_id,
            at=event.at,
            rule=rule.name,
            severity=rule.severity,
            message=verdict.message,
        )
        self._active[key] = alert
        self._last_fired[key] = event.at
        log.warning("alert %s on %s: %s", alert.rule, alert.job_id, alert.message)
        if self._webhook is not None:
            self._webhook.notify(alert)
        self._bus.publish(alert)

    def _clear(self, key: tuple[str, str], at: float) -> None:
        alert = self._active.pop(key, None)
        if alert is None:
            return
        self._bus.publish(AlertCleared(job_id=key[0], at=at, rule=key[1], active_seconds=at - alert.at))

    def _on_job_end(self, event: Event) -> None:
        for key in [k for k in self._active if k[0] == event.job_id]:
            self._clear(key, event.at)

    def snapshot(self) -> dict[str, Any]:
        now = time.time()
        return {
            "active": [
                {
                    "job_id": a.job_id,
                    "rule": a.rule,
                    "severity": a.severity,
                    "message": a.message,
                    "age_s": now - a.at,
                }
                for a in self._active.values()
            ],
            "suppressed": dict(self._suppressed),
            "webhook_failures": self._webhook.failures if self._webhook is not None else 0,
        }
