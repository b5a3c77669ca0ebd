"""TrainingMonitor. Which steps are looked at, and how closely."""

import math

import pytest

from telewire.telemetry.escalation import ESCALATION_UPDATES
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.payloads import (
    AnomalyPayload,
)

from .loop import gradients_of, train


def test_only_every_nth_step_is_looked_at_and_all_are_counted(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder], every=3) as monitor:
        train(monitor, model, optimizer, steps=8)
        assert monitor.finished_steps == 8
    assert [step.step for step in recorder.steps] == [1, 4, 7]


def test_a_step_that_is_not_looked_at_reads_no_gradient(model, optimizer, recorder, count_host_transfers):
    with TrainingMonitor(model, optimizer, backends=[recorder], every=2) as monitor:
        train(monitor, model, optimizer)
        loss = gradients_of(model)
        with count_host_transfers() as tally:
            monitor.after_backward()
            optimizer.step()
            monitor.end_step(loss=loss)
    assert tally.transfers == 0


def test_after_an_anomaly_every_step_is_looked_at_for_some_time(model, recorder):
    with TrainingMonitor(model, backends=[recorder], every=100) as monitor:
        train(monitor, model, None, steps=9, poison={1: math.inf})
    assert [step.step for step in recorder.steps] == list(range(1, ESCALATION_UPDATES + 1))


def test_end_step_of_a_step_that_was_not_looked_at_returns_nothing(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder], every=2) as monitor:
        train(monitor, model, optimizer)
        gradients_of(model)
        optimizer.step()
        assert monitor.end_step(loss=math.nan) is None


def test_at_minimal_values_are_sent_and_not_checked(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder], level=TelemetryLevel.MINIMAL) as monitor:
        train(monitor, model, optimizer, poison={1: math.nan})
    assert [step.nan_grad_count for step in recorder.steps] == [1]
    assert recorder.of(AnomalyPayload) == []


def test_at_off_nothing_is_sent(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder], level=TelemetryLevel.OFF) as monitor:
        train(monitor, model, optimizer, poison={1: math.nan})
    assert recorder.payloads == []


@pytest.mark.parametrize("every", [0, -1])
def test_an_interval_below_one_step_is_refused(model, every):
    with pytest.raises(ValueError, match="at least 1 step"):
        TrainingMonitor(model, every=every, backends=[])
