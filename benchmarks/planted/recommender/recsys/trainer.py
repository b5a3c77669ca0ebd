"""The training loop."""

from __future__ import annotations

import logging
import math
from typing import Any, Callable, Iterator

import torch

from . import messages as m
from .bus import EventBus
from .callbacks import Callback, TrainState
from .checkpoint import CheckpointManager
from .config import RunConfig
from .ingest import Batch, Ingestor, Prefetcher
from .losses import CombinedLoss, LossBundle
from .model import TwoTower
from .optim import StepOptimizer, StepOutcome
from .telemetry import GradTelemetry
from .timers import PhaseTimers, RateMeter, Stopwatch

log = logging.getLogger(__name__)


class RunAborted(RuntimeError):
    """The health monitor asked for the end of the run."""


class Trainer:
    def __init__(
        self,
        cfg: RunConfig,
        model: TwoTower,
        optimizer: StepOptimizer,
        data: Ingestor,
        checkpoints: CheckpointManager,
        bus: EventBus,
    ) -> None:
        self.cfg = cfg
        self.model = model
        self.optimizer = optimizer
        self.callbacks: list[Callback] = []
        self.state = TrainState()
        self._losses = CombinedLoss(cfg.loss)
        self._data = data
        self._checkpoints = checkpoints
        self._bus = bus
        self._grads = GradTelemetry(model)
        self._timers = PhaseTimers()
        self._rate = RateMeter()
        self._last_loss = math.nan

    def capture(self, state: TrainState) -> dict[str, Any]:
        """Everything a resumed run needs."""
        return {
            "step": state.step,
            "epoch": state.epoch,
            "model": self.model.state_dict(),
            "tables": self.model.extra_state(),
            "optimizer": self.optimizer.state_dict(),
            "examples": self._rate.total,
        }

    def resume(self) -> bool:
        saved = self._checkpoints.load_latest(self.cfg.device)
        if saved is None:
            return False
        self.model.load_state_dict(saved["model"])
        self.model.load_extra_state(saved["tables"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.state.step, self.state.epoch = saved["step"], saved["epoch"]
        self._rate.total = saved["examples"]
        log.info("resumed at step %d", self.state.step)
        return True

    def fit(self) -> m.RunSummary:
        phase, reason = m.Phase.FINISHED, ""
        self._bus.publish(m.PhaseChange(m.Phase.TRAINING, self.state.step))
        with Stopwatch() as watch:
            try:
                reason = self._run_epochs()
            except RunAborted as exc:
                phase, reason = m.Phase.ABORTED, str(exc)
            except KeyboardInterrupt:
                phase, reason = m.Phase.ABORTED, "interrupted"
            except Exception as exc:
                log.exception("training failed at step %d", self.state.step)
                phase, reason = m.Phase.FAILED, f"{type(exc).__name__}: {exc}"
            self._each(lambda cb: cb.on_end(self.state, phase))
        return self._finish(phase, reason, watch.seconds)

    def _finish(self, phase: m.Phase, reason: str, wall_s: float) -> m.RunSummary:
        if self.optimizer.skips:
            log.warning("steps not applied: %s", dict(self.optimizer.skips))
        summary = m.RunSummary(
            phase=phase,
            steps=self.state.step,
            examples=self._rate.total,
            skipped=self.optimizer.skipped,
            wall_s=wall_s,
            final_loss=self._last_loss,
            best_metric=self._checkpoints.best_metric,
            reason=reason,
        )
        self._bus.publish(m.PhaseChange(phase, self.state.step, reason))
        self._bus.publish(summary)
        return summary

    def _each(self, call: Callable[[Callback], None]) -> None:
        """Run a hook of every callback; one that fails does not keep the others from running."""
        for callback in self.callbacks:
            try:
                call(callback)
            except Exception:
                log.exception("callback %s failed", type(callback).__name__)

    def _batches(self, prefetcher: Prefetcher) -> Iterator[Batch]:
        for batch in prefetcher:
            yield batch.to(self.cfg.device)

    def _run_epochs(self) -> str:
        starved = 0
        while self.state.epoch < self.cfg.data.epochs:
            prefetcher = Prefetcher(self._data.batches(), self.cfg.data.prefetch_depth)
            self._timers.lap()
            for batch in self._batches(prefetcher):
                self._each(lambda cb: cb.on_batch(self.state, batch))
                outcome, bundle = self._train_step(batch)
                self.state.step += 1
                self._rate.add(len(batch))
                self.state.report = self._report(outcome, bundle, prefetcher, starved)
                self._bus.publish(self.state.report)
                self._each(lambda cb: cb.on_step(self.state))
                if self.state.stop_reason:
                    raise RunAborted(self.state.stop_reason)
                if self.state.step >= self.cfg.max_steps:
                    return "max_steps"
            starved += prefetcher.starvations
            self.state.epoch += 1
        return "data_exhausted"

    def _train_step(self, batch: Batch) -> tuple[StepOutcome, LossBundle]:
        with self._timers.phase("forward"):
            out = self.model(batch, self.state.step)
            bundle = self._losses(out, batch)
        if not torch.isfinite(bundle.total):
            self.state.grads = None
            return self.optimizer.skip("nonfinite_loss"), bundle
        with self._timers.phase("backward"):
            self.optimizer.zero_grad()
            bundle.total.backward()
        self._grads.before_update()
        with self._timers.phase("optim"):
            outcome = self.optimizer.step()
        self.state.grads = self._grads.after_update(self.state.step + 1)
        return outcome, bundle

    def _report(
        self, outcome: StepOutcome, bundle: LossBundle, prefetcher: Prefetcher, starved: int
    ) -> m.StepReport:
        loss = float(bundle.total.detach())
        if math.isfinite(loss):
            self._last_loss = loss
        wait_ms = prefetcher.take_wait_ms()
        lap = self._timers.lap()
        return m.StepReport(
            step=self.state.step,
            epoch=self.state.epoch,
            loss=loss,
            loss_parts=bundle.scalars(),
            lr=outcome.lr,
            grad_norm=outcome.grad_norm,
            clip_scale=outcome.clip_scale,
            clipped_total=self.optimizer.clipped,
            skipped=not outcome.applied,
            skipped_total=self.optimizer.skipped,
            examples=self._rate.total,
            examples_per_s=self._rate.rate,
            step_ms=lap["total"],
            data_wait_ms=wait_ms,
            forward_ms=lap.get("forward", 0.0),
            backward_ms=lap.get("backward", 0.0),
            optim_ms=lap.get("optim", 0.0),
            queue_depth=prefetcher.depth,
            starvations=starved + prefetcher.starvations,
        )
