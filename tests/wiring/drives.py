"""Drives of the shipped telemetry: each leads a value from the backward pass of a real training run to the real screen.

A run is as `telewire train --sanctum` starts it, or a plain loop under `TrainingMonitor`: the training in the
dashboard's worker thread, the hub with the dashboard and the log behind it. The value enters where the telemetry looks:
in a gradient, in the norm that clipping leaves, in the hidden state, in the loss. The dashboard is yielded while it is
still on the screen.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import pytest
import torch

from telewire.telemetry.backends import LogBackend
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.monitor import TrainingMonitor
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


async def training_loss(value: float, one_thread: None) -> AsyncIterator[SanctumApp]:
    """Each step of a plain loop has this loss; its gradient is that of the model's own."""
    async for app in screen_after_steps(loss=value):
        yield app


async def learning_rate(value: float, one_thread: None) -> AsyncIterator[SanctumApp]:
    """A plain loop steps with this learning rate; before the last step the schedule sets it."""
    async for app in screen_after_steps(learning_rate=value):
        yield app


async def training_steps(value: int, one_thread: None) -> AsyncIterator[SanctumApp]:
    """A plain loop takes so many steps."""
    async for app in screen_after_steps(steps=value):
        yield app


def plain_loop(hub: TelemetryHub, *, steps: int, loss: float, learning_rate: float) -> int:
    """Fit a small network as somebody else's code would; the steps taken."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand(16, 3, generator=generator)
    model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    with TrainingMonitor(model, optimizer, hub=hub) as monitor:
        for step in range(1, steps + 1):
            if step == steps:
                optimizer.param_groups[0]["lr"] = learning_rate
            error = (model(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean()
            step_loss = error - error.detach() + loss
            optimizer.zero_grad()
            step_loss.backward()
            monitor.after_backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            monitor.end_step(loss=step_loss)
        return monitor.finished_steps


async def screen_after_steps(
    *, steps: int = 2, loss: float = 0.5, learning_rate: float = 0.5
) -> AsyncIterator[SanctumApp]:
    """Run a plain loop in the dashboard's own worker, and yield the dashboard with the last step on its screen."""
    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        hub.add_backend(LogBackend())
        app = SanctumApp(
            aggregator, lambda stop: plain_loop(hub, steps=steps, loss=loss, learning_rate=learning_rate)
        )
        async for shown in shown_when_trained(app, hub):
            assert app.training_result == steps
            yield shown


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
        async for shown in shown_when_trained(app, hub):
            assert isinstance(app.training_result, TrainingResult)
            yield shown


async def shown_when_trained(app: SanctumApp, hub: TelemetryHub) -> AsyncIterator[SanctumApp]:
    """Run the dashboard until its training has ended, and yield it with all events on its screen."""
    async with app.run_test(size=SCREEN) as pilot:
        for _ in range(TRIES):
            if app.training_result is not None or app.training_error is not None:
                break
            await pilot.pause(0.01)
        assert app.training_error is None, app.training_error
        assert hub.flush()
        app.refresh_snapshot()
        await pilot.pause()
        yield app
