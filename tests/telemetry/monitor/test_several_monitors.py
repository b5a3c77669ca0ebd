"""TrainingMonitor. Several in one process, one after the other."""

import pytest
import torch

from telewire.telemetry.monitor import TrainingMonitor

from .loop import gradients_of, norm_of


def test_each_monitor_looks_at_the_gradients_of_its_own_model(model, optimizer, recorder):
    other = torch.nn.Sequential(torch.nn.Linear(3, 2))
    norms = []
    for one, its in ((model, optimizer), (other, torch.optim.SGD(other.parameters(), lr=0.2))):
        with TrainingMonitor(one, its, backends=[recorder]) as monitor:
            loss = gradients_of(one)
            norms.append(norm_of(one))
            its.step()
            monitor.end_step(loss=loss)
    assert norms[0] != pytest.approx(norms[1])
    assert [step.grad_norm for step in recorder.steps] == pytest.approx(norms)
    assert [step.learning_rate for step in recorder.steps] == [0.1, 0.2]
