"""Alert rules over a flat view of the metrics, with pending, firing and cool-down states."""

from __future__ import annotations

import json
import logging
import operator
import time
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Callable

from . import messages as m
from .bus import EventBus
from .config import AlertConfig

log = logging.getLogger(__name__)

_OPS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Rule:
    name: str
    metric: str
    op: str
    threshold: float
    severity: m.Severity = m.Severity.WARN
    for_count: int = 1

    def violated(self, value: float) -> bool:
        return _OPS[self.op](value, self.threshold)


DEFAULT_RULES: tuple[Rule, ...] = (
    Rule("loss_high", "train.loss", ">", 5.0, for_count=100),
    Rule("throughput_low", "train.examples_per_s", "<", 200.0, for_count=200),
    Rule("steps_skipped", "train.skipped_total", ">", 50.0),
    Rule("data_wait", "train.wait_share", ">", 0.6, for_count=100),
    Rule("drops_high", "ingest.drop_rate", ">", 0.5),
    Rule("malformed_rows", "ingest.malformed_rate", ">", 0.02),
    Rule("shards_failed", "ingest.shards_failed", ">", 0.0, m.Severity.CRITICAL),
    Rule("auc_low", "eval.auc", "<", 0.55, m.Severity.CRITICAL),
    Rule("miscalibrated", "eval.ece", ">", 0.1),
    Rule("weak_segment", "eval.weakest_auc", "<", 0.5),
    Rule("feature_drift", "drift.worst", ">=", 0.25),
    Rule("user_table_full", "embedding.user.occupancy", ">", 0.95),
    Rule("item_table_full", "embedding.item.occupancy", ">", 0.95),
    Rule("unhealthy", "health.critical_streak", ">=", 3.0, m.Severity.CRITICAL),
    Rule("rank_skew", "ranks.skew", ">", 2.5, for_count=3),
    Rule("features_stale", "features.oldest_age_s", ">", 5 * 3600.0),
    Rule("export_refused", "export.refused", ">", 0.0, m.Severity.CRITICAL),
    Rule("messages_lost", "bus.dropped", ">", 0.0),
    Rule("handler_errors", "bus.errors", ">", 0.0),
)


def load_rules(path: str) -> tuple[Rule, ...]:
    """The default rules, with those of the file added or put in their place by name."""
    rules = {rule.name: rule for rule in DEFAULT_RULES}
    if path:
        for raw in json.loads(Path(path).read_text()):
            raw["severity"] = m.Severity[raw.get("severity", "WARN").upper()]
            rule = Rule(**raw)
            rules[rule.name] = rule
    return tuple(rules.values())


def _step(r: m.StepReport) -> dict[str, float]:
    return {
        "train.loss": r.loss,
        "train.examples_per_s": r.examples_per_s,
        "train.skipped_total": r.skipped_total,
        "train.wait_share": r.data_wait_ms / r.step_ms if r.step_ms else 0.0,
    }


def _ingest(r: m.IngestReport) -> dict[str, float]:
    malformed = sum(r.malformed.values())
    return {
        "ingest.drop_rate": r.drop_rate,
        "ingest.malformed_rate": malformed / r.rows_read if r.rows_read else 0.0,
        "ingest.shards_failed": r.shards_failed,
    }


def _eval(r: m.EvalReport) -> dict[str, float]:
    out = {"eval.auc": r.auc, "eval.ece": r.ece}
    if r.segments:
        out["eval.weakest_auc"] = min(s.auc for s in r.segments.values())
    return out


_EXTRACTORS: dict[type, Callable[[Any], dict[str, float]]] = {
    m.StepReport: _step,
    m.IngestReport: _ingest,
    m.EvalReport: _eval,
    m.DriftReport: lambda r: {"drift.worst": r.worst},
    m.EmbeddingReport: lambda r: {
        f"embedding.{table}.occupancy": stats["occupancy"] for table, stats in r.tables.items()
    },
    m.HealthReport: lambda r: {"health.critical_streak": r.critical_streak},
    m.RankReport: lambda r: {"ranks.skew": r.skew},
    m.RefreshReport: lambda r: {"features.oldest_age_s": r.oldest_age_s},
    m.ExportReport: lambda r: {"export.refused": float(not r.accepted)},
    m.BusStats: lambda r: {"bus.dropped": r.dropped, "bus.errors": sum(r.errors.values())},
}


@dataclass
class _RuleState:
    state: m.AlertState = m.AlertState.INACTIVE
    hits: int = 0
    resolved_at: float = field(default=float("-inf"))


class AlertEngine:
    """Evaluates the rules on every message that carries one of their metrics."""

    def __init__(self, cfg: AlertConfig, bus: EventBus) -> None:
        self.cfg = cfg
        self._bus = bus
        self._rules: dict[str, list[Rule]] = {}
        for rule in load_rules(cfg.rules_path):
            self._rules.setdefault(rule.metric, []).append(rule)
        self._states: dict[str, _RuleState] = {}

    def attach(self) -> None:
        for kind, extract in _EXTRACTORS.items():
            self._bus.subscribe(kind, partial(self._on_message, extract))

    def _on_message(self, extract: Callable[[Any], dict[str, float]], msg: Any) -> None:
        for metric, value in extract(msg).items():
            for rule in self._rules.get(metric, ()):
                self._advance(rule, value, msg.step)

    def _advance(self, rule: Rule, value: float, step: int) -> None:
        st = self._states.setdefault(rule.name, _RuleState())
        if not rule.violated(value):
            if st.state is m.AlertState.FIRING:
                st.resolved_at = time.monotonic()
                self._emit(rule, m.AlertState.RESOLVED, value, step)
            st.state, st.hits = m.AlertState.INACTIVE, 0
            return
        if st.state is m.AlertState.FIRING:
            return
        st.state, st.hits = m.AlertState.PENDING, st.hits + 1
        cooled = time.monotonic() - st.resolved_at >= self.cfg.cooldown_s
        if st.hits >= rule.for_count and cooled:
            st.state = m.AlertState.FIRING
            self._emit(rule, m.AlertState.FIRING, value, step)

    def _emit(self, rule: Rule, state: m.AlertState, value: float, step: int) -> None:
        self._bus.publish(
            m.AlertEvent(
                rule=rule.name,
                state=state,
                severity=rule.severity,
                metric=rule.metric,
                value=value,
                threshold=rule.threshold,
                step=step,
            )
        )


Notifier = Callable[[AlertConfig, m.AlertEvent], None]


def _describe(event: m.AlertEvent) -> str:
    return (
        f"[{event.severity.name}] {event.rule} {event.state.value}: "
        f"{event.metric}={event.value:.4g} (threshold {event.threshold:g}) at step {event.step}"
    )


def notify_log(cfg: AlertConfig, event: m.AlertEvent) -> None:
    level = logging.ERROR if event.severity is m.Severity.CRITICAL else logging.WARNING
    log.log(level if event.state is m.AlertState.FIRING else logging.INFO, "%s", _describe(event))


def notify_file(cfg: AlertConfig, event: m.AlertEvent) -> None:
    path = Path(cfg.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        handle.write(f"{event.at:.3f} {_describe(event)}\n")


def notify_webhook(cfg: AlertConfig, event: m.AlertEvent) -> None:
    if not cfg.webhook:
        return
    body = json.dumps({"text": _describe(event), "severity": event.severity.name}).encode()
    request = urllib.request.Request(
        cfg.webhook, data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=3) as response:
        log.debug("webhook answered %d", response.status)


NOTIFIERS: dict[str, Notifier] = {
    "log": notify_log,
    "file": notify_file,
    "webhook": notify_webhook,
}


def attach_notifiers(cfg: AlertConfig, bus: EventBus) -> None:
    for name in cfg.notifiers:
        notifier = NOTIFIERS.get(name)
        if notifier is None:
            log.error("no notifier called %r", name)
            continue
        bus.subscribe(m.AlertEvent, partial(notifier, cfg))
