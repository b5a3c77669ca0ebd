"""TrainingMonitor. Mixed precision: what is reported of the loss scale, and of steps that the scaler leaves out."""

import math

import pytest
import torch

from telewire.telemetry.monitor import MonitorUseError, TrainingMonitor

from .loop import gradients_of, norm_of


def test_a_step_that_a_gradient_scaler_leaves_out_is_reported_as_skipped(model, optimizer, recorder):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        for poison in (None, math.inf, None):
            loss = model(torch.ones(2, 3)).square().mean()
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            if poison is not None:
                # As `unscale_` would have found it.
                model[0].weight.grad[0, 0] = poison
                scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"][
                    torch.device("cpu")
                ].fill_(1.0)
            monitor.after_backward()
            scaler.step(optimizer)
            scaler.update()
            monitor.end_step(loss=loss)
    assert [step.skipped_steps for step in recorder.steps] == [0, 1, 0]
    assert [step.inf_grad_count for step in recorder.steps] == [0, 1, 0]
    assert [step.learning_rate for step in recorder.steps] == [0.1, None, 0.1]
    assert [step.loss_scale for step in recorder.steps] == [1024.0, 1024.0, 512.0]


def test_the_norm_of_scaled_gradients_is_that_of_the_unscaled_ones(model, optimizer, recorder):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    gradients_of(model)
    expected = norm_of(model)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        optimizer.zero_grad()
        scaler.scale(model(torch.ones(2, 3)).square().mean()).backward()
        scaler.unscale_(optimizer)
        monitor.after_backward()
        scaler.step(optimizer)
        monitor.end_step()
    assert recorder.steps[0].pre_clip_grad_norm == pytest.approx(expected, rel=1e-5)


def test_a_scaled_step_that_only_the_hook_would_have_seen_is_reported_when_it_is_left_out(
    model, optimizer, recorder
):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        for factor in (1.0, math.inf, 1.0):
            optimizer.zero_grad()
            scaler.scale(model(torch.ones(2, 3)).square().mean() * factor).backward()
            scaler.step(optimizer)
            scaler.update()
            monitor.end_step()
    assert [step.skipped_steps for step in recorder.steps] == [0, 1, 0]
    assert recorder.steps[1].grad_norm_state == "not_finite"


def test_a_left_out_step_whose_gradients_are_cleared_is_not_reported_and_logged_once(
    model, optimizer, recorder, caplog
):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        for factor in (1.0, math.inf, math.inf, 1.0):
            scaler.scale(model(torch.ones(2, 3)).square().mean() * factor).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            monitor.end_step()
    assert [step.step for step in recorder.steps] == [1, 4]
    assert caplog.text.count("its gradients are cleared") == 1


def test_a_scaler_that_is_switched_off_excuses_no_step_without_gradients(model, optimizer):
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    with (
        TrainingMonitor(model, optimizer, backends=[], scaler=scaler) as monitor,
        pytest.raises(MonitorUseError),
    ):
        monitor.end_step()


@pytest.mark.parametrize("is_seen_before_clipping", [True, False])
def test_the_loss_scale_is_asked_for_once_in_a_step(
    model, optimizer, recorder, monkeypatch, is_seen_before_clipping
):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    asked = []
    monkeypatch.setattr(scaler, "get_scale", lambda: asked.append(1) or 1024.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        gradients_of(model)
        if is_seen_before_clipping:
            monitor.after_backward()
        optimizer.step()
        monitor.end_step()
    assert (len(asked), recorder.steps[0].loss_scale) == (1, 1024.0)
