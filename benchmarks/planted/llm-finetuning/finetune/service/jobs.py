"""The asynchronous job service: a queue of jobs, one worker process at a time."""
from __future__ import annotations

import asyncio
import logging
import multiprocessing
import queue
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable

from ..events import EventBus, JobFailed, JobFinished, JobQueued, JobStarted, decode
from ..settings import Settings, apply_overrides
from .worker import worker_main

log = logging.getLogger(__name__)


@dataclass
class JobSpec:
    job_id: str
    settings: Settings
    submitted: float = field(default_factory=time.monotonic)


class QueueFull(Exception):
    pass


class JobQueue:
    def __init__(self, limit: int) -> None:
        self._queue: asyncio.Queue[JobSpec] = asyncio.Queue(maxsize=limit)
        self.refused = 0

    def put(self, spec: JobSpec) -> None:
        try:
            self._queue.put_nowait(spec)
        except asyncio.QueueFull:
            self.refused += 1
            raise QueueFull(spec.job_id) from None

    async def get(self) -> JobSpec:
        return await self._queue.get()

    def depth(self) -> int:
        return self._queue.qsize()


class JobService:
    def __init__(
        self, bus: EventBus, jobs: JobQueue, settings: Settings, on_undecodable: Callable[[], None]
    ) -> None:
        self._bus = bus
        self._jobs = jobs
        self._settings = settings
        self._on_undecodable = on_undecodable
        self._context = multiprocessing.get_context("spawn")
        self._current: str | None = None
        self._cancel: Any = None
        self._undecodable = 0
        self._lags: deque[float] = deque(maxlen=500)
        self._outcomes: dict[str, int] = {"finished": 0, "failed": 0}

    def submit(self, overrides: list[str]) -> str:
        spec = JobSpec(job_id=f"job-{uuid.uuid4().hex[:8]}", settings=apply_overrides(self._settings, overrides))
        self._jobs.put(spec)
        self._bus.publish(JobQueued(job_id=spec.job_id, depth=self._jobs.depth()))
        return spec.job_id

    def cancel(self, job_id: str) -> bool:
        if self._current != job_id or self._cancel is None:
            return False
        self._cancel.set()
        return True

    async def run(self) -> None:
        while True:
            spec = await self._jobs.get()
            self._current = spec.job_id
            try:
                await self._run_one(spec)
            finally:
                self._current = None
                self._cancel = None

    async def _run_one(self, spec: JobSpec) -> None:
        outbox = self._context.Queue(maxsize=2000)
        self._cancel = self._context.Event()
        process = self._context.Process(
            target=worker_main,
            args=(spec.job_id, spec.settings.model_dump_json(), outbox, self._cancel),
            name=spec.job_id,
        )
        process.start()
        self._bus.publish(
            JobStarted(
                job_id=spec.job_id,
                total_steps=spec.settings.optim.total_steps,
                waited_seconds=time.monotonic() - spec.submitted,
                depth=self._jobs.depth(),
            )
        )
        ended = await self._pump(outbox, process)
        await asyncio.to_thread(process.join, 30)
        if not ended:
            self._outcomes["failed"] += 1
            self._bus.publish(
                JobFailed(job_id=spec.job_id, error=f"worker exited with code {process.exitcode}", phase="worker")
            )

    async def _pump(self, outbox: Any, process: Any) -> bool:
        """Publish what the worker sends until its last event, or until it is gone."""
        while True:
            try:
                message = await asyncio.to_thread(outbox.get, True, 0.5)
            except queue.Empty:
                if not process.is_alive():
                    return False
                continue
            event = decode(message)
            if event is None:
                self._undecodable += 1
                self._on_undecodable()
                continue
            self._lags.append(max(0.0, time.time() - event.at))
            self._bus.publish(event)
            if isinstance(event, JobFinished):
                self._outcomes["finished"] += 1
                return True
            if isinstance(event, JobFailed):
                self._outcomes["failed"] += 1
                return True

    def stats(self) -> dict[str, Any]:
        return {
            "current": self._current,
            "queue_depth": self._jobs.depth(),
            "refused": self._jobs.refused,
            "undecodable": self._undecodable,
            "event_lag_s": sum(self._lags) / len(self._lags) if self._lags else 0.0,
            "outcomes": dict(self._outcomes),
        }
