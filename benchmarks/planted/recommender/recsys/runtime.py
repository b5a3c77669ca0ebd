"""Puts a run together: data, model, callbacks, bus, sinks, alerts and dashboard."""

from __future__ import annotations

import logging
import random
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch

from . import messages as m
from .alerts import AlertEngine, attach_notifiers
from .bus import EventBus
from .callbacks import (
    BusCallback,
    Callback,
    CheckpointCallback,
    EmbeddingCallback,
    EvalCallback,
    ExportCallback,
    FeatureCallback,
    GradCallback,
    HealthCallback,
    IngestCallback,
    RankCallback,
    RefreshCallback,
)
from .checkpoint import CheckpointManager
from .config import RunConfig
from .dashboard import Dashboard
from .dist import RankReducer, World, process_group
from .drift import DriftMonitor
from .evaluator import Evaluator
from .features import FeatureTracker, load_reference
from .health import HealthMonitor
from .ingest import Collator, Ingestor
from .model import TwoTower
from .optim import StepOptimizer
from .serving import ServingExporter
from .sinks import build_sinks
from .store import FeatureRefresher, FeatureStore
from .telemetry import EmbeddingTelemetry
from .trainer import Trainer

log = logging.getLogger(__name__)


def _seed(cfg: RunConfig, world: World) -> None:
    random.seed(cfg.seed + world.rank)
    torch.manual_seed(cfg.seed + world.rank)


def start_telemetry(cfg: RunConfig, bus: EventBus, world: World, stack: ExitStack) -> None:
    """Attach every consumer, start the bus, and see that all is closed in the right order.

    Only the main rank exports; the others run the bus so that publishing stays uniform.
    """
    if world.is_main:
        for sink in build_sinks(cfg.sinks, cfg.name):
            sink.start()
            sink.attach(bus)
            stack.callback(sink.close)
        AlertEngine(cfg.alerts, bus).attach()
        attach_notifiers(cfg.alerts, bus)
        if cfg.dashboard:
            dashboard = Dashboard(cfg.name, cfg.dashboard_interval_s)
            dashboard.attach(bus)
            dashboard.start()
            stack.callback(dashboard.stop)
    bus.start()
    stack.callback(bus.stop)


def build_evaluator(cfg: RunConfig, model: TwoTower, store: FeatureStore, collate: Collator) -> Evaluator:
    open_data = partial(Ingestor, cfg.data, cfg.data.eval_glob, collate, store)
    return Evaluator(cfg.eval, model, open_data, cfg.device)


def build_callbacks(
    cfg: RunConfig,
    bus: EventBus,
    world: World,
    trainer: Trainer,
    data: Ingestor,
    evaluator: Evaluator,
    refresher: FeatureRefresher,
    checkpoints: CheckpointManager,
) -> list[Callback]:
    """In the order of running: measurements first, then the judgement, then what acts on it."""
    every = cfg.sinks.report_every
    model = trainer.model
    reference = load_reference(Path(cfg.features.reference_path))
    saver = CheckpointCallback(bus, checkpoints, cfg.checkpoint.every, trainer.capture)
    callbacks: list[Callback] = [
        IngestCallback(bus, data, every),
        FeatureCallback(
            bus, cfg, FeatureTracker(cfg.features, reference), DriftMonitor(cfg.features, reference)
        ),
        EmbeddingCallback(bus, cfg, model, EmbeddingTelemetry(model, cfg.model)),
        GradCallback(bus, every),
        RankCallback(bus, RankReducer(world, cfg.device), cfg.sync_every),
        HealthCallback(bus, HealthMonitor(cfg.health), every),
        RefreshCallback(bus, refresher, cfg.serving.refresh_every),
    ]
    if world.is_main:
        callbacks += [
            EvalCallback(bus, evaluator, cfg.eval.every, [saver.on_eval]),
            saver,
            ExportCallback(bus, ServingExporter(cfg.serving, cfg.model, model)),
        ]
    callbacks.append(BusCallback(bus, every))
    return callbacks


def run_training(cfg: RunConfig, resume: bool) -> m.RunSummary:
    with process_group(cfg.device) as world, ExitStack() as stack:
        _seed(cfg, world)
        bus = EventBus()
        start_telemetry(cfg, bus, world, stack)
        bus.publish(m.PhaseChange(m.Phase.STARTING, 0))

        store = FeatureStore()
        refresher = FeatureRefresher(cfg.serving, store)
        bus.publish(refresher.refresh(0))

        collate = Collator(cfg.features, store, cfg.eval.segment_by)
        data = Ingestor(cfg.data, cfg.data.train_glob, collate, store, world.rank, world.size)
        model = TwoTower(cfg.model, len(cfg.features.dense)).to(cfg.device)
        checkpoints = CheckpointManager(cfg.checkpoint)
        trainer = Trainer(cfg, model, StepOptimizer(cfg.optim, model), data, checkpoints, bus)
        trainer.callbacks = build_callbacks(
            cfg,
            bus,
            world,
            trainer,
            data,
            build_evaluator(cfg, model, store, collate),
            refresher,
            checkpoints,
        )
        if resume and not trainer.resume():
            log.warning("nothing to resume from in %s", cfg.checkpoint.directory)
        return trainer.fit()


def run_evaluation(cfg: RunConfig) -> m.EvalReport | None:
    """Evaluate the latest checkpoint outside a training run."""
    saved = CheckpointManager(cfg.checkpoint).load_latest(cfg.device)
    if saved is None:
        return None
    store = FeatureStore()
    FeatureRefresher(cfg.serving, store).refresh(saved["step"])
    model = TwoTower(cfg.model, len(cfg.features.dense)).to(cfg.device)
    model.load_state_dict(saved["model"])
    collate = Collator(cfg.features, store, cfg.eval.segment_by)
    return build_evaluator(cfg, model, store, collate).run(saved["step"])
