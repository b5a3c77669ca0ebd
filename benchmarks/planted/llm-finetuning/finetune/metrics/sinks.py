"""File, database and TensorBoard sinks."""
from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any, Iterator

from ..records import TrainSummary
from .hub import MetricPoint

_SCHEMA = """
CREATE TABLE IF NOT EXISTS metrics (
    job_id TEXT NOT NULL, name TEXT NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL, at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS metrics_by_name ON metrics (job_id, name, step);
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, outcome TEXT, steps INTEGER, tokens INTEGER, seconds REAL, final_loss REAL,
    skipped_steps INTEGER, best_score REAL, stop_reason TEXT, error TEXT, finished_at REAL
);
CREATE TABLE IF NOT EXISTS alerts (
    job_id TEXT, rule TEXT, severity TEXT, message TEXT, raised_at REAL, active_seconds REAL
);
"""


class JsonlSink:
    name = "jsonl"

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = path.open("a", encoding="utf-8")

    def write(self, point: MetricPoint) -> None:
        line = {
            "job": point.job_id,
            "metric": point.name,
            "value": point.value,
            "step": point.step,
            "at": point.at,
        }
        self._handle.write(json.dumps(line) + "\n")

    def flush(self) -> None:
        self._handle.flush()

    def close(self) -> None:
        self._handle.close()


def read_jsonl(path: Path) -> Iterator[MetricPoint]:
    """The inverse of JsonlSink, for `finetune tail`."""
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            raw = json.loads(line)
            yield MetricPoint(raw["job"], raw["metric"], raw["value"], raw.get("step", 0), raw.get("at", 0.0))


class SqliteSink:
    name = "sqlite"

    def __init__(self, path: Path, batch: int = 256) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.executescript(_SCHEMA)
        self._pending: list[tuple[Any, ...]] = []
        self._batch = batch

    def write(self, point: MetricPoint) -> None:
        with self._lock:
            self._pending.append((point.job_id, point.name, point.step, point.value, point.at))
            full = len(self._pending) >= self._batch
        if full:
            self.flush()

    def flush(self) -> None:
        with self._lock:
            rows, self._pending = self._pending, []
            self._connection.executemany(
                "INSERT INTO metrics (job_id, name, step, value, at) VALUES (?, ?, ?, ?, ?)", rows
            )
            self._connection.commit()

    def record_job(
        self, job_id: str, outcome: str, finished_at: float, summary: TrainSummary | None = None, error: str = ""
    ) -> None:
        row: dict[str, Any] = {"job_id": job_id, "outcome": outcome, "error": error, "finished_at": finished_at}
        if summary is not None:
            row.update(
                steps=summary.steps,
                tokens=summary.tokens,
                seconds=summary.seconds,
                final_loss=summary.final_loss,
                skipped_steps=summary.skipped_steps,
                best_score=summary.best_score,
                stop_reason=summary.stop_reason,
            )
        columns = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        with self._lock:
            self._connection.execute(
                f"INSERT OR REPLACE INTO jobs ({columns}) VALUES ({marks})", tuple(row.values())
            )
            self._connection.commit()

    def record_alert(self, job_id: str, rule: str, severity: str, message: str, at: float) -> None:
        with self._lock:
            self._connection.execute(
                "INSERT INTO alerts (job_id, rule, severity, message, raised_at) VALUES (?, ?, ?, ?, ?)",
                (job_id, rule, severity, message, at),
            )
            self._connection.commit()

    def close_alert(self, job_id: str, rule: str, active_seconds: float) -> None:
        with self._lock:
            self._connection.execute(
                "UPDATE alerts SET active_seconds = ? WHERE job_id = ? AND rule = ? AND active_seconds IS NULL",
                (active_seconds, job_id, rule),
            )
            self._connection.commit()

    def close(self) -> None:
        self._connection.close()


class TensorboardSink:
    name = "tensorboard"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._writers: dict[str, Any] = {}

    def _writer(self, job_id: str) -> Any:
        if job_id not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            self._writers[job_id] = SummaryWriter(log_dir=str(self._directory / job_id))
        return self._writers[job_id]

    def write(self, point: MetricPoint) -> None:
        self._writer(point.job_id).add_scalar(point.name, point.value, point.step, walltime=point.at)

    def flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
