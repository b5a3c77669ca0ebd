"""TrainingMonitor. What is told of single layers, and when."""

import logging
import math

import pytest
from torch.utils import cpp_extension

from telewire.telemetry import gradient_looks
from telewire.telemetry.gradients import kernel as kernels
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.payloads import (
    AnomalyPayload,
    LayerDiagnosticsPayload,
)

from .loop import train


def test_an_anomaly_is_reported_with_its_step_and_its_layers(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer, steps=2, poison={2: math.nan})
    assert [(one.update, one.anomalies) for one in recorder.of(AnomalyPayload)] == [
        (2, ("numerical_instability",))
    ]
    (diagnostics,) = recorder.of(LayerDiagnosticsPayload)
    broken = {layer.layer_name: layer.nan_count for layer in diagnostics.layers if layer.nan_count}
    assert broken == {"0.weight": 1}


def test_at_debug_every_step_brings_its_layers(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder], level=TelemetryLevel.DEBUG) as monitor:
        train(monitor, model, optimizer, steps=2)
    sent = recorder.of(LayerDiagnosticsPayload)
    assert [one.update for one in sent] == [1, 2]
    assert [layer.layer_name for layer in sent[0].layers] == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_layers_are_counted_at_debug_only(model, optimizer, recorder):
    for level in (TelemetryLevel.NORMAL, TelemetryLevel.DEBUG):
        with TrainingMonitor(model, optimizer, backends=[recorder], level=level) as monitor:
            train(monitor, model, optimizer)
    assert [(step.dead_layers, step.exploding_layers) for step in recorder.steps] == [(None, None), (0, 0)]


def test_the_worst_layer_of_a_broken_step_is_named(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer, poison={1: math.nan})
    assert recorder.steps[0].worst_layer.layer_name == "0.weight"


def test_layers_are_measured_once_in_a_step(model, optimizer, recorder, monkeypatch):
    measured, collect = [], gradient_looks.collect_per_layer_gradients
    monkeypatch.setattr(
        gradient_looks,
        "collect_per_layer_gradients",
        lambda watched, **options: measured.append(1) or collect(watched, **options),
    )
    with TrainingMonitor(model, optimizer, backends=[recorder], level=TelemetryLevel.DEBUG) as monitor:
        train(monitor, model, optimizer)
    assert len(measured) == 1


@pytest.fixture
def no_compiler(monkeypatch):
    def fail(**_options):
        raise RuntimeError("Ninja is required to load C++ extensions")

    monkeypatch.setattr(cpp_extension, "load_inline", fail)
    kernels.load_kernel.cache_clear()


def test_a_kernel_that_there_is_not_is_refused_when_the_monitor_is_made(model, monkeypatch):
    monkeypatch.setenv("TELEWIRE_GRADIENT_KERNEL", "Compiled")
    with pytest.raises(ValueError, match="'Compiled'; it can be 'eager' or 'compiled'"):
        TrainingMonitor(model, backends=[])


def test_a_kernel_that_cannot_be_built_is_refused_when_the_monitor_is_made(model, monkeypatch, no_compiler):
    monkeypatch.setenv("TELEWIRE_GRADIENT_KERNEL", "compiled")
    with pytest.raises(kernels.KernelUnavailableError, match="compiler and ninja"):
        TrainingMonitor(model, backends=[])


def test_a_kernel_that_fails_later_is_done_without_and_said_once(
    model, optimizer, recorder, monkeypatch, no_compiler, caplog
):
    monkeypatch.setattr(gradient_looks, "prepare_kernel", lambda: "compiled")
    with (
        caplog.at_level(logging.WARNING, logger=gradient_looks.__name__),
        TrainingMonitor(model, optimizer, backends=[recorder], level=TelemetryLevel.DEBUG) as monitor,
    ):
        train(monitor, model, optimizer, steps=2)
    assert [one.update for one in recorder.of(LayerDiagnosticsPayload)] == [1, 2]
    (warning,) = caplog.messages
    assert warning.startswith("layers are measured without the compiled kernel")
