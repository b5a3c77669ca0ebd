"""JSON status over HTTP: ``/status`` for people and scripts, ``/healthz`` for the orchestrator."""

from __future__ import annotations

import json
import math
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .. import messages as m
from ..config import SinkConfig
from . import Route, Sink, register_sink

_STALE_AFTER_S = 300.0


def _finite(value: Any) -> Any:
    """NaN and infinities are not JSON; they become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value


class StatusBoard:
    """The latest state, merged from messages; read by the HTTP threads."""

    def __init__(self, run_name: str) -> None:
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {"run": run_name, "phase": m.Phase.STARTING.value, "alerts": {}}
        self._last_step_at: float | None = None

    def update(self, **values: Any) -> None:
        with self._lock:
            self._state.update(values)

    def mark_step(self) -> None:
        with self._lock:
            self._last_step_at = time.time()

    def set_alert(self, rule: str, entry: dict[str, Any] | None) -> None:
        with self._lock:
            if entry is None:
                self._state["alerts"].pop(rule, None)
            else:
                self._state["alerts"][rule] = entry

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            out = {**self._state, "alerts": dict(self._state["alerts"])}
            at = self._last_step_at
        out["step_age_s"] = time.time() - at if at is not None else None
        return _finite(out)

    def health(self) -> tuple[HTTPStatus, dict[str, Any]]:
        state = self.snapshot()
        age = state["step_age_s"]
        stale = age is not None and age > _STALE_AFTER_S and state["phase"] == m.Phase.TRAINING.value
        critical = state.get("health", {}).get("status") == m.Severity.CRITICAL.name
        failed = state["phase"] in (m.Phase.FAILED.value, m.Phase.ABORTED.value)
        body = {"phase": state["phase"], "stale": stale, "critical": critical, "failed": failed}
        bad = stale or critical or failed
        return (HTTPStatus.SERVICE_UNAVAILABLE if bad else HTTPStatus.OK), body


def _make_handler(board: StatusBoard) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            if self.path == "/status":
                self._reply(HTTPStatus.OK, board.snapshot())
            elif self.path == "/healthz":
                self._reply(*board.health())
            elif self.path == "/alerts":
                self._reply(HTTPStatus.OK, board.snapshot()["alerts"])
            else:
                self._reply(HTTPStatus.NOT_FOUND, {"error": "unknown path"})

        def _reply(self, code: HTTPStatus, body: Any) -> None:
            payload = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            """Requests are not logged."""

    return Handler


@register_sink("status")
class StatusSink(Sink):
    def __init__(self, cfg: SinkConfig, run_name: str) -> None:
        super().__init__(cfg, run_name)
        self.board = StatusBoard(run_name)
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("", self.cfg.status_port), _make_handler(self.board))
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()

    def routes(self) -> dict[type, Route]:
        return {
            m.PhaseChange: self._phase,
            m.StepReport: self._step,
            m.IngestReport: self._ingest,
            m.EvalReport: self._eval,
            m.HealthReport: self._health,
            m.DriftReport: self._drift,
            m.EmbeddingReport: self._embedding,
            m.AlertEvent: self._alert,
            m.CheckpointEvent: self._checkpoint,
            m.RefreshReport: self._refresh,
            m.ExportReport: self._export,
            m.BusStats: self._bus,
            m.RunSummary: self._summary,
        }

    def _phase(self, msg: m.PhaseChange) -> None:
        self.board.update(phase=msg.phase.value, phase_reason=msg.reason, phase_since=msg.at)

    def _step(self, msg: m.StepReport) -> None:
        self.board.mark_step()
        self.board.update(
            train={
                "step": msg.step,
                "epoch": msg.epoch,
                "loss": msg.loss,
                "lr": msg.lr,
                "grad_norm": msg.grad_norm,
                "examples": msg.examples,
                "examples_per_s": msg.examples_per_s,
                "skipped": msg.skipped_total,
                "queue_depth": msg.queue_depth,
            }
        )

    def _ingest(self, msg: m.IngestReport) -> None:
        self.board.update(
            ingest={
                "rows_read": msg.rows_read,
                "rows_kept": msg.rows_kept,
                "dropped": msg.dropped,
                "drop_rate": msg.drop_rate,
                "shards_failed": msg.shards_failed,
            }
        )

    def _eval(self, msg: m.EvalReport) -> None:
        weakest = min(msg.segments.items(), key=lambda kv: kv[1].auc, default=None)
        self.board.update(
            eval={
                "step": msg.step,
                "auc": msg.auc,
                "ece": msg.ece,
                "recall": {str(k): v for k, v in msg.recall.items()},
                "weakest_segment": weakest[0] if weakest else None,
                "weakest_auc": weakest[1].auc if weakest else None,
            }
        )

    def _health(self, msg: m.HealthReport) -> None:
        self.board.update(
            health={
                "status": msg.status.name,
                "findings": [f"{f.check}: {f.detail}" for f in msg.findings],
                "checks_run": msg.checks_run,
                "critical_streak": msg.critical_streak,
            }
        )

    def _drift(self, msg: m.DriftReport) -> None:
        self.board.update(
            drift={
                "worst": msg.worst,
                "level": msg.severity.name,
                "drifted": list(msg.drifted),
                "missing": list(msg.missing_alarms),
            }
        )

    def _embedding(self, msg: m.EmbeddingReport) -> None:
        self.board.update(
            tables={
                name: {
                    "occupancy": stats["occupancy"],
                    "collision_rate": stats["collision_rate"],
                    "dead_fraction": stats["dead_fraction"],
                }
                for name, stats in msg.tables.items()
            }
        )

    def _alert(self, msg: m.AlertEvent) -> None:
        if msg.state is m.AlertState.FIRING:
            entry = {
                "severity": msg.severity.name,
                "metric": msg.metric,
                "value": msg.value,
                "threshold": msg.threshold,
                "since": msg.at,
            }
            self.board.set_alert(msg.rule, entry)
        else:
            self.board.set_alert(msg.rule, None)

    def _checkpoint(self, msg: m.CheckpointEvent) -> None:
        self.board.update(
            checkpoint={"step": msg.step, "path": msg.path, "best_metric": msg.best_metric}
        )

    def _refresh(self, msg: m.RefreshReport) -> None:
        self.board.update(
            features={"store_size": msg.store_size, "oldest_age_s": msg.oldest_age_s, "invalid": msg.invalid}
        )

    def _export(self, msg: m.ExportReport) -> None:
        self.board.update(
            export={
                "step": msg.step,
                "accepted": msg.accepted,
                "refusal": msg.refusal,
                "rows_written": msg.rows_written,
            }
        )

    def _bus(self, msg: m.BusStats) -> None:
        self.board.update(
            bus={"dropped": msg.dropped, "backlog": msg.backlog, "errors": sum(msg.errors.values())}
        )

    def _summary(self, msg: m.RunSummary) -> None:
        self.board.update(
            result={
                "phase": msg.phase.value,
                "steps": msg.steps,
                "wall_s": msg.wall_s,
                "final_loss": msg.final_loss,
                "best_metric": msg.best_metric,
            }
        )
