"""Each update's event and checks are given what that update measured, and nothing of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from telewire.telemetry.anomaly_detector import AnomalyDetector
from telewire.telemetry.measurements import PolicyStats
from telewire.telemetry.payloads import PPOUpdatePayload
from telewire.telemetry.training.ppo import PPO, PPOConfig, UpdateResult

Train = Callable[..., tuple[Any, Any]]
Run = tuple[list[UpdateResult], list[dict[str, Any]], list[PPOUpdatePayload]]


@pytest.fixture
def run(train: Train, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A small training: what each update measured, what was checked of it, and what was sent."""
    measured: list[UpdateResult] = []
    checked: list[dict[str, Any]] = []
    update, check_all = PPO.update, AnomalyDetector.check_all

    def noted(kept: list[Any], function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            kept.append(kwargs if function is check_all else result)
            return result

        return wrapper

    monkeypatch.setattr(PPO, "update", noted(measured, update))
    monkeypatch.setattr(AnomalyDetector, "check_all", noted(checked, check_all))
    # So narrow a range that some ratios are clipped in every update.
    _, recorder = train(ppo=PPOConfig(clip_range=0.001))
    assert len(measured) == len(checked) == len(recorder.updates) >= 3
    return measured, checked, recorder.updates


def policies(run: Run) -> list[PolicyStats]:
    return [one.policy for one in run[0] if one.policy is not None]


def test_an_event_has_the_losses_and_ratios_of_its_update(run: Run) -> None:
    names = (
        "policy_loss",
        "value_loss",
        "entropy",
        "approx_kl",
        "clip_fraction",
        "ratio",
        "advantage_mean",
        "advantage_std",
    )
    for name in names:
        sent = [getattr(payload, name) for payload in run[2]]
        assert sent == [getattr(policy, name) for policy in policies(run)]
        assert len(set(map(str, sent))) > 1, name


def test_each_head_has_its_own_entropy(run: Run) -> None:
    for head in ("push", "hold"):
        sent = [getattr(payload, f"head_{head}_entropy").entropy for payload in run[2]]
        assert sent == [policy.head_entropies[head] for policy in policies(run)]


def test_an_event_has_the_fit_of_the_values_of_its_update(run: Run) -> None:
    sent = [payload.value_health for payload in run[2]]
    assert [(one.value_mean, one.value_std) for one in sent if one] == [
        (policy.value_mean, policy.value_std) for policy in policies(run)
    ]


def test_an_event_has_the_norms_and_the_skipped_steps_of_its_update(run: Run) -> None:
    for name in ("pre_clip_grad_norm", "grad_norm", "skipped_steps"):
        assert [getattr(payload, name) for payload in run[2]] == [getattr(one, name) for one in run[0]]


def test_what_is_checked_is_what_is_sent(run: Run) -> None:
    _, checked, sent = run
    for name in ("nan_grad_count", "inf_grad_count", "gradient_drift", "lstm_health", "value_health"):
        assert [one[name] for one in checked] == [getattr(payload, name) for payload in sent]
    assert [one["policy"] for one in checked] == policies(run)
    assert [one["head_entropies"] for one in checked] == [
        {"push": payload.head_push_entropy, "hold": payload.head_hold_entropy} for payload in sent
    ]
    assert all(one["value_health"] is not None and one["lstm_health"] is not None for one in checked)
