"""TrainingMonitor. Fused optimisers under a gradient scaler, which unscale and leave out inside of their step."""

import math

import pytest
import torch

from telewire.telemetry.fused_scaling import read_fused_scaling, unscaled
from telewire.telemetry.gradients import collect_gradients
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.monitor import TrainingMonitor

from .loop import gradients_of, norm_of

SCALE = 1024.0


@pytest.fixture
def fused(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, fused=True)


def scaled_steps(model, optimizer, recorder, *factors, looks=False, **options):
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler, **options) as monitor:
        for factor in factors:
            optimizer.zero_grad()
            scaler.scale(model(torch.ones(2, 3)).square().mean() * factor).backward()
            if looks:
                scaler.unscale_(optimizer)
                monitor.after_backward()
            scaler.step(optimizer)
            scaler.update()
            monitor.end_step()


@pytest.mark.parametrize("looks", [True, False])
def test_a_step_that_a_fused_optimiser_leaves_out_is_reported_as_skipped(model, fused, recorder, looks):
    scaled_steps(model, fused, recorder, 1.0, math.inf, 1.0, looks=looks)
    assert [step.skipped_steps for step in recorder.steps] == [0, 1, 0]
    assert [step.learning_rate for step in recorder.steps] == [0.1, None, 0.1]
    assert [step.grad_norm_state for step in recorder.steps] == ["finite", "not_finite", "finite"]


def test_the_scale_that_a_fused_optimiser_removes_itself_is_not_in_the_norm(model, fused, recorder):
    gradients_of(model)
    expected = norm_of(model)
    scaled_steps(model, fused, recorder, 1.0)
    (step,) = recorder.steps
    assert step.grad_norm == pytest.approx(expected, rel=1e-5)
    assert step.loss_scale == SCALE


def test_layers_whose_gradients_are_scaled_have_no_statistics(model, fused, recorder, caplog):
    scaled_steps(model, fused, recorder, 1.0, 1.0, level=TelemetryLevel.DEBUG)
    assert [(step.dead_layers, step.worst_layer) for step in recorder.steps] == [(None, None)] * 2
    assert caplog.text.count("the loss scale is still on the gradients") == 1


def test_layers_that_were_unscaled_first_have_statistics(model, fused, recorder):
    scaled_steps(model, fused, recorder, 1.0, looks=True, level=TelemetryLevel.DEBUG)
    assert recorder.steps[0].dead_layers == 0


def test_no_scaler_has_told_an_optimiser_anything(fused):
    scaling = read_fused_scaling(fused)
    assert (scaling.is_left_out, scaling.grad_scale) == (False, None)


@pytest.mark.parametrize(("found_inf", "is_left_out"), [(0.0, False), (1.0, True), (2.0, True)])
@pytest.mark.parametrize("grad_scale", [None, 8.0])
def test_what_a_scaler_tells_is_read_in_one_transfer(
    fused, count_host_transfers, found_inf, is_left_out, grad_scale
):
    fused.found_inf = torch.tensor(found_inf)
    fused.grad_scale = None if grad_scale is None else torch.tensor([grad_scale])
    with count_host_transfers() as tally:
        scaling = read_fused_scaling(fused)
    assert (scaling.is_left_out, scaling.grad_scale) == (is_left_out, grad_scale)
    assert tally.transfers == 1


def test_an_unscaled_collection_is_that_of_the_unscaled_gradients(model):
    gradients_of(model)
    model[0].weight.grad[0, 0] = math.nan
    expected = collect_gradients(model)
    for parameter in model.parameters():
        parameter.grad.mul_(SCALE)
    collection = unscaled(collect_gradients(model), SCALE)
    assert collection.layer_norms[1:] == pytest.approx(expected.layer_norms[1:])
    assert collection.replicated.finite_norm == pytest.approx(expected.replicated.finite_norm)
    assert collection.bad_layers[0].finite_norm == pytest.approx(expected.bad_layers[0].finite_norm)
    assert math.isnan(collection.norm)
