"""TrainingMonitor. The end of a monitor, in order or by an exception, and whose hub it was."""

import math
import threading

import pytest

from telewire.registry import Registry, shipped_registry
from telewire.telemetry.backends import LogBackend
from telewire.telemetry.hub import DuplicateBackendError, TelemetryHub
from telewire.telemetry.monitor import TrainingMonitor

from .loop import gradients_of, train


def test_an_exception_in_the_training_sends_what_is_known_of_its_step(model, optimizer, recorder):
    def fail():
        with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
            train(monitor, model, optimizer)
            gradients_of(model)
            model[0].weight.grad[0, 0] = math.inf
            monitor.after_backward()
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        fail()
    assert [(step.step, step.inf_grad_count, step.loss) for step in recorder.steps][1:] == [(2, 1, None)]


def test_an_exception_before_any_gradient_sends_nothing(model, optimizer, recorder):
    with (
        pytest.raises(RuntimeError, match="no data"),
        TrainingMonitor(model, optimizer, backends=[recorder]),
    ):
        raise RuntimeError("no data")
    assert recorder.payloads == []


def test_closing_takes_the_hooks_off_the_optimiser(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]):
        pass
    gradients_of(model)
    optimizer.step()
    assert not optimizer._optimizer_step_pre_hooks


def test_a_hub_that_was_given_stays_open(model, optimizer, recorder):
    with TelemetryHub() as hub:
        hub.add_backend(recorder)
        with TrainingMonitor(model, optimizer, hub=hub) as monitor:
            train(monitor, model, optimizer)
        with TrainingMonitor(model, optimizer, hub=hub) as monitor:
            train(monitor, model, optimizer)
    assert len(recorder.steps) == 2
    assert hub.stats().after_close == 0


def test_a_hub_that_the_monitor_made_is_closed_with_it(model, optimizer, recorder):
    monitor = TrainingMonitor(model, optimizer, backends=[recorder])
    train(monitor, model, optimizer)
    monitor.close()
    monitor.close()
    assert len(recorder.steps) == 1
    assert not monitor.hub._worker.is_alive()


def test_a_hub_and_backends_together_are_refused(model):
    with TelemetryHub() as hub, pytest.raises(ValueError, match="not both"):
        TrainingMonitor(model, hub=hub, backends=[LogBackend()])


@pytest.mark.parametrize("wrong", ["registry", "backends"])
def test_a_monitor_that_cannot_be_made_leaves_no_thread_behind(model, wrong):
    one = shipped_registry()["TELE-020"]
    options = {
        "registry": {"registry": Registry([one])},
        "backends": {"backends": [LogBackend(), LogBackend()]},
    }
    before = set(threading.enumerate())
    with pytest.raises((KeyError, DuplicateBackendError)):
        TrainingMonitor(model, **options[wrong])
    assert set(threading.enumerate()) == before
