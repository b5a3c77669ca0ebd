"""TrainingMonitor. A step with healthy gradients tells what any step tells; its event is made when it is delivered."""

import dataclasses
from pathlib import Path

import pytest
import torch

from telewire import registry
from telewire.registry import Registry
from telewire.telemetry.finished_step import FinishedStep
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.measurements import FiniteReading
from telewire.telemetry.monitor import TrainingMonitor

from .loop import Recorder, gradients_of, train

SPECS = Path(registry.__file__).parent / "specs"
NOT_THE_SAME = {"step_seconds", "gradient_drift"}
"""What takes its own time, and what only one of the two monitors was asked for."""


@pytest.mark.parametrize("with_optimizer", [True, False])
@pytest.mark.parametrize("max_norm", [None, 1e-3])
def test_a_quiet_step_tells_what_it_would_tell_otherwise(model, optimizer, with_optimizer, max_norm):
    quiet, other = Recorder(), Recorder()
    optimizers = [optimizer] if with_optimizer else []
    # A monitor that was asked for the drift has more to tell of each step.
    with (
        TrainingMonitor(model, optimizers, backends=[quiet]) as first,
        TrainingMonitor(model, optimizers, backends=[other], drift=True) as second,
    ):
        for number in range(4):
            gradients_of(model)
            for monitor in (first, second):
                monitor.after_backward()
            if max_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            optimizer.step()
            for monitor in (first, second):
                monitor.end_step(loss=1.0 / (number + 1))
    assert len(quiet.steps) == 4
    for one, two in zip(quiet.steps, other.steps, strict=True):
        names = {field.name for field in dataclasses.fields(one)} - NOT_THE_SAME
        assert {name: getattr(one, name) for name in names} == {name: getattr(two, name) for name in names}


def test_steps_that_wait_keep_their_own_values(model, optimizer):
    recorder = Recorder()
    with TelemetryHub(linger=3600.0) as hub:
        hub.add_backend(recorder)
        with TrainingMonitor(model, optimizer, hub=hub) as monitor:
            norms = []
            for number in range(5):
                gradients_of(model)
                for parameter in model.parameters():
                    parameter.grad.mul_(number + 1)
                norms.append(torch.nn.utils.get_total_norm([p.grad for p in model.parameters()]).item())
                monitor.after_backward()
                optimizer.param_groups[0]["lr"] = 0.1 * (number + 1)
                optimizer.step()
                monitor.end_step(loss=float(number))
            assert recorder.steps == []
    assert [step.loss for step in recorder.steps] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [step.step for step in recorder.steps] == [1, 2, 3, 4, 5]
    assert [step.pre_clip_grad_norm for step in recorder.steps] == pytest.approx(norms)
    assert [step.learning_rate for step in recorder.steps] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [step.grad_norm_variation is None for step in recorder.steps] == [True, True, False, False, False]


@pytest.mark.parametrize("level", [TelemetryLevel.MINIMAL, TelemetryLevel.NORMAL])
def test_an_event_that_waits_does_not_grow_with_the_model(model, optimizer, level, monkeypatch):
    with TrainingMonitor(model, optimizer, backends=[], level=level) as monitor:
        sent = []
        monkeypatch.setattr(monitor.hub, "emit", sent.append)
        train(monitor, model, optimizer, steps=3)
    readings = []
    for event in sent:
        (finished,) = event.make.args
        assert isinstance(finished, FinishedStep)
        assert isinstance(finished.gradients, FiniteReading)
        assert list(finished.gradients.layer_norms) == []
        readings.append(finished.gradients)
    # Names and sizes are those of the model, and the same objects in all steps.
    assert len(readings) == 3
    assert len({id(reading.layer_names) for reading in readings}) == 1
    assert len({id(reading.sizes) for reading in readings}) == 1


def test_records_that_find_fault_with_healthy_gradients_are_graded_by(model, optimizer, tmp_path):
    for path in SPECS.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if path.stem == "TELE-301":
            text = text.replace('healthy:  {when: "value == 0"', 'healthy:  {when: "value > 5"')
            text = text.replace('critical: {when: "value > 5"', 'critical: {when: "value == 0"')
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    with TrainingMonitor(model, optimizer, backends=[], registry=Registry.load(tmp_path)) as monitor:
        gradients_of(model)
        monitor.after_backward()
        optimizer.step()
        report = monitor.end_step()
    assert report.lines == ("numerical_instability: 0 infinite gradient elements (critical)",)
