import itertools
import math
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch

from telewire.telemetry.escalation import ESCALATION_UPDATES
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.measurements import LSTMHealthMetrics
from telewire.telemetry.performance import PerformanceTracker
from telewire.telemetry.policy_stats import PolicyStatistics
from telewire.telemetry.training import loop, ppo
from telewire.telemetry.training.inject import Injection, InjectionTooLargeError
from telewire.telemetry.training.loop import (
    MINIMUM_UPDATES,
    Ending,
    TrainingConfig,
    TrainingLoop,
    TrainingResult,
)
from telewire.telemetry.training.ppo import PPO, PPOConfig, UpdateResult
from telewire.telemetry.training.rollout import Rollout, RolloutCollector

Train = Callable[..., tuple[TrainingResult, Any]]


def test_the_run_ends_when_enough_episodes_have_finished(train: Train) -> None:
    result, _ = train(episodes=60)
    assert result.ending is Ending.EPISODES
    assert 60 <= result.episodes < 80


def test_few_episodes_still_give_the_minimum_of_updates(train: Train) -> None:
    result, _ = train(episodes=1)
    assert result.updates == MINIMUM_UPDATES


def test_a_target_return_ends_the_run_once_the_window_is_full(train: Train) -> None:
    result, _ = train(episodes=10_000, target_return=5.0)
    assert result.ending is Ending.TARGET
    assert 100 <= result.episodes < 130


def test_a_stop_that_was_asked_for_ends_the_run_before_the_next_update() -> None:
    stop = threading.Event()

    def stop_at_second_update(progress: TrainingResult) -> None:
        if progress.updates == 2:
            stop.set()

    with TelemetryHub() as hub:
        loop = TrainingLoop(TrainingConfig(episodes=1000, envs=2, hidden_size=8), hub)
        result = loop.run(stop=stop, on_update=stop_at_second_update)
    assert (result.updates, result.ending) == (2, Ending.STOPPED)


def test_every_update_is_reported_once_and_in_order(train: Train) -> None:
    result, recorder = train(episodes=60)
    assert [payload.update for payload in recorder.updates] == list(range(1, result.updates + 1))


def test_the_last_report_agrees_with_the_result(train: Train) -> None:
    result, recorder = train(episodes=60)
    last = recorder.updates[-1]
    assert (last.episodes, last.mean_return) == (result.episodes, result.mean_return)


def test_the_same_seed_gives_the_same_run(train: Train) -> None:
    assert train(seed=4)[1].updates == train(seed=4)[1].updates


def test_another_seed_gives_another_run(train: Train) -> None:
    assert train(seed=4)[1].updates != train(seed=5)[1].updates


def test_a_run_leaves_the_global_random_state_alone(train: Train) -> None:
    before = torch.random.get_rng_state()
    train()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_healthy_run_reports_no_broken_gradient_and_no_anomaly(train: Train) -> None:
    _, recorder = train()
    assert {(payload.nan_grad_count, payload.inf_grad_count) for payload in recorder.updates} == {(0, 0)}
    assert recorder.anomalies == []
    assert recorder.diagnostics == []


def test_the_hidden_state_is_measured_at_every_update(train: Train) -> None:
    _, recorder = train()
    assert all(payload.lstm_health.h_norm > 0 for payload in recorder.updates)


def test_injected_elements_are_reported_at_their_update_and_at_no_other(train: Train) -> None:
    _, recorder = train("nan:2@2", "inf:7@4")
    assert [payload.nan_grad_count for payload in recorder.updates] == [0, 2, 0, 0, 0]
    assert [payload.inf_grad_count for payload in recorder.updates] == [0, 0, 0, 7, 0]


def test_an_injected_infinity_is_reported_as_the_norms_it_causes(train: Train) -> None:
    _, recorder = train("inf@3")
    payload = recorder.updates[2]
    assert payload.pre_clip_grad_norm == math.inf
    assert math.isnan(payload.grad_norm)


def test_skipped_steps_are_reported_per_update_and_counted_over_the_run(train: Train) -> None:
    result, recorder = train("inf@2", "nan@3")
    assert [payload.skipped_steps for payload in recorder.updates] == [0, 1, 1, 0, 0]
    assert result.skipped_steps == 2


def test_training_goes_on_after_an_injection(train: Train) -> None:
    _, recorder = train("nan@2")
    assert all(math.isfinite(payload.grad_norm) for payload in recorder.updates[2:])


def test_an_anomaly_is_reported_with_its_update(train: Train) -> None:
    _, recorder = train("inf@3")
    assert [(payload.update, payload.anomalies) for payload in recorder.anomalies] == [
        (3, ("numerical_instability",))
    ]


def test_a_hidden_state_is_judged_at_its_own_update(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    norms = itertools.cycle([1.0, 200.0, 2.0, 3.0, 300.0])

    def measured(hidden: object) -> LSTMHealthMetrics:
        return LSTMHealthMetrics(
            h_norm=next(norms),
            c_norm=1.0,
            h_max=1.0,
            c_max=1.0,
            h_rms=0.5,
            c_rms=0.6,
            h_saturation=0.0,
            has_nan=False,
            has_inf=False,
        )

    monkeypatch.setattr(loop, "compute_lstm_health", measured)
    _, recorder = train()
    found = [(one.update, one.details[0].partition(",")[0]) for one in recorder.anomalies]
    assert found[:2] == [
        (2, "lstm_h_explosion: h_norm is 200"),
        (5, "lstm_h_explosion: h_norm is 300"),
    ]


def test_an_anomaly_raises_telemetry_to_per_layer_diagnostics_for_some_updates(train: Train) -> None:
    _, recorder = train("inf@3", episodes=200)
    expected = list(range(3, 3 + ESCALATION_UPDATES))
    assert [payload.update for payload in recorder.diagnostics] == expected


def test_the_diagnostics_name_the_poisoned_layer(train: Train) -> None:
    _, recorder = train("inf:7@3")
    broken = {
        layer.layer_name: layer.inf_count for layer in recorder.diagnostics[0].layers if layer.inf_count
    }
    assert broken == {"lstm.weight_hh_l0": 7}


def test_a_saturated_lstm_is_reported_although_its_gradient_norm_is_healthy(train: Train) -> None:
    # Raw returns as value targets drive the cell state up; clipping keeps the gradient norm at 2 throughout.
    unscaled = PPOConfig(reward_scale=1.0, learning_rate=1e-2)
    _, recorder = train(episodes=400, ppo=unscaled, envs=8, hidden_size=64)
    assert any("lstm_c_explosion" in payload.anomalies for payload in recorder.anomalies)
    assert any("lstm_saturation" in payload.anomalies for payload in recorder.anomalies)
    assert all(0.1 <= payload.grad_norm <= 5.0 for payload in recorder.updates)


def test_a_gradient_that_leaves_its_average_for_good_is_reported(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    update, updates = PPO.update, itertools.count(1)

    def update_with_a_jump(*args: Any, **settings: Any) -> UpdateResult:
        norm = 1.0 if next(updates) <= 30 else 100.0
        return replace(update(*args, **settings), pre_clip_grad_norm=norm)

    monkeypatch.setattr(PPO, "update", update_with_a_jump)
    monkeypatch.setattr(loop, "MINIMUM_UPDATES", 40)
    _, recorder = train()
    found = [payload.update for payload in recorder.anomalies if "gradient_drift" in payload.anomalies]
    assert found == list(range(35, 41))
    assert [payload.gradient_drift.streak for payload in recorder.updates] == [0] * 30 + list(range(1, 11))


def noted_instead(monkeypatch: pytest.MonkeyPatch, change: Callable[[int, dict[str, Any]], None]) -> None:
    """Let a function change what each optimiser step notes; it is told the number of the update, from 1."""
    note, fit = PolicyStatistics.step, PolicyStatistics.fit
    updates: list[None] = []

    def begin(statistics: PolicyStatistics, **noted: torch.Tensor) -> None:
        updates.append(None)
        fit(statistics, **noted)

    def step(statistics: PolicyStatistics, **noted: Any) -> None:
        change(len(updates), noted)
        note(statistics, **noted)

    monkeypatch.setattr(PolicyStatistics, "fit", begin)
    monkeypatch.setattr(PolicyStatistics, "step", step)


def test_a_head_that_stops_to_explore_is_reported_after_three_updates_and_the_other_is_not(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sure_of_hold(update: int, noted: dict[str, Any]) -> None:
        if update >= 2:
            noted["entropies"] = noted["entropies"] | {"hold": torch.tensor(0.01)}

    noted_instead(monkeypatch, sure_of_hold)
    _, recorder = train()
    assert [payload.head_hold_entropy.streak for payload in recorder.updates] == [0, 1, 2, 3, 4]
    found = [(one.update, one.details[0].split(":")[1][:10]) for one in recorder.anomalies]
    assert found == [(4, " head hold"), (5, " head hold")]


def test_a_ratio_that_explodes_is_reported_with_its_transition(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_large_ratio(update: int, noted: dict[str, Any]) -> None:
        if update == 3:
            # Of four environments, this is the second at the sixth step.
            noted["log_ratio"] = torch.where(
                noted["positions"] == 5 * 4 + 1, math.log(50.0), noted["log_ratio"]
            )

    noted_instead(monkeypatch, one_large_ratio)
    _, recorder = train()
    (anomaly,) = [one for one in recorder.anomalies if one.update == 3]
    (detail,) = [line for line in anomaly.details if line.startswith("ratio_explosion")]
    assert "the largest ratios are 50 at step 5, environment 1, advantage " in detail


def test_a_return_that_is_lost_is_reported_at_the_end_of_its_epoch(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect, rollouts = RolloutCollector.collect, itertools.count(1)

    def collect_falling_returns(collector: RolloutCollector) -> Rollout:
        earned = 100.0 if next(rollouts) <= 8 else 30.0
        return replace(collect(collector), episode_returns=(earned,) * loop.RETURN_WINDOW)

    monkeypatch.setattr(RolloutCollector, "collect", collect_falling_returns)
    monkeypatch.setattr(loop, "PerformanceTracker", partial(PerformanceTracker, epoch_updates=2))
    monkeypatch.setattr(loop, "MINIMUM_UPDATES", 13)
    _, recorder = train()
    found = [one.update for one in recorder.anomalies if "performance_degradation" in one.anomalies]
    assert found == [10, 12]


def test_a_short_training_is_never_past_its_beginning(train: Train) -> None:
    _, recorder = train()
    assert [payload.value_health.phase for payload in recorder.updates] == [
        n / loop.SETTLING_UPDATES for n in range(1, 6)
    ]


def test_injections_that_were_not_reached_are_named(train: Train) -> None:
    result, _ = train("nan@2", "inf@6")
    assert result.unreached == (Injection.parse("inf@6"),)


def test_an_injection_larger_than_the_gradient_is_refused_before_the_run() -> None:
    with TelemetryHub() as hub, pytest.raises(InjectionTooLargeError):
        TrainingLoop(TrainingConfig(episodes=1), hub, injections=[Injection.parse("nan:16385@1")])


def test_a_single_environment_is_enough(train: Train) -> None:
    result, _ = train(envs=1)
    assert result.updates == MINIMUM_UPDATES


def measurements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls of everything that only telemetry needs."""
    calls: Counter[str] = Counter()

    def counted(owner: object, name: str) -> None:
        measure = getattr(owner, name)

        def count_and_measure(*arguments: Any, **options: Any) -> Any:
            calls[name] += 1
            return measure(*arguments, **options)

        monkeypatch.setattr(owner, name, count_and_measure)

    for name in ("__init__", "fit", "step", "read"):
        counted(PolicyStatistics, name)
    for name in ("collect_gradients", "collect_per_layer_gradients"):
        counted(ppo, name)
    for name in ("compute_lstm_health", "aggregate_layer_gradient_health"):
        counted(loop, name)
    counted(TelemetryHub, "emit")
    return calls


def test_at_level_off_nothing_is_measured(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = measurements(monkeypatch)
    result, _ = train(episodes=1, telemetry=TelemetryLevel.OFF)
    assert (result.updates, calls) == (MINIMUM_UPDATES, Counter())


def test_at_level_debug_everything_is_measured(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = measurements(monkeypatch)
    train(episodes=1, telemetry=TelemetryLevel.DEBUG)
    assert set(calls) == {
        "__init__",
        "fit",
        "step",
        "read",
        "collect_gradients",
        "collect_per_layer_gradients",
        "compute_lstm_health",
        "aggregate_layer_gradient_health",
        "emit",
    }


def test_at_level_off_the_training_is_the_same(train: Train) -> None:
    quiet, _ = train(episodes=30, telemetry=TelemetryLevel.OFF)
    loud, _ = train(episodes=30, telemetry=TelemetryLevel.DEBUG)
    assert quiet == loud
