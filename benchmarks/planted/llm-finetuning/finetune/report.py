"""A text report of one job, read back from the SQLite store."""
from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any


class JobReport:
    def __init__(self, path: Path, job_id: str) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.row_factory = sqlite3.Row
        self._job_id = job_id

    def _series(self, name: str) -> list[tuple[int, float]]:
        rows = self._connection.execute(
            "SELECT step, value FROM metrics WHERE job_id = ? AND name = ? ORDER BY step", (self._job_id, name)
        )
        return [(row["step"], row["value"]) for row in rows]

    def _latest(self, prefix: str) -> dict[str, float]:
        """The last value of every metric below `prefix`, keyed by the rest of its name."""
        rows = self._connection.execute(
            "SELECT name, value FROM metrics WHERE job_id = ? AND name LIKE ? ORDER BY step",
            (self._job_id, f"{prefix}/%"),
        )
        return {row["name"][len(prefix) + 1 :]: row["value"] for row in rows}

    def _job_row(self) -> dict[str, Any]:
        row = self._connection.execute("SELECT * FROM jobs WHERE job_id = ?", (self._job_id,)).fetchone()
        return dict(row) if row is not None else {}

    def _overview(self) -> list[str]:
        job = self._job_row()
        lines = [f"{self._job_id}: {job.get('outcome', 'running')}"]
        if job.get("steps"):
            lines.append(
                f"  {job['steps']} steps, {job['tokens'] or 0} tokens in {job['seconds'] or 0:.0f}s,"
                f" {job['skipped_steps'] or 0} skipped, stopped: {job['stop_reason']}"
            )
        if job.get("final_loss") is not None:
            lines.append(f"  final loss {job['final_loss']:.4f}")
        if job.get("best_score") is not None:
            lines.append(f"  best score {job['best_score']:.3f}")
        if job.get("error"):
            lines.append(f"  error: {job['error']}")
        return lines

    def _training(self) -> list[str]:
        loss = self._series("train/loss")
        if not loss:
            return []
        lines = ["training"]
        best_step, best = min(loss, key=lambda entry: entry[1])
        lines.append(f"  loss {loss[0][1]:.3f} → {loss[-1][1]:.3f}, lowest {best:.3f} at {best_step}")
        speed = [value for _, value in self._series("train/tokens_per_second")]
        waits = [value for _, value in self._series("train/data_wait_fraction")]
        if speed:
            lines.append(f"  {sum(speed) / len(speed):.0f} tokens/s on average")
        if waits:
            lines.append(f"  {sum(waits) / len(waits):.1%} of the time waiting for data")
        for title, prefix in (("largest gradients", "grad_norm"), ("largest adapter updates", "lora/update_norm")):
            top = sorted(self._latest(prefix).items(), key=lambda item: -item[1])[:5]
            if top:
                lines.append(f"  {title}: " + ", ".join(f"{name} {value:.3f}" for name, value in top))
        phases = self._latest("phase")
        if phases:
            lines.append("  time: " + ", ".join(f"{name} {value:.0f}s" for name, value in phases.items()))
        return lines

    def _data(self) -> list[str]:
        buckets = self._latest("data/length")
        if not buckets:
            return []
        lines = ["data"] + [f"  {name:<10} {int(count)}" for name, count in buckets.items()]
        sources = self._latest("data/source")
        for key, count in sorted(sources.items()):
            source, _, what = key.rpartition("/")
            lines.append(f"  {source}: {int(count)} {what}")
        return lines

    def _evaluation(self) -> list[str]:
        latest = self._latest("eval")
        scorers = sorted({key.split("/")[0] for key in latest if key.endswith("/mean")})
        if not scorers:
            return []
        lines = [f"evaluation (loss {latest.get('loss', 0.0):.3f}, perplexity {latest.get('perplexity', 0.0):.2f})"]
        for scorer in scorers:
            series = self._series(f"eval/{scorer}/mean")
            stderr = latest.get(f"{scorer}/stderr", 0.0)
            lines.append(f"  {scorer:<10} {series[0][1]:.3f} → {series[-1][1]:.3f} ±{stderr:.3f}")
        return lines

    def _preference(self) -> list[str]:
        latest = self._latest("preference")
        if not latest:
            return []
        return [
            f"preference: accuracy {latest.get('accuracy', 0.0):.2f}, chosen {latest.get('chosen_reward', 0.0):.3f},"
            f" rejected {latest.get('rejected_reward', 0.0):.3f}, ties {latest.get('tie_fraction', 0.0):.1%}"
        ]

    def _alerts(self) -> list[str]:
        rows = self._connection.execute(
            "SELECT rule, severity, COUNT(*) AS times, SUM(active_seconds) AS seconds, MAX(message) AS message"
            " FROM alerts WHERE job_id = ? GROUP BY rule, severity",
            (self._job_id,),
        ).fetchall()
        return [
            f"alert {row['rule']} ({row['severity']}): {row['times']} times, {row['seconds'] or 0:.0f}s,"
            f" e.g. {row['message']}"
            for row in rows
        ]

    def render(self) -> str:
        sections = (
            self._overview(),
            self._training(),
            self._data(),
            self._evaluation(),
            self._preference(),
            self._alerts(),
        )
        return "\n".join(line for section in sections for line in section)
