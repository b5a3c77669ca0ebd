"""TrainingMonitor. The drift of the gradient, for loops that ask for it."""

import pytest

from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.payloads import (
    AnomalyPayload,
)

from .loop import gradients_of, train


def test_a_drift_that_lasts_is_reported_where_it_is_asked_for(model, recorder):
    with TrainingMonitor(model, backends=[recorder], drift=True) as monitor:
        for step in range(30):
            gradients_of(model)
            for parameter in model.parameters():
                parameter.grad.mul_(1.0 if step < 24 else 100.0)
            monitor.after_backward()
            monitor.end_step()
    assert [(one.update, one.anomalies) for one in recorder.of(AnomalyPayload)] == [
        (29, ("gradient_drift",)),
        (30, ("gradient_drift",)),
    ]
    assert recorder.steps[-1].gradient_drift.streak == 6


def test_nobody_who_did_not_ask_is_told_of_a_drift(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer, steps=2)
        assert monitor.gradient_ema is None
    assert [step.gradient_drift for step in recorder.steps] == [None, None]


def test_the_drift_is_that_of_the_norm_before_clipping(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder], drift=True) as monitor:
        train(monitor, model, optimizer, steps=2, max_norm=1e-3)
    first, second = recorder.steps
    assert first.gradient_drift.norm_ema is None
    assert second.gradient_drift.norm_ema == pytest.approx(first.pre_clip_grad_norm)


def test_the_averages_of_a_run_that_goes_on_are_those_that_were_saved(model, optimizer):
    with TrainingMonitor(model, optimizer, backends=[], drift=True) as monitor:
        train(monitor, model, optimizer, steps=3)
        saved = monitor.gradient_ema.state_dict()
    with TrainingMonitor(model, optimizer, backends=[], drift=True, finished_steps=3) as monitor:
        monitor.gradient_ema.load_state_dict(saved)
        train(monitor, model, optimizer, steps=1)
        assert monitor.gradient_ema.updates == 4
