"""Hooks the training loop calls; everything that leaves the loop goes through one."""
from __future__ import annotations

import logging
from typing import Callable

from .events import (
    AdapterReported,
    CheckpointSaved,
    DataPrepared,
    EvalCompleted,
    Event,
    PreferenceMeasured,
    StepCompleted,
)
from .records import AdapterReport, CheckpointInfo, EvalReport, PreferenceReport, StepRecord, TokenStats

log = logging.getLogger(__name__)

Emit = Callable[[Event], None]


class Callback:
    def on_data(self, stats: TokenStats) -> None: ...

    def on_step(self, record: StepRecord) -> None: ...

    def on_adapter(self, report: AdapterReport) -> None: ...

    def on_eval(self, report: EvalReport) -> None: ...

    def on_preference(self, report: PreferenceReport) -> None: ...

    def on_checkpoint(self, info: CheckpointInfo) -> None: ...


class EventCallback(Callback):
    """Turns every hook into an event for the emitter it was given."""

    def __init__(self, job_id: str, emit: Emit) -> None:
        self._job_id = job_id
        self._emit = emit

    def on_data(self, stats: TokenStats) -> None:
        self._emit(DataPrepared(job_id=self._job_id, payload=stats))

    def on_step(self, record: StepRecord) -> None:
        self._emit(StepCompleted(job_id=self._job_id, payload=record))

    def on_adapter(self, report: AdapterReport) -> None:
        self._emit(AdapterReported(job_id=self._job_id, payload=report))

    def on_eval(self, report: EvalReport) -> None:
        self._emit(EvalCompleted(job_id=self._job_id, payload=report))

    def on_preference(self, report: PreferenceReport) -> None:
        self._emit(PreferenceMeasured(job_id=self._job_id, payload=report))

    def on_checkpoint(self, info: CheckpointInfo) -> None:
        self._emit(CheckpointSaved(job_id=self._job_id, payload=info))


class ConsoleCallback(Callback):
    def __init__(self, every: int) -> None:
        self._every = max(1, every)

    def on_step(self, record: StepRecord) -> None:
        if record.step % self._every:
            return
        log.info(
            "step %d loss %.4f (ema %.4f) lr %.2e grad %.2f %.0f tok/s",
            record.step,
            record.loss,
            record.loss_ema,
            record.learning_rate,
            record.grad_norm,
            record.tokens_per_second,
        )

    def on_eval(self, report: EvalReport) -> None:
        parts = " ".join(f"{s.name}={s.mean:.3f}±{s.stderr:.3f}" for s in report.scores)
        log.info("eval at %d: ppl %.2f %s", report.step, report.perplexity, parts)

    def on_checkpoint(self, info: CheckpointInfo) -> None:
        log.info("saved %s (%.1f MiB in %.1fs)", info.path, info.size_bytes / 2**20, info.seconds)


class ProgressCallback(Callback):
    """Remembers the last step, so that heartbeats can tell a slow worker from a stuck one."""

    def __init__(self) -> None:
        self.current_step = 0

    def on_step(self, record: StepRecord) -> None:
        self.current_step = record.step


class BestScoreCallback(Callback):
    """Tracks the best primary score and tells the checkpoint manager about it."""

    def __init__(self, primary: str, mark_best: Callable[[int], None]) -> None:
        self._primary = primary
        self._mark_best = mark_best
        self.best: float | None = None

    def on_eval(self, report: EvalReport) -> None:
        summary = report.score(self._primary)
        if summary is None or summary.count == 0:
            return
        if self.best is None or summary.mean > self.best:
            self.best = summary.mean
            self._mark_best(report.step)


class CallbackList(Callback):
    def __init__(self, callbacks: list[Callback]) -> None:
        self._callbacks = callbacks

    def on_data(self, stats: TokenStats) -> None:
        for callback in self._callbacks:
            callback.on_data(stats)

    def on_step(self, record: StepRecord) -> None:
        for callback in self._callbacks:
            callback.on_step(record)

    def on_adapter(self, report: AdapterReport) -> None:
        for callback in self._callbacks:
            callback.on_adapter(report)

    def on_eval(self, report: EvalReport) -> None:
        for callback in self._callbacks:
            callback.on_eval(report)

    def on_preference(self, report: PreferenceReport) -> None:
        for callback in self._callbacks:
            callback.on_preference(report)

    def on_checkpoint(self, info: CheckpointInfo) -> None:
        for callback in self._callbacks:
            callback.on_checkpoint(info)
