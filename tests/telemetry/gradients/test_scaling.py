"""Gradients under a gradient scaler: collected after `unscale_` and before clipping."""

import math

import torch
from torch import nn

from telewire.telemetry.gradients import collect_gradients


def scaled_backward(init_scale, *, factor=1.0):
    model = nn.Linear(4, 1, bias=False)
    nn.init.ones_(model.weight)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=init_scale)
    loss = model(torch.full((1, 4), 0.5)).sum() * factor
    scaler.scale(loss).backward()
    return model, optimiser, scaler


def test_the_scale_is_carried_beside_gradients_that_are_free_of_it():
    model, optimiser, scaler = scaled_backward(1024.0)
    scaler.unscale_(optimiser)
    collection = collect_gradients(model, loss_scale=scaler.get_scale())
    assert (collection.norm, collection.loss_scale) == (1.0, 1024.0)


def test_before_unscaling_the_norm_carries_the_scale():
    model, _, _ = scaled_backward(1024.0)
    assert collect_gradients(model).norm == 1024.0


def test_a_scale_that_overflows_shows_as_infinite_gradients_and_is_halved():
    model, optimiser, scaler = scaled_backward(2.0**120, factor=1e6)
    scaler.unscale_(optimiser)
    collection = collect_gradients(model, loss_scale=scaler.get_scale())
    assert collection.inf_count == 4
    scaler.step(optimiser)
    scaler.update()
    assert scaler.get_scale() == 2.0**119


def test_the_norm_that_clipping_leaves_is_within_its_bound():
    model, optimiser, scaler = scaled_backward(1024.0)
    scaler.unscale_(optimiser)
    before = collect_gradients(model, loss_scale=scaler.get_scale())
    nn.utils.clip_grad_norm_(model.parameters(), 0.25)
    after = collect_gradients(model)
    assert before.norm == 1.0
    assert math.isclose(after.norm, 0.25, rel_tol=1e-5)
