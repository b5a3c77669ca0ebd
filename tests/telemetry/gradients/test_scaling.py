"""Gradients under a gradient scaler: collected after `unscale_` and before clipping."""

import math

import pytest
import torch
from torch import nn

from telewire.telemetry.gradients import collect_gradients, start_gradient_collection
from telewire.telemetry.measurements import GradientCollection

from .models import model_with


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


def _changed_before_reading(loss_scale: float) -> GradientCollection:
    gradient = torch.tensor([math.inf])
    pending = start_gradient_collection(model_with(gradient), loss_scale=loss_scale)
    gradient.zero_()
    return pending.read()


COLLECTIONS = {
    "measured": lambda scale: collect_gradients(model_with(torch.ones(2)), loss_scale=scale),
    "changed before it is read": _changed_before_reading,
    "of clipping": lambda scale: collect_gradients(
        model_with(torch.ones(2)), loss_scale=scale, clip_norm=1.5
    ),
    "of no gradient": lambda scale: collect_gradients(model_with(None), loss_scale=scale),
}


@pytest.mark.parametrize("collect", COLLECTIONS.values(), ids=COLLECTIONS)
def test_every_collection_has_the_scale_that_it_was_made_under(collect):
    assert [collect(scale).loss_scale for scale in (1024.0, None, 512.0)] == [1024.0, None, 512.0]
