"""Named tasks that run on every tick of one background thread."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Callable

from serving.metrics import Metrics
from serving.tracing import Stopwatch

log = logging.getLogger(__name__)


@dataclass
class _Task:
    name: str
    run: Callable[[], None]
    every: int
    last_run: float
    failures: int = 0


@dataclass(frozen=True)
class TaskState:
    name: str
    age_s: float
    failures: int


class PeriodicRunner:
    def __init__(self, tick_s: float, metrics: Metrics) -> None:
        self._tick_s = tick_s
        self._metrics = metrics
        self._tasks: list[_Task] = []
        self._ticks = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="periodic", daemon=True)

    def add(self, name: str, run: Callable[[], None], every: int = 1) -> None:
        """Run `run` on every `every`-th tick."""
        self._tasks.append(_Task(name, run, every, time.monotonic()))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def _loop(self) -> None:
        while not self._stop.wait(self._tick_s):
            self._run_due()

    def _run_due(self) -> None:
        self._ticks += 1
        for task in self._tasks:
            if self._ticks % task.every:
                continue
            try:
                with Stopwatch() as watch:
                    task.run()
            except Exception:
                log.exception("periodic task %s failed", task.name)
                task.failures += 1
                self._metrics.task_failures.labels(task=task.name).inc()
            else:
                task.last_run = time.monotonic()
            self._metrics.task_seconds.labels(task=task.name).observe(watch.seconds)

    def states(self) -> list[TaskState]:
        now = time.monotonic()
        return [TaskState(task.name, now - task.last_run, task.failures) for task in self._tasks]
