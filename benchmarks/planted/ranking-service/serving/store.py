"""SQLite history of a run and the report over it."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import Any, Iterator

from serving.events import (
    AlertChanged,
    BatchExecuted,
    BreakerChanged,
    DriftMeasured,
    ModelReloaded,
    ModelReloadFailed,
    OfflineChunkScored,
    RequestFinished,
    RequestRejected,
    ScaleDecided,
    ShadowCompared,
    SloEvaluated,
    WarmupFinished,
    handles,
)

TABLES: dict[str, tuple[str, ...]] = {
    "requests": (
        "request_id", "trace_id", "tenant", "outcome", "model", "latency_s", "queue_s", "batch_wait_s",
        "inference_s", "tokens_in", "tokens_out", "reused_tokens", "feature_hit", "top_score",
    ),
    "rejections": ("request_id", "tenant", "reason", "queue_depth", "retry_after_s"),
    "batches": ("replica", "model", "size", "real_tokens", "padded_tokens", "duration_s", "retries", "failed", "closed_by"),
    "breaker": ("old_state", "new_state", "failures"),
    "models": ("action", "version", "previous", "seconds", "detail"),
    "shadow": ("trace_id", "primary_model", "candidate", "mean_abs_diff", "agreement", "latency_ratio"),
    "drift": ("target", "psi", "mean_shift", "samples"),
    "slo": ("objective", "good", "total", "burn_rate", "budget_left"),
    "scaling": ("current", "target", "reason", "utilization", "queue_depth"),
    "alerts": ("name", "severity", "state", "value", "threshold"),
    "offline": ("chunk", "rows", "failed", "seconds", "mean_score"),
}


class Store:
    """Buffers rows per table; `flush` writes them in one transaction."""

    def __init__(self, path: str, buffer_rows: int) -> None:
        self._buffer_rows = buffer_rows
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._lock = threading.Lock()
        self._buffer: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        self._rows_written = 0
        self._run_id = 0
        with self._connection:
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, command TEXT, version TEXT,"
                " started_at REAL, finished_at REAL, events INTEGER)"
            )
            for name, columns in TABLES.items():
                listed = ", ".join(columns)
                self._connection.execute(f"CREATE TABLE IF NOT EXISTS {name} (run_id INTEGER, at REAL, {listed})")

    def begin_run(self, command: str, version: str) -> None:
        with self._lock, self._connection:
            cursor = self._connection.execute(
                "INSERT INTO runs (command, version, started_at) VALUES (?, ?, ?)", (command, version, time.time())
            )
            self._run_id = int(cursor.lastrowid or 0)

    def end_run(self, events: int) -> None:
        self.flush()
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE runs SET finished_at = ?, events = ? WHERE id = ?", (time.time(), events, self._run_id)
            )

    def _add(self, table: str, *values: Any) -> None:
        with self._lock:
            self._buffer[table].append((self._run_id, time.time(), *values))
            full = sum(len(rows) for rows in self._buffer.values()) >= self._buffer_rows
        if full:
            self.flush()

    def flush(self) -> None:
        with self._lock, self._connection:
            for table, rows in self._buffer.items():
                if not rows:
                    continue
                marks = ", ".join("?" for _ in rows[0])
                self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
                self._rows_written += len(rows)
                rows.clear()

    @property
    def rows_written(self) -> int:
        return self._rows_written

    def close(self) -> None:
        self.flush()
        self._connection.close()

    @handles(RequestFinished)
    def on_finished(self, e: RequestFinished) -> None:
        self._add(
            "requests", e.request_id, e.trace_id, e.tenant, e.outcome, e.model_version, e.latency_s, e.queue_s,
            e.batch_wait_s, e.inference_s, e.tokens_in, e.tokens_out, e.reused_tokens, e.feature_hit, e.top_score,
        )

    @handles(RequestRejected)
    def on_rejected(self, e: RequestRejected) -> None:
        self._add("rejections", e.request_id, e.tenant, e.reason, e.queue_depth, e.retry_after_s)

    @handles(BatchExecuted)
    def on_batch(self, e: BatchExecuted) -> None:
        self._add(
            "batches", e.replica, e.model_version, e.size, e.real_tokens, e.padded_tokens, e.duration_s, e.retries,
            e.failed, e.trigger,
        )

    @handles(BreakerChanged)
    def on_breaker(self, e: BreakerChanged) -> None:
        self._add("breaker", e.old, e.new, e.failures)

    @handles(ModelReloaded)
    def on_reload(self, e: ModelReloaded) -> None:
        self._add("models", "load", e.new_version, e.old_version, e.load_s, e.trigger)

    @handles(ModelReloadFailed)
    def on_reload_failed(self, e: ModelReloadFailed) -> None:
        self._add("models", "load_failed", e.version, "", 0.0, f"{e.trigger}: {e.error}")

    @handles(WarmupFinished)
    def on_warmup(self, e: WarmupFinished) -> None:
        detail = f"{e.requests} requests, slowest {e.slowest_s * 1000:.1f} ms"
        self._add("models", "warmup", e.version, "", e.seconds, detail)

    @handles(ShadowCompared)
    def on_shadow(self, e: ShadowCompared) -> None:
        self._add("shadow", e.trace_id, e.primary, e.candidate, e.mean_abs_diff, e.agreement, e.latency_ratio)

    @handles(DriftMeasured)
    def on_drift(self, e: DriftMeasured) -> None:
        self._add("drift", e.target, e.psi, e.mean_shift, e.samples)

    @handles(SloEvaluated)
    def on_slo(self, e: SloEvaluated) -> None:
        self._add("slo", e.objective, e.good, e.total, e.burn_rate, e.budget_left)

    @handles(ScaleDecided)
    def on_scale(self, e: ScaleDecided) -> None:
        if e.target != e.current:
            self._add("scaling", e.current, e.target, e.reason, e.utilization, e.queue_depth)

    @handles(AlertChanged)
    def on_alert(self, e: AlertChanged) -> None:
        self._add("alerts", e.name, e.severity, e.state, e.value, e.threshold)

    @handles(OfflineChunkScored)
    def on_offline(self, e: OfflineChunkScored) -> None:
        self._add("offline", e.chunk, e.rows, e.failed, e.seconds, e.mean_score)


REPORT_SECTIONS: dict[str, str] = {
    "Outcomes": """
        SELECT outcome, model, COUNT(*) AS requests, ROUND(AVG(latency_s) * 1000, 2) AS mean_ms,
               ROUND(MAX(latency_s) * 1000, 2) AS max_ms
        FROM requests WHERE run_id = :run GROUP BY outcome, model ORDER BY requests DESC""",
    "Stages of served requests": """
        SELECT tenant, COUNT(*) AS served, ROUND(AVG(queue_s) * 1000, 2) AS queue_ms,
               ROUND(AVG(batch_wait_s) * 1000, 2) AS batch_ms, ROUND(AVG(inference_s) * 1000, 2) AS infer_ms,
               SUM(tokens_in) AS tok_in, SUM(tokens_out) AS tok_out, SUM(reused_tokens) AS reused,
               ROUND(AVG(feature_hit), 3) AS hit_ratio, ROUND(AVG(top_score), 4) AS top_score
        FROM requests WHERE run_id = :run AND outcome = 'ok' GROUP BY tenant""",
    "Slowest requests": """
        SELECT request_id, trace_id, tenant, outcome, ROUND(latency_s * 1000, 2) AS ms
        FROM requests WHERE run_id = :run ORDER BY latency_s DESC LIMIT 5""",
    "Rejections": """
        SELECT tenant, reason, COUNT(*) AS count, MIN(request_id) AS example, MAX(queue_depth) AS max_depth,
               ROUND(AVG(retry_after_s), 4) AS retry_s
        FROM rejections WHERE run_id = :run GROUP BY tenant, reason""",
    "Batches": """
        SELECT replica, model, closed_by, COUNT(*) AS batches, ROUND(AVG(size), 2) AS mean_size,
               ROUND(1.0 - SUM(real_tokens) * 1.0 / SUM(padded_tokens), 3) AS padding,
               ROUND(AVG(duration_s) * 1000, 2) AS ms, SUM(retries) AS retries, SUM(failed) AS failed
        FROM batches WHERE run_id = :run GROUP BY replica, model, closed_by""",
    "Breaker": """
        SELECT old_state, new_state, COUNT(*) AS changes, MAX(failures) AS max_failures
        FROM breaker WHERE run_id = :run GROUP BY old_state, new_state""",
    "Models": """
        SELECT action, version, previous, ROUND(seconds, 4) AS seconds, detail
        FROM models WHERE run_id = :run ORDER BY at""",
    "Shadow comparison": """
        SELECT primary_model, candidate, COUNT(*) AS samples, COUNT(DISTINCT trace_id) AS traces,
               ROUND(AVG(mean_abs_diff), 4) AS diff, ROUND(AVG(agreement), 3) AS agreement,
               ROUND(AVG(latency_ratio), 2) AS latency_ratio
        FROM shadow WHERE run_id = :run GROUP BY primary_model, candidate""",
    "Drift": """
        SELECT target, COUNT(*) AS windows, ROUND(MAX(psi), 3) AS max_psi, ROUND(AVG(mean_shift), 4) AS shift,
               SUM(samples) AS samples
        FROM drift WHERE run_id = :run GROUP BY target ORDER BY max_psi DESC""",
    "Objectives": """
        SELECT objective, MAX(total) AS largest_window, MAX(total - good) AS most_bad,
               ROUND(MAX(burn_rate), 2) AS max_burn, ROUND(MIN(budget_left), 3) AS min_budget
        FROM slo WHERE run_id = :run GROUP BY objective""",
    "Scaling": """
        SELECT current, target, reason, ROUND(utilization, 3) AS utilization, queue_depth
        FROM scaling WHERE run_id = :run ORDER BY at""",
    "Alerts": """
        SELECT name, severity, state, COUNT(*) AS count, ROUND(MAX(value), 3) AS max_value, threshold
        FROM alerts WHERE run_id = :run GROUP BY name, severity, state, threshold""",
    "Offline scoring": """
        SELECT COUNT(chunk) AS chunks, SUM(rows) AS rows, SUM(failed) AS failed, ROUND(SUM(seconds), 3) AS seconds,
               ROUND(SUM(mean_score * rows) / SUM(rows), 4) AS mean_score
        FROM offline WHERE run_id = :run HAVING COUNT(*) > 0""",
}


def _format_table(cursor: sqlite3.Cursor) -> Iterator[str]:
    header = [column[0] for column in cursor.description]
    rows = [["" if value is None else str(value) for value in row] for row in cursor.fetchall()]
    if not rows:
        yield "  (none)"
        return
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))


def render_report(path: str, run_id: int | None = None) -> str:
    """The report of one run, by default of the latest one."""
    connection = sqlite3.connect(path)
    try:
        chosen = run_id or connection.execute("SELECT MAX(id) FROM runs").fetchone()[0]
        row = connection.execute(
            "SELECT command, version, started_at, finished_at, events FROM runs WHERE id = ?", (chosen,)
        ).fetchone()
        if row is None:
            return "no runs recorded"
        command, version, started, finished, events = row
        took = f"{finished - started:.1f} s" if finished else "not finished"
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(started))
        lines = [f"run {chosen}: {command} (serving {version}) at {when}, {took}, {events} events"]
        for title, query in REPORT_SECTIONS.items():
            lines += ["", title, *_format_table(connection.execute(query, {"run": chosen}))]
        return "\n".join(lines)
    finally:
        connection.close()
