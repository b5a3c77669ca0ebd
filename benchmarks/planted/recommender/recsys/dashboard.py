"""Terminal dashboard: a thread that redraws text panels from the latest messages."""

from __future__ import annotations

import math
import sys
import threading
from collections import deque
from typing import Any, Callable, Iterator, TextIO, TypeVar

from . import messages as m
from .bus import EventBus

T = TypeVar("T")
Panel = Callable[["DashboardState"], Iterator[str]]

_SPARK = "▁▂▃▄▅▆▇█"
_WIDTH = 78


class DashboardState:
    """The latest message of each kind, the recent losses, and the alerts that fire."""

    def __init__(self) -> None:
        self._latest: dict[type, Any] = {}
        self._lock = threading.Lock()
        self.losses: deque[float] = deque(maxlen=60)
        self.alerts: dict[str, m.AlertEvent] = {}

    def remember(self, msg: Any) -> None:
        with self._lock:
            self._latest[type(msg)] = msg
            if isinstance(msg, m.StepReport) and math.isfinite(msg.loss):
                self.losses.append(msg.loss)

    def on_alert(self, msg: m.AlertEvent) -> None:
        with self._lock:
            if msg.state is m.AlertState.FIRING:
                self.alerts[msg.rule] = msg
            else:
                self.alerts.pop(msg.rule, None)

    def latest(self, kind: type[T]) -> T | None:
        with self._lock:
            return self._latest.get(kind)

    def firing(self) -> list[m.AlertEvent]:
        with self._lock:
            return sorted(self.alerts.values(), key=lambda a: (-a.severity, a.rule))

    def recent_losses(self) -> list[float]:
        with self._lock:
            return list(self.losses)


def sparkline(values: list[float]) -> str:
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(_SPARK[int((v - low) / span * (len(_SPARK) - 1))] for v in values)


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def training_panel(state: DashboardState) -> Iterator[str]:
    r = state.latest(m.StepReport)
    if r is None:
        yield "waiting for the first step"
        return
    yield f"step {r.step:>8}  epoch {r.epoch}  loss {r.loss:.4f}  lr {r.lr:.2e}"
    yield f"grad {r.grad_norm:8.3f}  clip x{r.clip_scale:.2f}  clipped {r.clipped_total}  skipped {r.skipped_total}"
    yield f"{r.examples_per_s:9.0f} ex/s  {r.examples} examples"
    yield "  ".join(f"{head} {value:.4f}" for head, value in r.loss_parts.items())
    yield sparkline(state.recent_losses())


def timing_panel(state: DashboardState) -> Iterator[str]:
    r = state.latest(m.StepReport)
    if r is None:
        return
    shares = {
        "wait": r.data_wait_ms,
        "forward": r.forward_ms,
        "backward": r.backward_ms,
        "optim": r.optim_ms,
    }
    yield f"step {r.step_ms:.1f} ms: " + "  ".join(f"{k} {v:.1f}" for k, v in shares.items())
    yield f"prefetch {r.queue_depth} ready, starved {r.starvations} times"


def data_panel(state: DashboardState) -> Iterator[str]:
    r = state.latest(m.IngestReport)
    if r is None:
        return
    yield f"{r.rows_kept} of {r.rows_read} rows kept ({r.drop_rate:.1%} dropped), {_size(r.bytes_read)}"
    causes = {
        "duplicate": r.duplicates,
        "tail": r.tail_dropped,
        **{f"bad:{k}": v for k, v in r.malformed.items()},
        **r.rejected,
    }
    yield "  ".join(f"{k} {v}" for k, v in causes.items() if v) or "nothing dropped"
    yield f"shards {r.shards_opened} ({r.shards_failed} failed)  positives {r.positive_rate:.2%}  store hits {r.store_hit_rate:.1%}"


def feature_panel(state: DashboardState) -> Iterator[str]:
    features, drift = state.latest(m.FeatureReport), state.latest(m.DriftReport)
    if features is None:
        return
    for name, s in features.features.items():
        psi = f"{drift.psi[name]:.3f}" if drift and name in drift.psi else "-"
        mark = "!" if drift and name in drift.drifted + drift.missing_alarms else " "
        yield f"{mark}{name:<16} {s['mean']:>10.3f} ±{s['std']:<9.3f} missing {s['missing_rate']:.1%}  psi {psi}"


def table_panel(state: DashboardState) -> Iterator[str]:
    r = state.latest(m.EmbeddingReport)
    for name, s in (r.tables if r else {}).items():
        yield (
            f"{name:<6} full {s['occupancy']:.1%}  coll {s['collision_rate']:.2%}  evicted {s['evictions']}"
            f"  dead {s['dead_rows']}  norm {s['norm_mean']:.2f}/{s['norm_p99']:.2f}/{s['norm_max']:.2f}"
        )


def gradient_panel(state: DashboardState) -> Iterator[str]:
    r = state.latest(m.GradReport)
    if r is None:
        return
    for group, g in r.groups.items():
        yield f"{group:<11} norm {g.norm:9.4f}  max {g.max_abs:9.4f}  zero {g.zero_fraction:.0%}"
    yield f"cosine {r.direction_cosine:+.2f}  update {r.update_ratio:.1e}  non-finite {r.nonfinite}"


def quality_panel(state: DashboardState) -> Iterator[str]:
    r = state.latest(m.EvalReport)
    if r is None:
        return
    yield f"@{r.step}: auc {r.auc:.4f}  logloss {r.logloss:.4f}  ece {r.ece:.4f}  bias {r.bias:+.4f}"
    yield "  ".join(f"recall@{k} {v:.3f}" for k, v in r.recall.items())
    for name, s in sorted(r.segments.items(), key=lambda kv: kv[1].auc)[:3]:
        yield f"  {name:<20} auc {s.auc:.4f}  recall {s.recall:.3f}  n {s.examples}"


def operations_panel(state: DashboardState) -> Iterator[str]:
    if (c := state.latest(m.CheckpointEvent)) is not None:
        yield f"checkpoint @{c.step} {c.reason} {_size(c.size_bytes)}, {c.retained} kept"
    if (w := state.latest(m.RankReport)) is not None and w.world_size > 1:
        yield f"{w.world_size} ranks, skew {w.skew:.2f} (rank {w.slowest_rank})"
    if (f := state.latest(m.RefreshReport)) is not None:
        yield f"feature store {f.store_size} items, oldest {f.oldest_age_s / 3600:.1f} h, {f.expired} expired"
    if (e := state.latest(m.ExportReport)) is not None:
        yield f"export {'ok' if e.accepted else e.refusal}: {e.rows_written} rows, {_size(e.bytes_written)}"
    if (b := state.latest(m.BusStats)) is not None and (b.dropped or b.errors):
        yield f"bus: {b.dropped} dropped, {sum(b.errors.values())} handler errors"


def health_panel(state: DashboardState) -> Iterator[str]:
    r = state.latest(m.HealthReport)
    if r is not None:
        yield f"{r.status.name} @{r.step} ({r.checks_run} checks, critical streak {r.critical_streak})"
        for f in r.findings:
            yield f"  {f.check}: {f.detail}"
    for a in state.firing():
        yield f"  ALERT {a.severity.name} {a.rule}: {a.metric}={a.value:.4g}"


PANELS: tuple[tuple[str, Panel], ...] = (
    ("training", training_panel),
    ("timing", timing_panel),
    ("data", data_panel),
    ("features", feature_panel),
    ("tables", table_panel),
    ("gradients", gradient_panel),
    ("quality", quality_panel),
    ("operations", operations_panel),
    ("health", health_panel),
)

_REMEMBERED: tuple[type, ...] = (
    m.PhaseChange,
    m.StepReport,
    m.IngestReport,
    m.FeatureReport,
    m.DriftReport,
    m.EmbeddingReport,
    m.GradReport,
    m.EvalReport,
    m.CheckpointEvent,
    m.RankReport,
    m.RefreshReport,
    m.ExportReport,
    m.BusStats,
    m.HealthReport,
)


def render(state: DashboardState, run_name: str) -> str:
    phase = state.latest(m.PhaseChange)
    title = f"{run_name} · {phase.phase.value if phase else 'starting'}"
    if phase is not None and phase.reason:
        title += f" ({phase.reason})"
    lines = [title, "=" * _WIDTH]
    for name, panel in PANELS:
        body = list(panel(state))
        if body:
            lines.append(f"-- {name} ".ljust(_WIDTH, "-"))
            lines.extend(line[:_WIDTH] for line in body)
    return "\n".join(lines)


class Dashboard:
    def __init__(self, run_name: str, interval_s: float, out: TextIO = sys.stdout) -> None:
        self._run_name = run_name
        self._interval = interval_s
        self._out = out
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="dashboard", daemon=True)
        self.state = DashboardState()

    def attach(self, bus: EventBus) -> None:
        for kind in _REMEMBERED:
            bus.subscribe(kind, self.state.remember)
        bus.subscribe(m.AlertEvent, self.state.on_alert)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._draw()

    def _draw(self) -> None:
        self._out.write("\x1b[2J\x1b[H" + render(self.state, self._run_name) + "\n")
        self._out.flush()

    def _loop(self) -> None:
        while not self._stop.wait(self._interval):
            self._draw()
