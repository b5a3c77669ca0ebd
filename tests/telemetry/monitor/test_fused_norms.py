"""TrainingMonitor. The norms of several steps of a fused optimiser, which removes the loss scale inside of each."""

import pytest
import torch

from telewire.telemetry.monitor import TrainingMonitor

from .loop import norm_of

SCALE = 1024.0


def test_each_step_reports_the_norm_of_its_own_gradients(model, recorder):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)
    norms = []
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        for factor in (1.0, 3.0):
            optimizer.zero_grad()
            scaler.scale(model(torch.ones(2, 3)).square().mean() * factor).backward()
            norms.append(norm_of(model) / SCALE)
            scaler.step(optimizer)
            scaler.update()
            monitor.end_step()
    assert norms[0] != pytest.approx(norms[1], rel=0.1)
    assert [step.grad_norm for step in recorder.steps] == pytest.approx(norms, rel=1e-5)
