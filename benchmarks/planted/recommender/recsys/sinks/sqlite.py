"""SQLite history: one table per kind of report that people query afterwards."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

from .. import messages as m
from ..config import SinkConfig
from . import Route, Sink, register_sink

SCHEMA = """
CREATE TABLE IF NOT EXISTS steps (
    run TEXT, t REAL, step INTEGER, epoch INTEGER, loss REAL, lr REAL, grad_norm REAL,
    clipped_total INTEGER, skipped_total INTEGER, examples INTEGER, examples_per_s REAL,
    step_ms REAL, data_wait_ms REAL
);
CREATE TABLE IF NOT EXISTS evals (
    run TEXT, t REAL, step INTEGER, auc REAL, logloss REAL, ece REAL, bias REAL,
    recall TEXT, duration_s REAL
);
CREATE TABLE IF NOT EXISTS segments (
    run TEXT, step INTEGER, segment TEXT, examples INTEGER, auc REAL, recall REAL, bias REAL
);
CREATE TABLE IF NOT EXISTS drops (
    run TEXT, t REAL, step INTEGER, rows_read INTEGER, rows_kept INTEGER, duplicates INTEGER,
    malformed INTEGER, rejected INTEGER, tail_dropped INTEGER, drop_rate REAL
);
CREATE TABLE IF NOT EXISTS findings (
    run TEXT, t REAL, step INTEGER, check_name TEXT, severity TEXT, detail TEXT, value REAL
);
CREATE TABLE IF NOT EXISTS alerts (
    run TEXT, t REAL, step INTEGER, rule TEXT, state TEXT, severity TEXT, value REAL, threshold REAL
);
CREATE TABLE IF NOT EXISTS checkpoints (
    run TEXT, t REAL, step INTEGER, path TEXT, reason TEXT, size_bytes INTEGER, duration_s REAL,
    pruned INTEGER, best_metric REAL
);
CREATE TABLE IF NOT EXISTS exports (
    run TEXT, t REAL, step INTEGER, accepted INTEGER, refusal TEXT, rows_written INTEGER,
    rows_dead INTEGER, quant_rmse REAL, bytes_written INTEGER, duration_s REAL
);
CREATE TABLE IF NOT EXISTS refreshes (
    run TEXT, t REAL, step INTEGER, updated INTEGER, unchanged INTEGER, invalid INTEGER,
    expired INTEGER, store_size INTEGER
);
CREATE TABLE IF NOT EXISTS runs (
    run TEXT, t REAL, phase TEXT, steps INTEGER, examples INTEGER, skipped INTEGER, wall_s REAL,
    final_loss REAL, best_metric REAL, reason TEXT
);
"""

_STEP_COLUMNS = (
    "step",
    "epoch",
    "loss",
    "lr",
    "grad_norm",
    "clipped_total",
    "skipped_total",
    "examples",
    "examples_per_s",
    "step_ms",
    "data_wait_ms",
)
_CHECKPOINT_COLUMNS = (
    "step",
    "path",
    "reason",
    "size_bytes",
    "duration_s",
    "pruned",
    "best_metric",
)
_EXPORT_COLUMNS = (
    "step",
    "accepted",
    "refusal",
    "rows_written",
    "rows_dead",
    "quant_rmse",
    "bytes_written",
    "duration_s",
)
_REFRESH_COLUMNS = ("step", "updated", "unchanged", "invalid", "expired", "store_size")


@register_sink("sqlite")
class SqliteSink(Sink):
    """Written from the bus thread only; commits every ``commit_every`` rows."""

    def __init__(self, cfg: SinkConfig, run_name: str) -> None:
        super().__init__(cfg, run_name)
        self._db: sqlite3.Connection | None = None
        self._pending = 0

    def start(self) -> None:
        directory = Path(self.cfg.directory)
        directory.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(directory / "history.db", check_same_thread=False)
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        if self._db is not None:
            self._db.commit()
            self._db.close()
            self._db = None

    def routes(self) -> dict[type, Route]:
        return {
            m.StepReport: self._step,
            m.EvalReport: self._eval,
            m.IngestReport: self._ingest,
            m.HealthReport: self._health,
            m.AlertEvent: self._alert,
            m.CheckpointEvent: self._checkpoint,
            m.ExportReport: self._export,
            m.RefreshReport: self._refresh,
            m.RunSummary: self._summary,
        }

    def _insert(self, table: str, row: dict[str, Any], stamped: bool = True) -> None:
        if self._db is None:
            return
        full = {"run": self.run_name, **({"t": time.time()} if stamped else {}), **row}
        marks = ", ".join(f":{name}" for name in full)
        self._db.execute(f"INSERT INTO {table} ({', '.join(full)}) VALUES ({marks})", full)
        self._pending += 1
        if self._pending >= self.cfg.commit_every:
            self._db.commit()
            self._pending = 0

    @staticmethod
    def _pick(msg: Any, columns: tuple[str, ...]) -> dict[str, Any]:
        return {name: getattr(msg, name) for name in columns}

    def _step(self, msg: m.StepReport) -> None:
        self._insert("steps", self._pick(msg, _STEP_COLUMNS))

    def _eval(self, msg: m.EvalReport) -> None:
        self._insert(
            "evals",
            {
                "step": msg.step,
                "auc": msg.auc,
                "logloss": msg.logloss,
                "ece": msg.ece,
                "bias": msg.bias,
                "recall": json.dumps({str(k): v for k, v in msg.recall.items()}),
                "duration_s": msg.duration_s,
            },
        )
        for segment, stats in msg.segments.items():
            row = {"step": msg.step, "segment": segment, **stats._asdict()}
            self._insert("segments", row, stamped=False)

    def _ingest(self, msg: m.IngestReport) -> None:
        self._insert(
            "drops",
            {
                "step": msg.step,
                "rows_read": msg.rows_read,
                "rows_kept": msg.rows_kept,
                "duplicates": msg.duplicates,
                "malformed": sum(msg.malformed.values()),
                "rejected": sum(msg.rejected.values()),
                "tail_dropped": msg.tail_dropped,
                "drop_rate": msg.drop_rate,
            },
        )

    def _health(self, msg: m.HealthReport) -> None:
        for finding in msg.findings:
            self._insert(
                "findings",
                {
                    "step": msg.step,
                    "check_name": finding.check,
                    "severity": finding.severity.name,
                    "detail": finding.detail,
                    "value": finding.value,
                },
            )

    def _alert(self, msg: m.AlertEvent) -> None:
        self._insert(
            "alerts",
            {
                "t": msg.at,
                "step": msg.step,
                "rule": msg.rule,
                "state": msg.state.value,
                "severity": msg.severity.name,
                "value": msg.value,
                "threshold": msg.threshold,
            },
        )

    def _checkpoint(self, msg: m.CheckpointEvent) -> None:
        self._insert("checkpoints", self._pick(msg, _CHECKPOINT_COLUMNS))

    def _export(self, msg: m.ExportReport) -> None:
        self._insert("exports", self._pick(msg, _EXPORT_COLUMNS))

    def _refresh(self, msg: m.RefreshReport) -> None:
        self._insert("refreshes", self._pick(msg, _REFRESH_COLUMNS))

    def _summary(self, msg: m.RunSummary) -> None:
        self._insert(
            "runs",
            {
                "phase": msg.phase.value,
                "steps": msg.steps,
                "examples": msg.examples,
                "skipped": msg.skipped,
                "wall_s": msg.wall_s,
                "final_loss": msg.final_loss,
                "best_metric": msg.best_metric,
                "reason": msg.reason,
            },
        )


def recent_runs(path: Path, limit: int) -> list[sqlite3.Row]:
    with sqlite3.connect(path) as db:
        db.row_factory = sqlite3.Row
        return db.execute(
            "SELECT run, t, phase, steps, examples, skipped, wall_s, final_loss, best_metric, reason"
            " FROM runs ORDER BY t DESC LIMIT ?",
            (limit,),
        ).fetchall()


def drop_breakdown(path: Path, run: str) -> sqlite3.Row | None:
    with sqlite3.connect(path) as db:
        db.row_factory = sqlite3.Row
        return db.execute(
            "SELECT rows_read, rows_kept, duplicates, malformed, rejected, tail_dropped, drop_rate"
            " FROM drops WHERE run = ? ORDER BY t DESC LIMIT 1",
            (run,),
        ).fetchone()
