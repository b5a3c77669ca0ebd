"""The training loop."""
from __future__ import annotations

import logging
import math
import time
from typing import Any, Callable, Iterator

import torch

from .callbacks import BestScoreCallback, CallbackList
from .checkpoint import CheckpointManager
from .data import Batch, BatchLoader
from .evaluation import EvalHarness
from .lora import AdapterSet
from .meters import (
    EmaMeter,
    GradientInfo,
    PhaseTimer,
    ThroughputMeter,
    clip_gradients,
    gpu_memory_bytes,
    layer_gradient_norms,
)
from .preference import PreferenceStage
from .records import StepRecord, TokenStats, TrainSummary
from .schedule import WarmupSchedule
from .settings import Settings

log = logging.getLogger(__name__)


class Trainer:
    def __init__(
        self,
        *,
        model: Any,
        loader: BatchLoader,
        token_stats: TokenStats,
        optimizer: torch.optim.Optimizer,
        schedule: WarmupSchedule,
        settings: Settings,
        device: torch.device,
        callbacks: CallbackList,
        checkpoints: CheckpointManager,
        best: BestScoreCallback,
        adapters: AdapterSet | None = None,
        harness: EvalHarness | None = None,
        preference: PreferenceStage | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._model = model
        self._loader = loader
        self._token_stats = token_stats
        self._optimizer = optimizer
        self._schedule = schedule
        self._settings = settings
        self._device = device
        self._callbacks = callbacks
        self._checkpoints = checkpoints
        self._best = best
        self._adapters = adapters
        self._harness = harness
        self._preference = preference
        self._should_stop = should_stop
        self._ema = EmaMeter()
        self._throughput = ThroughputMeter()
        self._phases = PhaseTimer()
        self._skipped = 0
        self.phase = "setup"

    def train(self) -> TrainSummary:
        began = time.perf_counter()
        self._callbacks.on_data(self._token_stats)
        step, weights = self._checkpoints.restore(self._optimizer, self._schedule)
        if weights is not None:
            self._model.load_state_dict(weights, strict=False)
            log.info("resumed at step %d", step)
        batches = iter(self._loader)
        stop_reason = "completed"
        loss = math.nan
        self._model.train()
        while step < self._settings.optim.total_steps:
            if self._should_stop():
                stop_reason = "cancelled"
                break
            step += 1
            self.phase = "train"
            with self._phases.phase("train"):
                record = self._train_step(step, batches)
            loss = record.loss
            self._callbacks.on_step(record)
            self._periodic(step)
        self.phase = "finish"
        self._save(step)
        return TrainSummary(
            steps=step,
            tokens=self._throughput.total_tokens,
            seconds=time.perf_counter() - began,
            final_loss=loss,
            skipped_steps=self._skipped,
            best_score=self._best.best,
            stop_reason=stop_reason,
            phase_seconds=self._phases.totals(),
        )

    def _train_step(self, step: int, batches: Iterator[Batch]) -> StepRecord:
        began = time.perf_counter()
        optim = self._settings.optim
        total_loss, tokens, samples, padding = 0.0, 0, 0, 0.0
        for _ in range(optim.accumulate_steps):
            batch = next(batches).to(self._device)
            out = self._model(
                input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.labels
            )
            (out.loss / optim.accumulate_steps).backward()
            total_loss += float(out.loss.detach()) / optim.accumulate_steps
            padding += batch.padding_fraction / optim.accumulate_steps
            tokens += batch.token_count
            samples += batch.size
        norms = self._layer_norms(step)
        gradients = clip_gradients(self._model.parameters(), optim.grad_clip)
        skipped = not self._apply(gradients, total_loss)
        rate = self._schedule.step()
        seconds = time.perf_counter() - began
        rates = self._throughput.update(tokens, samples, seconds)
        return StepRecord(
            step=step,
            epoch=self._loader.epoch,
            loss=total_loss,
            loss_ema=self._ema.update(total_loss),
            learning_rate=rate,
            grad_norm=gradients.norm,
            clipped=gradients.clipped,
            tokens=tokens,
            padding_fraction=padding,
            tokens_per_second=rates.tokens_per_second,
            samples_per_second=rates.samples_per_second,
            step_seconds=seconds,
            data_wait_seconds=self._loader.take_wait(),
            gpu_memory_bytes=gpu_memory_bytes(self._device),
            skipped=skipped,
            layer_norms=norms,
        )

    def _layer_norms(self, step: int) -> dict[str, float]:
        if step % self._settings.telemetry.layer_norms_every:
            return {}
        return layer_gradient_norms(self._model)

    def _apply(self, gradients: GradientInfo, loss: float) -> bool:
        """Take the optimizer step unless the loss or the gradients are not finite."""
        usable = gradients.finite and math.isfinite(loss)
        if usable:
            self._optimizer.step()
        else:
            self._skipped += 1
            log.warning("skipped an update: loss %s", loss)
        self._optimizer.zero_grad(set_to_none=True)
        return usable

    def _periodic(self, step: int) -> None:
        if self._adapters is not None and step % self._settings.lora.report_every == 0:
            self._callbacks.on_adapter(self._adapters.report(step))
        if self._preference is not None and self._preference.due(step):
            self.phase = "preference"
            with self._phases.phase("preference"):
                report = self._preference.step(step)
            self._callbacks.on_preference(report)
        if self._harness is not None and self._harness.due(step):
            self.phase = "eval"
            with self._phases.phase("eval"):
                evaluation = self._harness.run(step)
            self._callbacks.on_eval(evaluation)
        if self._checkpoints.due(step):
            self.phase = "checkpoint"
            self._save(step)

    def _save(self, step: int) -> None:
        weights = self._adapters.state_dict() if self._adapters is not None else self._model.state_dict()
        with self._phases.phase("checkpoint"):
            info = self._checkpoints.save(step, weights, self._optimizer, self._schedule)
        self._callbacks.on_checkpoint(info)
