"""Callbacks of the training loop: everything that happens every so many steps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from . import messages as m
from .bus import EventBus
from .checkpoint import CheckpointManager
from .config import RunConfig
from .dist import RankReducer
from .drift import DriftMonitor
from .evaluator import Evaluator
from .features import FeatureTracker
from .health import HealthContext, HealthMonitor
from .ingest import Batch, Ingestor
from .model import TwoTower
from .serving import ServingExporter
from .store import FeatureRefresher
from .telemetry import EmbeddingTelemetry


@dataclass
class TrainState:
    """What the loop and its callbacks share."""

    step: int = 0
    epoch: int = 0
    report: m.StepReport | None = None
    grads: m.GradReport | None = None
    embedding: m.EmbeddingReport | None = None
    drift: m.DriftReport | None = None
    ranks: m.RankReport | None = None
    evaluation: m.EvalReport | None = None
    stop_reason: str = ""


EvalHook = Callable[[TrainState, m.EvalReport], None]


class Callback:
    def on_batch(self, state: TrainState, batch: Batch) -> None:
        """Before the step on this batch."""

    def on_step(self, state: TrainState) -> None:
        """After each step, applied or not."""

    def on_end(self, state: TrainState, phase: m.Phase) -> None:
        """Once, however the run ended."""


def _due(step: int, every: int) -> bool:
    return every > 0 and step > 0 and step % every == 0


class IngestCallback(Callback):
    def __init__(self, bus: EventBus, data: Ingestor, every: int) -> None:
        self._bus, self._data, self._every = bus, data, every

    def on_step(self, state: TrainState) -> None:
        if _due(state.step, self._every):
            self._bus.publish(self._data.report(state.step))

    def on_end(self, state: TrainState, phase: m.Phase) -> None:
        self._bus.publish(self._data.report(state.step))


class FeatureCallback(Callback):
    def __init__(self, bus: EventBus, cfg: RunConfig, tracker: FeatureTracker, drift: DriftMonitor) -> None:
        self._bus, self._cfg = bus, cfg.features
        self._tracker, self._drift = tracker, drift

    def on_batch(self, state: TrainState, batch: Batch) -> None:
        self._tracker.observe(batch)

    def on_step(self, state: TrainState) -> None:
        if not _due(state.step, self._cfg.report_every):
            return
        window = self._tracker.report(state.step)
        self._bus.publish(window)
        if self._drift.active:
            state.drift = self._drift.compare(self._tracker, window)
            self._bus.publish(state.drift)
        if not self._cfg.write_reference:
            self._tracker.reset_window()

    def on_end(self, state: TrainState, phase: m.Phase) -> None:
        if self._cfg.write_reference and phase is m.Phase.FINISHED:
            self._tracker.write_reference(Path(self._cfg.reference_path))


class EmbeddingCallback(Callback):
    def __init__(self, bus: EventBus, cfg: RunConfig, model: TwoTower, telemetry: EmbeddingTelemetry) -> None:
        self._bus, self._model, self._telemetry = bus, model, telemetry
        self._evict_every = cfg.model.evict_every
        self._report_every = cfg.sinks.report_every

    def _report(self, state: TrainState) -> None:
        state.embedding = self._telemetry.report(state.step)
        self._bus.publish(state.embedding)

    def on_step(self, state: TrainState) -> None:
        if _due(state.step, self._evict_every):
            for table in self._model.tables.values():
                table.evict(state.step)
        if _due(state.step, self._report_every):
            self._report(state)

    def on_end(self, state: TrainState, phase: m.Phase) -> None:
        self._report(state)


class GradCallback(Callback):
    def __init__(self, bus: EventBus, every: int) -> None:
        self._bus, self._every = bus, every

    def on_step(self, state: TrainState) -> None:
        if state.grads is not None and (_due(state.step, self._every) or state.grads.nonfinite):
            self._bus.publish(state.grads)


class RankCallback(Callback):
    """Collective: every rank must reach it at the same steps."""

    def __init__(self, bus: EventBus, reducer: RankReducer, every: int) -> None:
        self._bus, self._reducer, self._every = bus, reducer, every

    def on_step(self, state: TrainState) -> None:
        if state.report is not None and _due(state.step, self._every):
            state.ranks = self._reducer.reduce(state.report)
            self._bus.publish(state.ranks)


class RefreshCallback(Callback):
    def __init__(self, bus: EventBus, refresher: FeatureRefresher, every: int) -> None:
        self._bus, self._refresher, self._every = bus, refresher, every

    def on_step(self, state: TrainState) -> None:
        if _due(state.step, self._every):
            self._bus.publish(self._refresher.refresh(state.step))


class HealthCallback(Callback):
    """Judges the step; asks the loop to stop after too many critical steps in a row."""

    def __init__(self, bus: EventBus, monitor: HealthMonitor, every: int) -> None:
        self._bus, self._monitor, self._every = bus, monitor, every

    def on_step(self, state: TrainState) -> None:
        if state.report is None:
            return
        report = self._monitor.evaluate(
            HealthContext(
                step=state.report,
                grads=state.grads,
                embedding=state.embedding,
                drift=state.drift,
                ranks=state.ranks,
            )
        )
        if report.status is not m.Severity.OK or _due(state.step, self._every):
            self._bus.publish(report)
        if self._monitor.should_abort:
            worst = max(report.findings, key=lambda f: f.severity)
            state.stop_reason = f"{worst.check}: {worst.detail}"


class EvalCallback(Callback):
    def __init__(self, bus: EventBus, evaluator: Evaluator, every: int, hooks: list[EvalHook]) -> None:
        self._bus, self._evaluator, self._every = bus, evaluator, every
        self._hooks = hooks

    def _evaluate(self, state: TrainState) -> None:
        self._bus.publish(m.PhaseChange(m.Phase.EVALUATING, state.step))
        state.evaluation = self._evaluator.run(state.step)
        self._bus.publish(state.evaluation)
        for hook in self._hooks:
            hook(state, state.evaluation)
        self._bus.publish(m.PhaseChange(m.Phase.TRAINING, state.step))

    def on_step(self, state: TrainState) -> None:
        if _due(state.step, self._every):
            self._evaluate(state)

    def on_end(self, state: TrainState, phase: m.Phase) -> None:
        fresh = state.evaluation is not None and state.evaluation.step == state.step
        if phase is m.Phase.FINISHED and not fresh:
            self._evaluate(state)


class CheckpointCallback(Callback):
    def __init__(
        self,
        bus: EventBus,
        manager: CheckpointManager,
        every: int,
        capture: Callable[[TrainState], dict[str, Any]],
    ) -> None:
        self._bus, self._manager, self._every = bus, manager, every
        self._capture = capture

    def _save(self, state: TrainState, reason: str, report: m.EvalReport | None = None) -> None:
        event = self._manager.save(state.step, self._capture(state), reason, report)
        self._bus.publish(event)

    def on_eval(self, state: TrainState, report: m.EvalReport) -> None:
        if self._manager.is_best(self._manager.metric_of(report)):
            self._save(state, "best", report)

    def on_step(self, state: TrainState) -> None:
        if _due(state.step, self._every):
            self._save(state, "periodic")

    def on_end(self, state: TrainState, phase: m.Phase) -> None:
        if phase is not m.Phase.FAILED:
            self._save(state, phase.value)


class ExportCallback(Callback):
    def __init__(self, bus: EventBus, exporter: ServingExporter) -> None:
        self._bus, self._exporter = bus, exporter

    def on_end(self, state: TrainState, phase: m.Phase) -> None:
        if phase is m.Phase.FINISHED:
            self._bus.publish(m.PhaseChange(m.Phase.EXPORTING, state.step))
            self._bus.publish(self._exporter.export(state.step, state.evaluation))


class BusCallback(Callback):
    def __init__(self, bus: EventBus, every: int) -> None:
        self._bus, self._every = bus, every

    def on_step(self, state: TrainState) -> None:
        if _due(state.step, self._every):
            self._bus.publish(self._bus.stats(state.step))

    def on_end(self, state: TrainState, phase: m.Phase) -> None:
        self._bus.publish(self._bus.stats(state.step))
