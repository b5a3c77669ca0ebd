"""The state of every job, kept from events, and its JSON form."""
from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, TypedDict

from .events import (
    AdapterReported,
    CheckpointSaved,
    DataPrepared,
    EvalCompleted,
    EventBus,
    Heartbeat,
    JobFailed,
    JobFinished,
    JobQueued,
    JobStarted,
    PreferenceMeasured,
    StepCompleted,
)
from .records import (
    AdapterReport,
    CheckpointInfo,
    EvalReport,
    PreferenceReport,
    StepRecord,
    TokenStats,
    TrainSummary,
    WorkerVitals,
)


class ProgressView(TypedDict):
    step: int
    total_steps: int
    epoch: int
    eta_seconds: float | None
    skipped_steps: int


@dataclass
class JobStatus:
    job_id: str
    state: str = "queued"
    queued_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    total_steps: int = 0
    skipped_steps: int = 0
    error: str = ""
    data: TokenStats | None = None
    last_step: StepRecord | None = None
    losses: deque[float] = field(default_factory=deque)
    adapter: AdapterReport | None = None
    evals: list[EvalReport] = field(default_factory=list)
    preference: PreferenceReport | None = None
    checkpoint: CheckpointInfo | None = None
    best_checkpoint: str | None = None
    vitals: WorkerVitals | None = None
    heartbeat_at: float | None = None
    summary: TrainSummary | None = None

    def _progress(self) -> ProgressView:
        step = self.last_step.step if self.last_step else 0
        eta: float | None = None
        if self.state == "running" and self.last_step and self.last_step.step_seconds > 0:
            eta = (self.total_steps - step) * self.last_step.step_seconds
        return {
            "step": step,
            "total_steps": self.total_steps,
            "epoch": self.last_step.epoch if self.last_step else 0,
            "eta_seconds": eta,
            "skipped_steps": self.skipped_steps,
        }

    def _data_view(self) -> dict[str, Any] | None:
        if self.data is None:
            return None
        return {
            "documents": self.data.documents,
            "tokens": self.data.tokens,
            "truncation_rate": self.data.truncation_rate,
            "unknown_rate": self.data.unknown_rate,
            "malformed": self.data.malformed,
        }

    def _eval_view(self) -> dict[str, Any] | None:
        if not self.evals:
            return None
        latest = self.evals[-1]
        history: dict[str, list[float]] = {}
        for report in self.evals:
            for summary in report.scores:
                history.setdefault(summary.name, []).append(summary.mean)
        return {
            "step": latest.step,
            "perplexity": latest.perplexity,
            "latency_p95": latest.latency_p95,
            "scores": {s.name: {"mean": s.mean, "stderr": s.stderr, "n": s.count} for s in latest.scores},
            "history": history,
            "worst": latest.worst,
        }

    def to_dict(self) -> dict[str, Any]:
        step = self.last_step
        return {
            "job_id": self.job_id,
            "state": self.state,
            "queued_at": self.queued_at,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "error": self.error,
            "progress": self._progress(),
            "loss": step.loss if step else None,
            "loss_ema": step.loss_ema if step else None,
            "losses": list(self.losses),
            "tokens_per_second": step.tokens_per_second if step else 0.0,
            "padding_fraction": step.padding_fraction if step else 0.0,
            "learning_rate": step.learning_rate if step else None,
            "gpu_memory_bytes": step.gpu_memory_bytes if step else 0,
            "data": self._data_view(),
            "trainable_fraction": self.adapter.trainable_fraction if self.adapter else None,
            "eval": self._eval_view(),
            "preference": self.preference.to_dict() if self.preference else None,
            "checkpoint": self.checkpoint.to_dict() if self.checkpoint else None,
            "best_checkpoint": self.best_checkpoint,
            "worker": self.vitals.to_dict() if self.vitals else None,
            "heartbeat_at": self.heartbeat_at,
            "summary": self.summary.to_dict() if self.summary else None,
        }


class StatusBoard:
    def __init__(self, loss_history: int) -> None:
        self._loss_history = loss_history
        self._lock = threading.Lock()
        self._jobs: dict[str, JobStatus] = {}
        self._started = time.time()

    def register(self, bus: EventBus) -> None:
        bus.subscribe(JobQueued, self._on_queued)
        bus.subscribe(JobStarted, self._on_started)
        bus.subscribe(DataPrepared, self._on_data)
        bus.subscribe(StepCompleted, self._on_step)
        bus.subscribe(AdapterReported, self._on_adapter)
        bus.subscribe(EvalCompleted, self._on_eval)
        bus.subscribe(PreferenceMeasured, self._on_preference)
        bus.subscribe(CheckpointSaved, self._on_checkpoint)
        bus.subscribe(Heartbeat, self._on_heartbeat)
        bus.subscribe(JobFinished, self._on_finished)
        bus.subscribe(JobFailed, self._on_failed)

    def _job(self, job_id: str) -> JobStatus:
        if job_id not in self._jobs:
            self._jobs[job_id] = JobStatus(job_id, losses=deque(maxlen=self._loss_history))
        return self._jobs[job_id]

    def _on_queued(self, event: JobQueued) -> None:
        with self._lock:
            self._job(event.job_id).queued_at = event.at

    def _on_started(self, event: JobStarted) -> None:
        with self._lock:
            job = self._job(event.job_id)
            job.state = "running"
            job.started_at = event.at
            job.total_steps = event.total_steps

    def _on_data(self, event: DataPrepared) -> None:
        with self._lock:
            self._job(event.job_id).data = event.payload

    def _on_step(self, event: StepCompleted) -> None:
        with self._lock:
            job = self._job(event.job_id)
            job.last_step = event.payload
            job.losses.append(event.payload.loss)
            if event.payload.skipped:
                job.skipped_steps += 1

    def _on_adapter(self, event: AdapterReported) -> None:
        with self._lock:
            self._job(event.job_id).adapter = event.payload

    def _on_eval(self, event: EvalCompleted) -> None:
        with self._lock:
            self._job(event.job_id).evals.append(event.payload)

    def _on_preference(self, event: PreferenceMeasured) -> None:
        with self._lock:
            self._job(event.job_id).preference = event.payload

    def _on_checkpoint(self, event: CheckpointSaved) -> None:
        with self._lock:
            job = self._job(event.job_id)
            job.checkpoint = event.payload
            if event.payload.is_best:
                job.best_checkpoint = event.payload.path

    def _on_heartbeat(self, event: Heartbeat) -> None:
        with self._lock:
            job = self._job(event.job_id)
            job.vitals = event.payload
            job.heartbeat_at = event.at

    def _on_finished(self, event: JobFinished) -> None:
        with self._lock:
            job = self._job(event.job_id)
            job.state = "cancelled" if event.payload.stop_reason == "cancelled" else "finished"
            job.ended_at = event.at
            job.summary = event.payload

    def _on_failed(self, event: JobFailed) -> None:
        with self._lock:
            job = self._job(event.job_id)
            job.state = "failed"
            job.ended_at = event.at
            job.error = f"{event.phase}: {event.error}" if event.phase else event.error

    def job(self, job_id: str) -> dict[str, Any] | None:
        with self._lock:
            status = self._jobs.get(job_id)
            return status.to_dict() if status else None

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            jobs = [status.to_dict() for status in self._jobs.values()]
        states: dict[str, int] = {}
        for job in jobs:
            states[job["state"]] = states.get(job["state"], 0) + 1
        return {"uptime_s": time.time() - self._started, "states": states, "jobs": jobs}
