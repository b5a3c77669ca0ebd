"""What runs inside the worker process."""
from __future__ import annotations

import logging
import os
import queue
import resource
import threading
import time
from typing import Any, Callable

from ..builder import build_trainer
from ..callbacks import Emit, ProgressCallback
from ..events import Event, Heartbeat, JobFailed, JobFinished, encode
from ..records import WorkerVitals
from ..settings import Settings
from ..trainer import Trainer

log = logging.getLogger(__name__)


class QueueEmitter:
    """Sends events to the parent. Only the last event of a job may block for long."""

    def __init__(self, outbox: Any) -> None:
        self._outbox = outbox
        self.dropped = 0

    def __call__(self, event: Event) -> None:
        final = isinstance(event, (JobFinished, JobFailed))
        try:
            self._outbox.put(encode(event), timeout=60.0 if final else 0.5)
        except queue.Full:
            self.dropped += 1

    def unsent(self) -> int:
        try:
            return self._outbox.qsize()
        except NotImplementedError:
            return 0


class HeartbeatThread(threading.Thread):
    def __init__(self, job_id: str, emit: Emit, progress: ProgressCallback, interval_s: float) -> None:
        super().__init__(name=f"heartbeat-{job_id}", daemon=True)
        self._job_id = job_id
        self._emit = emit
        self._progress = progress
        self._interval = interval_s
        self._done = threading.Event()

    def vitals(self) -> WorkerVitals:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        vitals = WorkerVitals(
            pid=os.getpid(),
            rss_bytes=usage.ru_maxrss * 1024,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            current_step=self._progress.current_step,
        )
        if isinstance(self._emit, QueueEmitter):
            vitals.unsent = self._emit.unsent()
            vitals.dropped = self._emit.dropped
        return vitals

    def run(self) -> None:
        while not self._done.wait(self._interval):
            self._emit(Heartbeat(job_id=self._job_id, payload=self.vitals()))

    def finish(self) -> None:
        self._done.set()
        self.join(timeout=self._interval + 1.0)


def run_job(job_id: str, settings: Settings, emit: Emit, should_stop: Callable[[], bool]) -> bool:
    """Train one job from start to end; the outcome is always reported as an event."""
    progress = ProgressCallback()
    heartbeat = HeartbeatThread(job_id, emit, progress, settings.service.heartbeat_interval_s)
    heartbeat.start()
    trainer: Trainer | None = None
    try:
        trainer = build_trainer(settings, job_id, emit, should_stop, progress)
        summary = trainer.train()
    except Exception as exc:
        log.exception("job %s failed", job_id)
        phase = trainer.phase if trainer is not None else "build"
        heartbeat.finish()
        emit(JobFailed(job_id=job_id, error=repr(exc), phase=phase))
        return False
    heartbeat.finish()
    emit(JobFinished(job_id=job_id, payload=summary))
    return True


def worker_main(job_id: str, settings_json: str, outbox: Any, cancel: Any) -> None:
    settings = Settings.model_validate_json(settings_json)
    logging.basicConfig(level=settings.log_level, format=f"%(asctime)s {job_id} %(levelname)s %(name)s %(message)s")
    began = time.monotonic()
    succeeded = run_job(job_id, settings, QueueEmitter(outbox), cancel.is_set)
    log.info("worker of %s done after %.0fs", job_id, time.monotonic() - began)
    if not succeeded:
        raise SystemExit(1)
