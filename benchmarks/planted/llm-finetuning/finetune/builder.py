"""Builds a trainer, or only a harness, from settings."""
from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Callable

import torch

from .callbacks import (
    BestScoreCallback,
    CallbackList,
    ConsoleCallback,
    Emit,
    EventCallback,
    ProgressCallback,
)
from .checkpoint import CheckpointManager
from .data import LoadCounts, load_documents, prepare_training_data
from .evaluation import EvalHarness, build_scorers
from .lora import AdapterSet
from .preference import PreferenceStage, load_pairs
from .schedule import WarmupSchedule
from .settings import Settings
from .trainer import Trainer

log = logging.getLogger(__name__)


@dataclass
class LoadedModel:
    model: Any
    tokenizer: Any
    device: torch.device


def load_model(settings: Settings) -> LoadedModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = torch.device(settings.model.device if torch.cuda.is_available() else "cpu")
    tokenizer = AutoTokenizer.from_pretrained(settings.model.name)
    model = AutoModelForCausalLM.from_pretrained(settings.model.name)
    if settings.model.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    return LoadedModel(model, tokenizer, device)


def build_harness(
    settings: Settings, loaded: LoadedModel, reward: Callable[[str], float] | None = None
) -> EvalHarness | None:
    if settings.data.eval_path is None:
        return None
    documents = load_documents(settings.data.eval_path, LoadCounts())
    return EvalHarness(
        loaded.model,
        loaded.tokenizer,
        documents,
        build_scorers(settings.evaluation.scorers, reward),
        settings.evaluation,
        loaded.device,
    )


def build_trainer(
    settings: Settings,
    job_id: str,
    emit: Emit,
    should_stop: Callable[[], bool],
    progress: ProgressCallback,
) -> Trainer:
    loaded = load_model(settings)
    adapters: AdapterSet | None = None
    if settings.lora.enabled:
        adapters = AdapterSet(loaded.model)
        log.info("injected %d adapters of rank %d", adapters.inject(settings.lora), settings.lora.rank)
    loaded.model.to(loaded.device)
    trainable = [p for p in loaded.model.parameters() if p.requires_grad]
    optim = settings.optim
    optimizer = torch.optim.AdamW(
        trainable, lr=optim.learning_rate, weight_decay=optim.weight_decay, betas=(optim.beta1, optim.beta2)
    )
    loader, token_stats = prepare_training_data(settings.data, loaded.tokenizer)
    preference: PreferenceStage | None = None
    if settings.preference.enabled and settings.data.preference_path is not None:
        pairs = load_pairs(settings.data.preference_path)
        preference = PreferenceStage(
            loaded.model, loaded.tokenizer, adapters, pairs, settings.preference, loaded.device
        )
    harness = build_harness(settings, loaded, preference.reward if preference is not None else None)
    checkpoints = CheckpointManager(settings.checkpoint, job_id)
    best = BestScoreCallback(settings.evaluation.primary_scorer, checkpoints.mark_best)
    callbacks = CallbackList(
        [
            EventCallback(job_id, emit),
            ConsoleCallback(settings.telemetry.log_every_steps),
            progress,
            best,
        ]
    )
    return Trainer(
        model=loaded.model,
        loader=loader,
        token_stats=token_stats,
        optimizer=optimizer,
        schedule=WarmupSchedule(optimizer, optim),
        settings=settings,
        device=loaded.device,
        callbacks=callbacks,
        checkpoints=checkpoints,
        best=best,
        adapters=adapters,
        harness=harness,
        preference=preference,
        should_stop=should_stop,
    )
