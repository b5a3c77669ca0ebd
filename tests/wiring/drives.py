"""Drives of the shipped telemetry: each leads a value from the backward pass of a real training run to the real screen.

A run is as `telewire train --sanctum` starts it: the training loop in the dashboard's worker thread, the hub with the
dashboard and the log behind it. The value enters where the telemetry looks: in a gradient, in the norm that clipping
leaves, in the hidden state. The dashboard is yielded while it is still on the screen.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import pytest
import torch

from telewire.telemetry.backends import LogBackend
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.sanctum.aggregator import SanctumAggregator
from telewire.telemetry.sanctum.app import SanctumApp
from telewire.telemetry.training.inject import Injection, InjectionKind
from telewire.telemetry.training.loop import MINIMUM_UPDATES, TrainingConfig, TrainingLoop, TrainingResult
from telewire.telemetry.training.ppo import PPOConfig
from telewire.telemetry.training.rollout import Rollout, RolloutCollector

Value = float | bool

TRIES = 2_000
"""How often it is looked whether a training has ended, 0.01 s apart."""

SCREEN = (100, 40)


async def nan_gradients(value: int, one_thread: None) -> AsyncIterator[SanctumApp]:
    """So many elements of the last update's gradient are NaN."""
    async for app in screen_after_training(injections=injected(InjectionKind.NAN, value)):
        yield app


async def inf_gradients(value: int, one_thread: None) -> AsyncIterator[SanctumApp]:
    """So many elements of the last update's gradient are infinite."""
    async for app in screen_after_training(injections=injected(InjectionKind.INF, value)):
        yield app


async def gradient_norm(value: float, one_thread: None) -> AsyncIterator[SanctumApp]:
    """Clipping leaves a norm of this size in each update; a NaN comes from a gradient of the last."""
    if math.isnan(value):
        injections = injected(InjectionKind.NAN, 1)
        async for app in screen_after_training(injections=injections):
            yield app
    else:
        async for app in screen_after_training(max_grad_norm=value):
            yield app


async def hidden_state(
    value: Mapping[str, Value], one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """The environments are left in a hidden state of these norms."""
    collect = RolloutCollector.collect

    def collect_that_state(collector: RolloutCollector) -> Rollout:
        rollout = collect(collector)
        states = [torch.zeros_like(state) for state in rollout.hidden]
        for state, name in zip(states, ("h_norm", "c_norm"), strict=True):
            state.view(-1)[0] = value[name]
        return replace(rollout, hidden=(states[0], states[1]))

    monkeypatch.setattr(RolloutCollector, "collect", collect_that_state)
    async for app in screen_after_training():
        yield app


def injected(kind: InjectionKind, count: int) -> tuple[Injection, ...]:
    """Return what makes so many elements of the last update's gradient NaN or infinite."""
    return (Injection(kind=kind, count=count, update=MINIMUM_UPDATES),) if count else ()


async def screen_after_training(
    *, injections: Sequence[Injection] = (), max_grad_norm: float = 2.0
) -> AsyncIterator[SanctumApp]:
    """Train for a few updates in the dashboard's own worker, and yield the dashboard with the last on its screen."""
    config = TrainingConfig(
        episodes=1, envs=2, hidden_size=8, ppo=PPOConfig(max_grad_norm=max_grad_norm, epochs=1, minibatches=2)
    )
    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        hub.add_backend(LogBackend())
        loop = TrainingLoop(config, hub, injections=injections)
        app = SanctumApp(aggregator, lambda stop: loop.run(stop=stop))
        async with app.run_test(size=SCREEN) as pilot:
            for _ in range(TRIES):
                if app.training_result is not None or app.training_error is not None:
                    break
                await pilot.pause(0.01)
            assert app.training_error is None, app.training_error
            assert isinstance(app.training_result, TrainingResult)
            assert hub.flush()
            app.refresh_snapshot()
            await pilot.pause()
            yield app
