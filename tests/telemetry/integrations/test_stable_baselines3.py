"""Stable-Baselines3 and sb3-contrib: small real trainings with and without the callback."""

import math

import pytest

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import GradientStage
from telewire.telemetry.sanctum import SanctumAggregator

REASON = 'needs stable-baselines3: pip install "telewire[stable-baselines3]"'
stable_baselines3 = pytest.importorskip("stable_baselines3", reason=REASON)
sb3_contrib = pytest.importorskip("sb3_contrib", reason=REASON)

from telewire.telemetry.integrations.stable_baselines3 import TelemetryCallback  # noqa: E402


def ppo(**settings):
    """Four optimiser steps per update."""
    return stable_baselines3.PPO(
        "MlpPolicy",
        "CartPole-v1",
        **({"n_steps": 32, "batch_size": 16, "n_epochs": 2, "seed": 0, "device": "cpu"} | settings),
    )


def poison(policy, value):
    """From now on one element of each gradient that the backward pass leaves is this value."""

    def spoil(gradient):
        spoiled = gradient.clone()
        spoiled.view(-1)[0] = value
        return spoiled

    policy.action_net.weight.register_hook(spoil)


def test_each_optimiser_step_of_a_training_is_reported(recorder):
    ppo().learn(64, callback=TelemetryCallback(backends=[recorder]))
    assert [step.step for step in recorder.steps] == list(range(1, 9))


def test_without_the_callback_nothing_is_reported(recorder):
    ppo().learn(64)
    assert recorder.events == []


def test_gradients_are_said_to_be_those_after_clipping(recorder):
    ppo(max_grad_norm=0.01).learn(32, callback=TelemetryCallback(backends=[recorder]))
    assert {step.gradient_stage for step in recorder.steps} == {GradientStage.AFTER_CLIPPING}
    assert {step.pre_clip_grad_norm for step in recorder.steps} == {None}
    assert [step.grad_norm for step in recorder.steps] == pytest.approx([0.01] * 4, rel=1e-3)


def test_what_the_library_does_not_tell_is_absent(recorder):
    ppo().learn(32, callback=TelemetryCallback(backends=[recorder]))
    assert {(step.loss, step.loss_scale) for step in recorder.steps} == {(None, None)}


def test_the_learning_rate_follows_the_schedule(recorder):
    model = ppo(learning_rate=lambda remaining: 0.01 * remaining)
    model.learn(64, callback=TelemetryCallback(backends=[recorder]))
    assert [step.learning_rate for step in recorder.steps] == pytest.approx([0.005] * 4 + [0.0] * 4)


def test_a_nan_is_in_sanctum_although_it_ends_the_training():
    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        model = ppo()
        poison(model.policy, math.nan)
        with pytest.raises(ValueError, match="invalid values"):
            model.learn(64, callback=TelemetryCallback(hub=hub))
    snapshot = aggregator.get_snapshot()
    tamiyo = snapshot.tamiyo
    # Clipping has divided every gradient by a norm that is NaN.
    elements = sum(one.numel() for one in model.policy.parameters())
    assert (snapshot.loop.step, tamiyo.nan_grad_count) == (1, elements)
    assert tamiyo.anomalies == ["numerical_instability"]


def test_the_last_step_of_a_training_leaves_the_optimiser_free(recorder):
    model = ppo()
    model.learn(32, callback=TelemetryCallback(backends=[recorder]))
    optimizer = model.policy.optimizer
    assert not {**optimizer._optimizer_step_pre_hooks, **optimizer._optimizer_step_post_hooks}


def test_a_recurrent_policy_of_sb3_contrib_is_reported(recorder):
    model = sb3_contrib.RecurrentPPO(
        "MlpLstmPolicy", "CartPole-v1", n_steps=16, batch_size=16, n_epochs=1, seed=0, device="cpu"
    )
    model.learn(32, callback=TelemetryCallback(backends=[recorder]))
    assert [step.step for step in recorder.steps] == [1, 2]
    assert all(step.grad_norm > 0 for step in recorder.steps)


def test_actor_and_critic_are_reported_each_with_its_own_gradient(recorder):
    model = stable_baselines3.SAC(
        "MlpPolicy", "Pendulum-v1", learning_starts=10, batch_size=8, seed=0, device="cpu"
    )
    norms = []

    def note(optimizer, args, kwargs):
        gradients = [one.grad for one in optimizer.param_groups[0]["params"] if one.grad is not None]
        norms.append(math.sqrt(sum(float(one.double().square().sum()) for one in gradients)))

    model.critic.optimizer.register_step_pre_hook(note)
    model.actor.optimizer.register_step_pre_hook(note)
    model.learn(12, callback=TelemetryCallback(backends=[recorder]))
    assert [step.grad_norm for step in recorder.steps] == pytest.approx(norms, rel=1e-5)
    assert len(norms) == 4


def test_only_every_nth_step_is_reported(recorder):
    ppo().learn(64, callback=TelemetryCallback(backends=[recorder], every=3))
    assert [step.step for step in recorder.steps] == [1, 4, 7]


def test_a_second_training_counts_anew(recorder):
    model = ppo()
    callback = TelemetryCallback(backends=[recorder])
    model.learn(32, callback=callback)
    model.learn(32, callback=callback)
    assert [step.step for step in recorder.steps] == [1, 2, 3, 4] * 2


def test_a_training_that_is_continued_goes_on_counting(recorder):
    model = ppo(n_steps=64)
    callback = TelemetryCallback(backends=[recorder])
    model.learn(64, callback=callback)
    model.learn(64, callback=callback, reset_num_timesteps=False)
    assert [step.step for step in recorder.steps] == list(range(1, 17))
    assert [one.update for one in recorder.policy_metrics] == [8, 16]
    assert recorder.policy_metrics[-1].episodes == len(model.ep_info_buffer)


def test_an_algorithm_that_takes_no_gradient_steps_is_left_alone_and_says_so_once(recorder, caplog):
    model = sb3_contrib.ARS("LinearPolicy", "CartPole-v1", n_delta=2, seed=0, device="cpu")
    model.learn(100, callback=TelemetryCallback(backends=[recorder]))
    assert caplog.messages == [
        "ARS has no optimiser: it takes no gradient steps, and there is nothing to report"
    ]
    assert recorder.events == []


class Untold(stable_baselines3.PPO):
    """Does not tell its callback when episodes end."""

    def collect_rollouts(self, env, callback, rollout_buffer, n_rollout_steps):
        tell = callback.update_locals
        callback.update_locals = lambda told: tell({name: told[name] for name in told if name != "dones"})
        return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)


def test_where_episodes_are_not_told_their_number_is_not_made_up(recorder):
    model = Untold("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, n_epochs=1, seed=0, device="cpu")
    callback = TelemetryCallback(backends=[recorder])
    model.learn(64, callback=callback)
    assert [step.step for step in recorder.steps] == [1, 2]
    assert recorder.policy_metrics == []


class Logged(stable_baselines3.common.logger.KVWriter):
    """Keeps what the library logs, as it logs it."""

    def __init__(self):
        self.entries = []

    def write(self, key_values, key_excluded, step=0):
        self.entries.append(dict(key_values))

    def close(self):
        pass


def test_what_ppo_logs_of_each_update_is_told_with_its_last_step(recorder):
    model = ppo(n_steps=64)
    logged = Logged()
    model.set_logger(stable_baselines3.common.logger.Logger(None, [logged]))
    model.learn(192, callback=TelemetryCallback(backends=[recorder]))
    # The library logs the update before together with the episodes of the rollout after it.
    assert [one.update for one in recorder.policy_metrics] == [8, 16, 24]
    for told, entry in zip(recorder.policy_metrics, logged.entries[1:], strict=False):
        assert told.policy_loss == pytest.approx(entry["train/policy_gradient_loss"])
        assert told.value_loss == pytest.approx(entry["train/value_loss"])
        assert told.entropy == pytest.approx(-entry["train/entropy_loss"])
        assert told.approx_kl == pytest.approx(entry["train/approx_kl"])
        assert told.clip_fraction == pytest.approx(entry["train/clip_fraction"])
    for told, entry in zip(recorder.policy_metrics, logged.entries, strict=True):
        assert told.mean_return == pytest.approx(entry["rollout/ep_rew_mean"])


def test_finished_episodes_are_counted(recorder):
    model = ppo(n_steps=64)
    model.learn(128, callback=TelemetryCallback(backends=[recorder]))
    assert recorder.policy_metrics[-1].episodes == len(model.ep_info_buffer)


def test_an_algorithm_without_policy_gradients_tells_its_episodes_and_leaves_the_rest_out(recorder):
    model = stable_baselines3.DQN(
        "MlpPolicy", "CartPole-v1", learning_starts=8, batch_size=8, train_freq=4, seed=0, device="cpu"
    )
    model.learn(120, callback=TelemetryCallback(backends=[recorder]))
    last = recorder.policy_metrics[-1]
    assert (last.policy_loss, last.value_loss, last.entropy, last.approx_kl) == (None, None, None, None)
    assert last.mean_return == pytest.approx(
        sum(episode["r"] for episode in model.ep_info_buffer) / len(model.ep_info_buffer)
    )
    assert len(recorder.policy_metrics) <= 1 + last.episodes


def test_the_metrics_of_a_training_are_shown_in_sanctum():
    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        ppo(n_steps=64).learn(64, callback=TelemetryCallback(hub=hub))
    snapshot = aggregator.get_snapshot()
    tamiyo = snapshot.tamiyo
    assert tamiyo.entropy == pytest.approx(math.log(2), abs=0.05)
    assert tamiyo.mean_return > 5
