"""Drives of the shipped telemetry: each leads a value from the backward pass of a real training run to the real screen.

A run is as `telewire train --sanctum` starts it, or a plain loop under `TrainingMonitor`: the training in the
dashboard's worker thread, the hub with the dashboard and the log behind it. The value enters where the telemetry looks:
in a gradient, in the norm that clipping leaves, in the hidden state, in the loss. The dashboard is yielded while it is
still on the screen.
"""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from telewire.telemetry.backends import LogBackend
from telewire.telemetry.gradient_ema import DEFAULT_DECAY, GradientEMATracker
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.performance import PerformanceTracker
from telewire.telemetry.policy_stats import PolicyStatistics
from telewire.telemetry.ranks import steps as rank_steps
from telewire.telemetry.ranks.exchange import DEFAULT_TIMEOUT, RankExchange
from telewire.telemetry.sanctum.aggregator import SanctumAggregator
from telewire.telemetry.sanctum.app import SanctumApp
from telewire.telemetry.training import loop as training_loop
from telewire.telemetry.training.envs import HEADS
from telewire.telemetry.training.inject import GradientInjector, Injection, InjectionKind
from telewire.telemetry.training.loop import MINIMUM_UPDATES, TrainingConfig, TrainingLoop, TrainingResult
from telewire.telemetry.training.ppo import PPO, PPOConfig, UpdateResult
from telewire.telemetry.training.rollout import Rollout, RolloutCollector

Value = float | bool

TRIES = 2_000
"""How often it is looked whether a training has ended, 0.01 s apart."""

SCREEN = (100, 40)

PEER = str(Path(__file__).parent / "peer.py")
RANK_TIMEOUT = timedelta(seconds=3)
PATIENCE = 60
"""Seconds after which the other process should have ended."""


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
    """The environments are left in a hidden state of these norms, or with this share of its units at their limit."""
    collect = RolloutCollector.collect

    def collect_that_state(collector: RolloutCollector) -> Rollout:
        rollout = collect(collector)
        states = [torch.zeros_like(state) for state in rollout.hidden]
        for state, name in zip(states, ("h_norm", "c_norm"), strict=True):
            state.view(-1)[0] = value.get(name, 0.0)
        saturated = round(value.get("h_saturation", 0.0) * states[0].numel())
        states[0].view(-1)[:saturated] = 0.98
        return replace(rollout, hidden=(states[0], states[1]))

    monkeypatch.setattr(RolloutCollector, "collect", collect_that_state)
    async for app in screen_after_training():
        yield app


async def norm_state(
    value: str, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """The gradient of the last update is as it is, far too small, far too large, or not finite."""
    factor = {"finite": 1.0, "underflowed": 1e-30, "overflowed": 1e25, "not_finite": math.inf}[value]

    def change(gradients: Sequence[torch.Tensor]) -> None:
        for gradient in gradients:
            gradient.mul_(factor)

    change_gradients(monkeypatch, change)
    async for app in screen_after_training(minibatches=1):
        yield app


async def gradient_passes(
    value: int, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """One pass for sound gradients, two for an overflowed one, three for one that is infinite."""

    def change(gradients: Sequence[torch.Tensor]) -> None:
        gradients[0].view(-1)[0] = {1: 1.0, 2: 1e30, 3: math.inf}[value]

    change_gradients(monkeypatch, change)
    async for app in screen_after_training():
        yield app


async def gradient_drift(
    value: Mapping[str, Value], one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """A run that goes on from 100 updates of norm 0.5 and from a streak; its last updates are off by the drift.

    Before it a plain loop that is off as far, and as long, has reported to the same hub.
    """
    weights = 1 - DEFAULT_DECAY**100
    averages = {"decay": DEFAULT_DECAY, "updates": 100, "norm_sum": 0.5 * weights, "health_sum": weights}
    updates, off = MINIMUM_UPDATES, min(MINIMUM_UPDATES, int(value["streak"]))
    run, update = TrainingLoop.run, PPO.update
    trackers: list[GradientEMATracker] = []
    norms: list[float] = []

    def run_on(loop: TrainingLoop, *, stop: threading.Event) -> TrainingResult:
        # A streak goes on only where no update between is near the average.
        streak = int(value["streak"]) - off
        loop.gradient_ema.load_state_dict({"refused_inputs": 0, "streak": streak, **averages})
        trackers.append(loop.gradient_ema)
        return run(loop, stop=stop)

    def update_of_that_norm(ppo: PPO, rollout: Rollout, **settings: Any) -> UpdateResult:
        average = trackers[0].norm_ema
        assert average is not None
        is_off = len(norms) >= updates - off
        norms.append(average * (1 + value["norm_drift"]) if is_off else average)
        return replace(update(ppo, rollout, **settings), pre_clip_grad_norm=norms[-1])

    monkeypatch.setattr(TrainingLoop, "run", run_on)
    monkeypatch.setattr(PPO, "update", update_of_that_norm)
    state = {"refused_inputs": 0, "streak": int(value["streak"]) - 2, **averages}
    plain = partial(drifting_loop, state=state, factor=1 + value["norm_drift"])
    async for app in screen_after_training(before=plain):
        yield app


async def pre_clip_norm(
    value: float, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """The gradient of the last update has this norm before clipping."""
    change_gradients(monkeypatch, lambda gradients: set_norm(gradients, value))
    async for app in screen_after_training(minibatches=1):
        yield app


async def norm_variation(
    value: float, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """All updates have gradients of norm 1 but the last, which is as much larger as that variation takes."""
    others = MINIMUM_UPDATES - 1
    # Of one x beside n ones the variation is sqrt(n) * (x - 1) / (x + n), solved for x.
    spike = (math.sqrt(others) + others * value) / (math.sqrt(others) - value)
    change_gradients(monkeypatch, lambda gradients: set_norm(gradients, 1.0), update=None)
    change_gradients(monkeypatch, lambda gradients: set_norm(gradients, spike))
    async for app in screen_after_training(minibatches=1):
        yield app


async def loss_scale(value: float, one_thread: None) -> AsyncIterator[SanctumApp]:
    """The loss is scaled by this factor."""
    async for app in screen_after_training(loss_scale=value):
        yield app


async def dead_layers(
    value: int, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """The gradients of so many layers are zero at the last update, which an anomaly before has raised to DEBUG."""
    change_gradients(monkeypatch, lambda gradients: fill(gradients, value, 0.0))
    injections = (Injection(kind=InjectionKind.NAN, count=1, update=MINIMUM_UPDATES - 1),)
    async for app in screen_after_training(injections=injections):
        yield app


async def exploding_layers(
    value: int, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """The gradients of so many layers are large at the last update, which an anomaly before has raised to DEBUG."""
    change_gradients(monkeypatch, lambda gradients: fill(gradients, value, 100.0))
    injections = (Injection(kind=InjectionKind.NAN, count=1, update=MINIMUM_UPDATES - 1),)
    async for app in screen_after_training(injections=injections):
        yield app


async def bad_layer(value: Mapping[str, Value], one_thread: None) -> AsyncIterator[SanctumApp]:
    """One layer has so many NaN and infinite elements at the last update."""
    injections = (
        *injected(InjectionKind.NAN, int(value["nan_count"])),
        *injected(InjectionKind.INF, int(value["inf_count"])),
    )
    async for app in screen_after_training(injections=injections):
        yield app


def change_gradients(
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Sequence[torch.Tensor]], None],
    update: int | None = MINIMUM_UPDATES,
) -> None:
    """Have the gradients changed after the first backward pass of one update, or of each (None)."""
    for_update = GradientInjector.for_update

    def poison_of(injector: GradientInjector, number: int) -> Callable[[], None] | None:
        if update is not None and number != update:
            return for_update(injector, number)
        model = injector._model

        def poison() -> None:
            change([parameter.grad for parameter in model.parameters() if parameter.grad is not None])

        return poison

    monkeypatch.setattr(GradientInjector, "for_update", poison_of)


def set_norm(gradients: Sequence[torch.Tensor], norm: float) -> None:
    """Make the whole gradient zero but for one element."""
    for gradient in gradients:
        gradient.zero_()
    gradients[0].view(-1)[0] = norm


def fill(gradients: Sequence[torch.Tensor], layers: int, value: float) -> None:
    """Give each element of the first layers' gradients a value."""
    for gradient in gradients[:layers]:
        gradient.fill_(value)


async def rank_coverage(
    value: Mapping[str, Value], one_thread: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """The training runs in two processes, of which this is rank 0; the other answers, or does not, as the value
    says. Before it a plain loop of the same processes has reported to the same hub.
    """
    monkeypatch.setattr(rank_steps, "RankExchange", partial(RankExchange, timeout=RANK_TIMEOUT))
    conduct = "answers"
    if value["missing"]:
        conduct = "falls silent" if value["unanswered"] else "collects nothing"
    rendezvous = f"file://{tmp_path}/rendezvous"
    peer = subprocess.Popen([sys.executable, PEER, rendezvous, conduct])
    try:
        dist.init_process_group("gloo", init_method=rendezvous, rank=0, world_size=2)
        try:
            async for app in screen_after_training(rank_timeout=RANK_TIMEOUT, before=loop_across_ranks):
                yield app
        finally:
            dist.destroy_process_group()
        assert peer.wait(PATIENCE) == 0
    finally:
        peer.kill()
        peer.wait()


async def skipped_steps(value: int, one_thread: None) -> AsyncIterator[SanctumApp]:
    """So many steps of the last update have a gradient that is not finite."""
    async for app in screen_after_training(injections=injected(InjectionKind.INF, 3 * value)):
        yield app


async def policy_loss(
    value: float, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """Every optimiser step has this policy loss."""
    steps_with(monkeypatch, policy_loss=scalar(value))
    async for app in screen_after_training():
        yield app


async def value_loss(
    value: float, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """Every optimiser step has this value loss."""
    steps_with(monkeypatch, value_loss=scalar(value))
    async for app in screen_after_training():
        yield app


async def entropy(
    value: float, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """The heads have this entropy together, at every optimiser step."""
    steps_with(monkeypatch, entropies={"push": scalar(value / 2), "hold": scalar(value / 2)})
    async for app in screen_after_training():
        yield app


async def head_entropy(
    value: Mapping[str, Value], one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """Each head has this entropy at every optimiser step of as many updates as the streak has."""
    heads = dict.fromkeys(HEADS, scalar(float(value["entropy"])))
    is_last = last_updates(monkeypatch, int(value["streak"]) or MINIMUM_UPDATES)
    steps_with(monkeypatch, is_last, entropies=heads)
    async for app in screen_after_training():
        yield app


async def approx_kl(
    value: float, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """One action in ten has become more likely by the same factor, which makes this divergence."""
    low, high = 0.0, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if math.expm1(middle) - middle < 10 * value else (low, middle)
    steps_with(monkeypatch, **transitions([low] * 10 + [0.0] * 90))
    async for app in screen_after_training():
        yield app


async def clip_fraction(
    value: float, one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """This share of the actions has become twice as likely."""
    clipped = round(1000 * value)
    steps_with(monkeypatch, **transitions([math.log(2)] * clipped + [0.0] * (1000 - clipped)))
    async for app in screen_after_training():
        yield app


async def ratio(
    value: Mapping[str, Value], one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """One action has become so much more likely and another so much less."""
    logs = [math.log(value["max"]), math.log(value["min"])]
    steps_with(monkeypatch, **transitions([*logs, *[0.0] * 998]))
    async for app in screen_after_training():
        yield app


async def value_health(
    value: Mapping[str, Value], one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """The values of as many updates as the streak has fit their returns so well, at this phase of the training."""
    is_last = last_updates(monkeypatch, int(value["streak"]) or MINIMUM_UPDATES)
    monkeypatch.setattr(TrainingLoop, "_phase", lambda _: float(value["phase"]))
    share = math.sqrt(1 - value["explained_variance"])
    values = torch.tensor([1.0, -1.0], dtype=torch.float64) * value["value_std"]
    # Returns that differ from the values by -share / (1 + share) of these have that explained variance.
    returns = values * (1 - share / (1 + share))
    note = PolicyStatistics.fit

    def fit(statistics: PolicyStatistics, **noted: Tensor) -> None:
        note(statistics, **(noted | {"values": values, "returns": returns} if is_last() else noted))

    monkeypatch.setattr(PolicyStatistics, "fit", fit)
    async for app in screen_after_training():
        yield app


async def performance(
    value: Mapping[str, Value], one_thread: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SanctumApp]:
    """Each update is an epoch; in the last all episodes end with this return, which is the drop below those before."""
    is_last = last_updates(monkeypatch, 1)
    collect = RolloutCollector.collect
    best = value["mean_return"] / (1 - value["drop"])

    def collect_those_returns(collector: RolloutCollector) -> Rollout:
        rollout = collect(collector)
        returns = (float(value["mean_return"] if is_last() else best),) * training_loop.RETURN_WINDOW
        return replace(rollout, episode_returns=returns)

    monkeypatch.setattr(RolloutCollector, "collect", collect_those_returns)
    short = partial(PerformanceTracker, epoch_updates=1)
    monkeypatch.setattr(training_loop, "PerformanceTracker", short)
    async for app in screen_after_training():
        yield app


def scalar(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def transitions(log_ratio: Sequence[float]) -> dict[str, Tensor]:
    """Return what an optimiser step notes of transitions with these logarithms of ratios."""
    count = len(log_ratio)
    return {
        "log_ratio": torch.tensor(log_ratio, dtype=torch.float64),
        "advantages": torch.ones(count, dtype=torch.float64),
        "positions": torch.arange(count),
    }


def steps_with(
    monkeypatch: pytest.MonkeyPatch, applies: Callable[[], bool] | None = None, **changes: object
) -> None:
    """Let every optimiser step note these values instead of its own, in the updates to which they apply."""
    note = PolicyStatistics.step

    def step(statistics: PolicyStatistics, **noted: Any) -> None:
        note(statistics, **(noted | changes if applies is None or applies() else noted))

    monkeypatch.setattr(PolicyStatistics, "step", step)


def last_updates(monkeypatch: pytest.MonkeyPatch, count: int) -> Callable[[], bool]:
    """Make at least `count` updates; return what tells whether the one in hand is among the last `count`."""
    updates = max(MINIMUM_UPDATES, count)
    monkeypatch.setattr(training_loop, "MINIMUM_UPDATES", updates)
    begun: list[None] = []
    collect = RolloutCollector.collect

    def collect_and_count(collector: RolloutCollector) -> Rollout:
        begun.append(None)
        return collect(collector)

    monkeypatch.setattr(RolloutCollector, "collect", collect_and_count)
    return lambda: len(begun) > updates - count


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


def drifting_loop(hub: TelemetryHub, *, state: Mapping[str, float], factor: float) -> None:
    """Go on from saved averages for two steps, whose gradients are larger than the average by the factor."""
    model = torch.nn.Linear(3, 1)
    with TrainingMonitor(model, hub=hub, drift=True) as monitor:
        tracker = monitor.gradient_ema
        assert tracker is not None
        tracker.load_state_dict(state)
        for _ in range(2):
            assert tracker.norm_ema is not None
            # Two layers share the norm, both of them sound.
            for parameter in model.parameters():
                parameter.grad = torch.zeros_like(parameter)
                parameter.grad.view(-1)[0] = tracker.norm_ema * factor / math.sqrt(2)
            monitor.after_backward()
            monitor.end_step()


def loop_across_ranks(hub: TelemetryHub) -> None:
    """Take two steps, the last of which has the number of the last update, beside those of `peer.plain_loop`."""
    model = torch.nn.Linear(3, 1)
    with TrainingMonitor(model, hub=hub, across_ranks=True, finished_steps=MINIMUM_UPDATES - 2) as monitor:
        for _ in range(2):
            for parameter in model.parameters():
                parameter.grad = torch.ones_like(parameter)
            monitor.after_backward()
            monitor.end_step()


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
    *,
    injections: Sequence[Injection] = (),
    max_grad_norm: float = 2.0,
    minibatches: int = 2,
    loss_scale: float | None = None,
    rank_timeout: timedelta = DEFAULT_TIMEOUT,
    before: Callable[[TelemetryHub], None] | None = None,
) -> AsyncIterator[SanctumApp]:
    """Train for a few updates in the dashboard's own worker, and yield the dashboard with the last on its screen.

    What is to come before reports to the same hub.
    """
    config = TrainingConfig(
        episodes=1,
        envs=2,
        hidden_size=8,
        ppo=PPOConfig(max_grad_norm=max_grad_norm, epochs=1, minibatches=minibatches, loss_scale=loss_scale),
        rank_timeout=rank_timeout,
    )
    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        hub.add_backend(LogBackend())
        loop = TrainingLoop(config, hub, injections=injections)

        def train(stop: threading.Event) -> TrainingResult:
            if before is not None:
                before(hub)
            return loop.run(stop=stop)

        app = SanctumApp(aggregator, train)
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
