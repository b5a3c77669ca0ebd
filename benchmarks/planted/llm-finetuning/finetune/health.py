"""Health checks of the service process."""
from __future__ import annotations

import logging
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from .events import EventBus, Heartbeat, JobFailed, JobFinished, JobStarted
from .metrics import MetricsHub

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckResult:
    ok: bool
    detail: str = ""


Check = Callable[[], CheckResult]


class HealthRegistry:
    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        self._checks[name] = check

    def run(self) -> dict[str, Any]:
        results: dict[str, dict[str, Any]] = {}
        for name, check in self._checks.items():
            began = time.perf_counter()
            try:
                result = check()
            except Exception as exc:
                log.exception("health check %s failed", name)
                result = CheckResult(False, f"check raised {exc!r}")
            results[name] = {
                "ok": result.ok,
                "detail": result.detail,
                "ms": round(1000 * (time.perf_counter() - began), 2),
            }
        return {"ok": all(entry["ok"] for entry in results.values()), "checks": results}


class HeartbeatMonitor:
    """Knows which jobs run and when each was last heard of."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout = timeout_s
        self._lock = threading.Lock()
        self._last_seen: dict[str, float] = {}

    def register(self, bus: EventBus) -> None:
        bus.subscribe(JobStarted, self._on_sign_of_life)
        bus.subscribe(Heartbeat, self._on_sign_of_life)
        bus.subscribe(JobFinished, self._on_end)
        bus.subscribe(JobFailed, self._on_end)

    def _on_sign_of_life(self, event: JobStarted | Heartbeat) -> None:
        with self._lock:
            self._last_seen[event.job_id] = event.at

    def _on_end(self, event: JobFinished | JobFailed) -> None:
        with self._lock:
            self._last_seen.pop(event.job_id, None)

    def check(self) -> CheckResult:
        now = time.time()
        with self._lock:
            silent = {job: now - at for job, at in self._last_seen.items() if now - at > self._timeout}
        if silent:
            return CheckResult(False, ", ".join(f"{job} silent for {age:.0f}s" for job, age in silent.items()))
        return CheckResult(True)


def sink_check(hub: MetricsHub, flush_interval_s: float) -> Check:
    """Fails on new sink errors since the last call and on a flush thread that stopped."""
    seen: dict[str, int] = {}

    def check() -> CheckResult:
        stats = hub.stats()
        fresh = {name: n - seen.get(name, 0) for name, n in stats["sink_errors"].items() if n > seen.get(name, 0)}
        seen.update(stats["sink_errors"])
        if fresh:
            return CheckResult(False, ", ".join(f"{name}: {n} errors" for name, n in fresh.items()))
        if stats["flush_age_s"] > 4 * flush_interval_s:
            return CheckResult(False, f"last flush {stats['flush_age_s']:.0f}s ago")
        return CheckResult(True, f"{stats['points']} points, flush took {stats['flush_seconds']:.3f}s")

    return check


def disk_check(path: Path, minimum: int) -> Check:
    def check() -> CheckResult:
        path.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path).free
        return CheckResult(free >= minimum, f"{free / 2**30:.1f} GiB free")

    return check


def queue_check(depth: Callable[[], int], limit: int) -> Check:
    def check() -> CheckResult:
        waiting = depth()
        return CheckResult(waiting < limit, f"{waiting} of {limit} jobs waiting")

    return check
