"""A terminal dashboard that polls the status endpoint."""
from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from .settings import ServiceSettings

_BARS = "▁▂▃▄▅▆▇█"
_CLEAR = "\x1b[2J\x1b[H"


def sparkline(values: list[float], width: int = 40) -> str:
    recent = [v for v in values[-width:] if v == v]
    if not recent:
        return ""
    low, high = min(recent), max(recent)
    span = (high - low) or 1.0
    return "".join(_BARS[int((v - low) / span * (len(_BARS) - 1))] for v in recent)


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, secs = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}"


class Dashboard:
    def __init__(self, settings: ServiceSettings) -> None:
        self._base = f"http://{settings.host}:{settings.port}"
        self._refresh = settings.dashboard_refresh_s

    def _fetch(self, path: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"{self._base}/{path}", timeout=5) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def run(self) -> None:
        while True:
            try:
                text = self.render(self._fetch("status"), self._fetch("healthz"))
            except OSError as error:
                text = f"no answer from {self._base}: {error}"
            print(_CLEAR + text, flush=True)
            time.sleep(self._refresh)

    def render(self, status: dict[str, Any], health: dict[str, Any]) -> str:
        service = status["service"]
        states = " ".join(f"{state}={n}" for state, n in sorted(status["states"].items()))
        lines = [
            f"finetune  up {duration(status['uptime_s'])}  {states}",
            f"queue {service['queue_depth']}  refused {service['refused']}  now {service['current'] or '-'}"
            f"  done {service['outcomes']['finished']}  failed {service['outcomes']['failed']}",
            "",
        ]
        for job in status["jobs"]:
            lines += self._job(job)
        lines += self._alerts(status["alerts"])
        lines += self._health(health)
        lines += self._internals(status)
        return "\n".join(lines)

    def _job(self, job: dict[str, Any]) -> list[str]:
        progress = job["progress"]
        lines = [
            f"{job['job_id']}  {job['state']}  {progress['step']}/{progress['total_steps']}"
            f"  epoch {progress['epoch']}  eta {duration(progress['eta_seconds'])}"
        ]
        if job["started_at"] is not None:
            ran = (job["ended_at"] or time.time()) - job["started_at"]
            waited = job["started_at"] - job["queued_at"] if job["queued_at"] is not None else 0.0
            lines.append(f"  ran {duration(ran)} after waiting {duration(waited)}")
        if job["loss"] is not None:
            lines.append(f"  loss {job['loss']:.4f} ({job['loss_ema']:.4f})  {sparkline(job['losses'])}")
            lines.append(
                f"  {job['tokens_per_second']:.0f} tok/s  lr {job['learning_rate']:.2e}"
                f"  padding {job['padding_fraction']:.0%}  gpu {job['gpu_memory_bytes'] / 2**30:.1f} GiB"
                f"  skipped {progress['skipped_steps']}"
            )
        data = job["data"]
        if data:
            lines.append(
                f"  data {data['documents']} docs, {data['tokens']} tokens, {data['truncation_rate']:.1%} cut,"
                f" {data['unknown_rate']:.2%} unknown, {data['malformed']} malformed"
            )
        if job["trainable_fraction"] is not None:
            lines.append(f"  trainable {job['trainable_fraction']:.2%}")
        evaluation = job["eval"]
        if evaluation:
            lines.append(
                f"  eval at {evaluation['step']}: ppl {evaluation['perplexity']:.2f}"
                f"  p95 {evaluation['latency_p95']:.2f}s"
            )
            for name, score in evaluation["scores"].items():
                trend = sparkline(evaluation["history"].get(name, []))
                lines.append(f"    {name:<10} {score['mean']:.3f} ±{score['stderr']:.3f} (n={score['n']}) {trend}")
            for sample in evaluation["worst"][:2]:
                lines.append(f"    worst {sample['id']} {sample['score']:.2f}: {sample['prediction'][:60]!r}")
        preference = job["preference"]
        if preference:
            lines.append(
                f"  preference acc {preference['accuracy']:.2f}  margin {preference['margin']:.3f}"
                f"  kl {preference['kl']:.3f}  loss {preference['loss']:.3f}"
            )
        if job["checkpoint"]:
            best = job["best_checkpoint"] or "-"
            lines.append(f"  checkpoint at {job['checkpoint']['step']} ({job['checkpoint']['path']})  best {best}")
        worker = job["worker"]
        if worker:
            age = time.time() - job["heartbeat_at"]
            lines.append(
                f"  worker {worker['pid']}  rss {worker['rss_bytes'] / 2**30:.1f} GiB  unsent {worker['unsent']}"
                f"  dropped {worker['dropped']}  seen {age:.0f}s ago"
            )
        if job["summary"]:
            lines.append(f"  ended: {job['summary']['stop_reason']}  best {job['summary']['best_score']}")
        if job["error"]:
            lines.append(f"  error {job['error']}")
        return lines + [""]

    def _alerts(self, alerts: dict[str, Any]) -> list[str]:
        lines = [
            f"! {a['severity']:<8} {a['rule']} on {a['job_id']} for {duration(a['age_s'])}: {a['message']}"
            for a in alerts["active"]
        ]
        suppressed = sum(alerts["suppressed"].values())
        if suppressed or alerts["webhook_failures"]:
            lines.append(f"alerts suppressed {suppressed}, webhook failures {alerts['webhook_failures']}")
        return lines

    def _health(self, health: dict[str, Any]) -> list[str]:
        return [
            f"{'ok ' if entry['ok'] else 'BAD'} {name:<8} {entry['detail']} ({entry['ms']:.1f} ms)"
            for name, entry in health["checks"].items()
        ]

    def _internals(self, status: dict[str, Any]) -> list[str]:
        telemetry, events, http = status["telemetry"], status["events"], status["http"]
        lines = [
            f"sinks {','.join(telemetry['sinks']) or '-'}  points {telemetry['points']}"
            f"  rejected {sum(telemetry['rejected'].values())}  events {sum(events['published'].values())}"
            f"  handler errors {sum(events['handler_errors'].values())}"
            f"  undecodable {status['service']['undecodable']}  lag {status['service']['event_lag_s']:.2f}s"
        ]
        codes = " ".join(f"{code}:{n}" for code, n in sorted(http["responses"].items()))
        lines.append(f"http {codes or '-'}  slowest {http['slowest_ms']:.0f} ms")
        return lines
