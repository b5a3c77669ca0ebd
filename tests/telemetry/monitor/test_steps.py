"""TrainingMonitor. What a step of a loop that is not ours reports, and what it does not."""

import math

import pytest
import torch

from telewire.telemetry.emitters import NoGradientsError
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.monitor import MonitorUseError, TrainingMonitor, unheard
from telewire.telemetry.payloads import (
    AnomalyPayload,
    GradientStage,
    LayerDiagnosticsPayload,
)

from .loop import gradients_of, norm_of, train


def test_steps_are_counted_from_one(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer, steps=3)
    assert [step.step for step in recorder.steps] == [1, 2, 3]


def test_a_step_reports_the_loss_that_the_loop_gave(model, optimizer, recorder):
    losses = []
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        for _ in range(3):
            losses.append(gradients_of(model))
            optimizer.step()
            monitor.end_step(loss=losses[-1])
    assert [step.loss for step in recorder.steps] == [float(loss) for loss in losses]


def test_a_loss_may_be_a_number(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        gradients_of(model)
        optimizer.step()
        monitor.end_step(loss=0.25)
    assert recorder.steps[0].loss == 0.25


def test_a_healthy_step_counts_no_broken_gradient(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer)
    (step,) = recorder.steps
    assert (step.nan_grad_count, step.inf_grad_count, step.skipped_steps) == (0, 0, 0)
    assert recorder.of(AnomalyPayload) == []


@pytest.mark.parametrize(("poison", "counts"), [(math.nan, (1, 0)), (math.inf, (0, 1)), (-math.inf, (0, 1))])
def test_a_broken_gradient_is_counted_as_the_backward_pass_left_it(
    model, optimizer, recorder, poison, counts
):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer, steps=1, poison={1: poison}, max_norm=1.0)
    (step,) = recorder.steps
    assert (step.nan_grad_count, step.inf_grad_count) == counts
    assert step.gradient_stage is GradientStage.BEFORE_CLIPPING


def test_the_norm_is_reported_before_and_after_clipping(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        gradients_of(model)
        before = norm_of(model)
        monitor.after_backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), before / 2)
        optimizer.step()
        monitor.end_step()
    (step,) = recorder.steps
    assert step.pre_clip_grad_norm == pytest.approx(before, rel=1e-5)
    assert step.grad_norm == pytest.approx(before / 2, rel=1e-4)


def test_without_an_optimiser_what_it_would_tell_is_absent(model, optimizer, recorder):
    with TrainingMonitor(model, backends=[recorder]) as monitor:
        train(monitor, model, optimizer)
    (step,) = recorder.steps
    assert (step.grad_norm, step.learning_rate, step.skipped_steps) == (None, None, None)
    assert step.pre_clip_grad_norm > 0


def test_without_after_backward_gradients_are_those_that_the_optimiser_was_given(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        gradients_of(model)
        optimizer.step()
        monitor.end_step()
    (step,) = recorder.steps
    assert step.gradient_stage is GradientStage.AFTER_CLIPPING
    assert step.pre_clip_grad_norm is None
    assert step.grad_norm == pytest.approx(norm_of(model), rel=1e-5)


def test_what_a_loop_does_not_have_is_absent(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        gradients_of(model)
        optimizer.step()
        monitor.end_step()
    (step,) = recorder.steps
    assert (step.loss, step.loss_scale, step.step_seconds) == (None, None, None)


def test_the_learning_rate_is_that_of_the_step_and_not_of_the_schedule_after_it(model, optimizer, recorder):
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        for _ in range(3):
            gradients_of(model)
            optimizer.step()
            schedule.step()
            monitor.end_step()
    assert [step.learning_rate for step in recorder.steps] == [0.1, 0.05, 0.025]


@pytest.mark.parametrize("rates", [(0.1, 0.4, 0.2, 0.3), (0.1, 0.2, 0.4, 0.3)])
def test_of_several_parameter_groups_the_largest_learning_rate_is_reported(model, recorder, rates):
    groups = [{"params": [one], "lr": rate} for one, rate in zip(model.parameters(), rates, strict=True)]
    optimizer = torch.optim.SGD(groups)
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer)
    assert recorder.steps[0].learning_rate == 0.4


def test_a_learning_rate_that_is_nan_is_not_hidden_by_a_larger_one(model, recorder):
    first, *others = model.parameters()
    optimizer = torch.optim.SGD([{"params": others, "lr": 0.5}, {"params": [first]}], lr=0.1)
    optimizer.param_groups[1]["lr"] = math.nan
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer)
    assert math.isnan(recorder.steps[0].learning_rate)


def test_the_time_of_a_step_is_known_from_the_second_on(model, optimizer, recorder, monkeypatch):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        # Told at the end of step 1, in the report of step 2, and at its end.
        clock = iter([10.0, 12.5, 12.5])
        monkeypatch.setattr("telewire.telemetry.monitor.time.perf_counter", lambda: next(clock))
        train(monitor, model, optimizer, steps=2)
    assert [step.step_seconds for step in recorder.steps] == [None, 2.5]


def test_end_step_returns_what_is_wrong(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        gradients_of(model)
        optimizer.step()
        report = monitor.end_step(loss=math.nan)
    assert report.lines == ("numerical_instability: the loss is nan (critical)",)


def test_accumulated_gradients_are_one_step(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        for _ in range(2):
            optimizer.zero_grad()
            for _ in range(4):
                (model(torch.ones(2, 3)).square().mean() / 4).backward()
            monitor.after_backward()
            expected = norm_of(model)
            optimizer.step()
            monitor.end_step()
    assert [step.step for step in recorder.steps] == [1, 2]
    assert recorder.steps[-1].pre_clip_grad_norm == pytest.approx(expected, rel=1e-5)


def test_each_of_several_optimisers_is_looked_at_with_its_own_parameters(recorder):
    models = torch.nn.ModuleDict({"generator": torch.nn.Linear(2, 2), "critic": torch.nn.Linear(2, 1)})
    optimizers = {name: torch.optim.SGD(one.parameters(), lr=0.1) for name, one in models.items()}
    with TrainingMonitor(models, list(optimizers.values()), backends=[recorder]) as monitor:
        models["critic"](models["generator"](torch.ones(1, 2))).sum().backward()
        for name, optimizer in optimizers.items():
            models[name].weight.grad[0, 0] = math.nan
            monitor.after_backward(optimizer)
            optimizer.step()
        monitor.end_step()
    (step,) = recorder.steps
    assert step.nan_grad_count == 2
    assert step.skipped_steps == 0


def test_a_step_without_gradients_is_an_error_and_no_zero(model, recorder):
    with TrainingMonitor(model, backends=[recorder]) as monitor:
        with pytest.raises(MonitorUseError, match="call after_backward"):
            monitor.end_step()
        with pytest.raises(NoGradientsError, match="before zero_grad"):
            monitor.after_backward()
    assert recorder.payloads == []


def test_a_step_that_the_optimiser_did_not_take_says_what_is_likely(model, optimizer):
    with (
        TrainingMonitor(model, optimizer, backends=[]) as monitor,
        pytest.raises(MonitorUseError, match=r"no optimiser of the monitor has stepped.*scaler="),
    ):
        monitor.end_step()


def test_what_was_seen_of_a_step_that_ends_with_an_error_is_forgotten(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        gradients_of(model)
        model[0].weight.grad[0, 0] = math.nan
        monitor.after_backward()
        with pytest.raises(ValueError, match="one element"):
            monitor.end_step(loss=torch.zeros(3))
        train(monitor, model, optimizer)
    assert [(step.step, step.nan_grad_count) for step in recorder.steps] == [(1, 0)]


def test_the_hub_is_closed_though_the_last_report_fails(model, recorder, monkeypatch):
    monitor = TrainingMonitor(model, backends=[recorder])
    gradients_of(model)
    monitor.after_backward()
    monkeypatch.setattr(monitor._emitter, "emit_training_step", lambda finished: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        monitor.close()
    assert not monitor.hub._worker.is_alive()


def test_an_optimiser_with_a_closure_is_looked_at_inside_of_it(model, recorder):
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=1)
    norms = []
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:

        def closure():
            loss = gradients_of(model)
            norms.append(norm_of(model))
            monitor.after_backward()
            return loss

        for _ in range(2):
            optimizer.step(closure)
            monitor.end_step()
    assert [step.pre_clip_grad_norm for step in recorder.steps] == pytest.approx(norms, rel=1e-5)
    assert [step.grad_norm for step in recorder.steps] == [None, None]
    assert [step.skipped_steps for step in recorder.steps] == [0, 0]


def test_a_run_that_goes_on_counts_on_and_looks_at_its_first_step(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder], finished_steps=100, every=3) as monitor:
        train(monitor, model, optimizer, steps=4)
    assert [step.step for step in recorder.steps] == [101, 104]


def test_gradients_after_clipping_can_be_told_where_no_hook_sees_them(model, recorder):
    with TrainingMonitor(model, backends=[recorder]) as monitor:
        gradients_of(model)
        monitor.after_backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        monitor.after_clipping()
        monitor.end_step()
    assert recorder.steps[0].grad_norm == pytest.approx(0.01, rel=1e-3)


def test_a_monitor_of_another_rank_measures_and_tells_nobody(model, recorder):
    with TelemetryHub() as hub:
        hub.add_backend(recorder)
        with TrainingMonitor(model, **unheard({"hub": hub, "every": 2})) as monitor:
            gradients_of(model)
            monitor.after_backward()
            assert monitor.end_step(loss=math.nan).has_anomaly
    assert recorder.payloads == []


def test_sparse_gradients_are_counted_and_an_anomaly_in_them_does_not_end_the_training(recorder, caplog):
    model = torch.nn.EmbeddingBag(4, 2, sparse=True)
    with TrainingMonitor(model, backends=[recorder]) as monitor:
        for _ in range(2):
            model.zero_grad()
            model(torch.tensor([[0, 1]])).sum().backward()
            model.weight.grad._values()[0, 0] = math.nan
            monitor.after_backward()
            monitor.end_step()
    assert [step.nan_grad_count for step in recorder.steps] == [1, 1]
    assert recorder.of(LayerDiagnosticsPayload) == []
    assert [record.message.partition(":")[0] for record in caplog.records] == ["no statistics of layers"]


def test_norms_that_float32_cannot_hold_are_told_from_broken_ones(model, recorder):
    with TrainingMonitor(model, backends=[recorder]) as monitor:
        gradients_of(model)
        model[0].weight.grad.fill_(1e30)
        monitor.after_backward()
        monitor.end_step()
    (step,) = recorder.steps
    assert (step.grad_norm_state, step.nan_grad_count, step.inf_grad_count) == ("overflowed", 0, 0)
    assert step.pre_clip_grad_norm == pytest.approx(math.sqrt(12) * 1e30, rel=1e-5)
    assert step.grad_passes == 2


def test_the_variation_of_the_norms_is_known_from_the_third_step_on(model, recorder):
    with TrainingMonitor(model, backends=[recorder]) as monitor:
        for factor in (1.0, 2.0, 3.0):
            gradients_of(model)
            for parameter in model.parameters():
                parameter.grad.mul_(factor)
            monitor.after_backward()
            monitor.end_step()
    variations = [step.grad_norm_variation for step in recorder.steps]
    assert variations[:2] == [None, None]
    assert variations[2] == pytest.approx(math.sqrt(2 / 3) / 2, rel=1e-5)


def test_a_process_alone_is_all_the_ranks_there_are(model, optimizer, recorder):
    losses = [0.5, math.nan, 0.25]
    with TrainingMonitor(model, optimizer, backends=[recorder], across_ranks=True) as monitor:
        for loss in losses:
            gradients_of(model)
            monitor.after_backward()
            optimizer.step()
            monitor.end_step(loss=torch.tensor(loss))
    assert [step.loss for step in recorder.steps] == pytest.approx(losses, nan_ok=True)
    assert [step.nan_grad_count for step in recorder.steps] == [0, 0, 0]
    assert [payload.update for payload in recorder.of(AnomalyPayload)] == [2]
    assert [str(step.rank_coverage) for step in recorder.steps] == ["1 of 1"] * 3


def test_without_an_exchange_it_is_not_known_of_how_many_ranks_the_figures_speak(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer)
    assert recorder.steps[0].rank_coverage is None
