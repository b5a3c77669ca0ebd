"""Collections of one process, one after the other: what one says is not what the one before it said."""

import pytest
import torch

from telewire.telemetry.gradients import collect_gradients, start_gradient_collection
from telewire.telemetry.measurements import NormState

from .models import model_with


def test_unsettled_norms_are_each_their_own():
    norms = []
    for value in (1e-20, 3e-20):
        gradient = torch.full((4,), value)
        pending = start_gradient_collection(model_with(gradient))
        gradient.div_(2)
        norms.append(pending.read().norm)
    assert norms == pytest.approx([2e-20, 6e-20], rel=1e-3, abs=0)


def test_norms_of_clipping_are_each_their_own():
    model = model_with(torch.ones(4))
    assert [collect_gradients(model, clip_norm=norm).norm for norm in (2.0, 3.0)] == [2.0, 3.0]


def test_what_was_read_again_and_settled_nothing_was_read_all_the_same():
    passes = []
    for is_marked in (True, False):
        gradient = torch.full((4,), 1e30)
        pending = start_gradient_collection(model_with(gradient))
        (gradient if is_marked else gradient.data).fill_(1.0)
        collection = pending.read()
        assert collection.norm_state is NormState.UNSETTLED
        passes.append(collection.passes)
    assert passes == [1, 2]
