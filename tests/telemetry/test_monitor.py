"""TrainingMonitor: what a loop that is not ours reports, and what it does not."""

import io
import math
from pathlib import Path

import pytest
import torch
from rich.console import Console

from telewire import registry
from telewire.registry import Registry
from telewire.telemetry import monitor as monitors
from telewire.telemetry.backends import LogBackend
from telewire.telemetry.console import ConsoleBackend
from telewire.telemetry.emitters import NoGradientsError
from telewire.telemetry.escalation import ESCALATION_UPDATES
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.monitor import MonitorUseError, TrainingMonitor, unheard
from telewire.telemetry.payloads import (
    AnomalyPayload,
    GradientStage,
    LayerDiagnosticsPayload,
    TrainingStepPayload,
)

SPECS = Path(registry.__file__).parent / "specs"


class Recorder:
    name = "recorder"

    def __init__(self):
        self.payloads = []

    def handle(self, event):
        self.payloads.append(event.payload)

    def of(self, kind):
        return [payload for payload in self.payloads if isinstance(payload, kind)]

    @property
    def steps(self):
        return self.of(TrainingStepPayload)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))


@pytest.fixture
def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def gradients_of(model):
    """A backward pass; its loss."""
    loss = model(torch.ones(2, 3)).square().mean()
    model.zero_grad()
    loss.backward()
    return loss.detach()


def norm_of(model):
    return math.sqrt(sum(float(one.grad.double().square().sum()) for one in model.parameters()))


def train(monitor, model, optimizer, steps=1, poison=None, max_norm=None):
    """A plain loop; `poison` maps a step's number to a value that one gradient element gets. None never steps."""
    for number in range(1, steps + 1):
        loss = gradients_of(model)
        if poison and number in poison:
            model[0].weight.grad[0, 0] = poison[number]
        monitor.after_backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        if optimizer is not None:
            optimizer.step()
        monitor.end_step(loss=loss)


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


def test_an_anomaly_is_reported_with_its_step_and_its_layers(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer, steps=2, poison={2: math.nan})
    assert [(one.update, one.anomalies) for one in recorder.of(AnomalyPayload)] == [
        (2, ("numerical_instability",))
    ]
    (diagnostics,) = recorder.of(LayerDiagnosticsPayload)
    broken = {layer.layer_name: layer.nan_count for layer in diagnostics.layers if layer.nan_count}
    assert broken == {"0.weight": 1}


def test_end_step_returns_what_is_wrong(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        gradients_of(model)
        optimizer.step()
        report = monitor.end_step(loss=math.nan)
    assert report.lines == ("numerical_instability: the loss is nan (critical)",)


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


def test_at_debug_every_step_brings_its_layers(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder], level=TelemetryLevel.DEBUG) as monitor:
        train(monitor, model, optimizer, steps=2)
    sent = recorder.of(LayerDiagnosticsPayload)
    assert [one.update for one in sent] == [1, 2]
    assert [layer.layer_name for layer in sent[0].layers] == ["0.weight", "0.bias", "2.weight", "2.bias"]


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


def test_a_step_that_a_gradient_scaler_leaves_out_is_reported_as_skipped(model, optimizer, recorder):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        for poison in (None, math.inf, None):
            loss = model(torch.ones(2, 3)).square().mean()
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            if poison is not None:
                # As `unscale_` would have found it.
                model[0].weight.grad[0, 0] = poison
                scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"][
                    torch.device("cpu")
                ].fill_(1.0)
            monitor.after_backward()
            scaler.step(optimizer)
            scaler.update()
            monitor.end_step(loss=loss)
    assert [step.skipped_steps for step in recorder.steps] == [0, 1, 0]
    assert [step.inf_grad_count for step in recorder.steps] == [0, 1, 0]
    assert [step.learning_rate for step in recorder.steps] == [0.1, None, 0.1]
    assert [step.loss_scale for step in recorder.steps] == [1024.0, 1024.0, 512.0]


def test_the_norm_of_scaled_gradients_is_that_of_the_unscaled_ones(model, optimizer, recorder):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    gradients_of(model)
    expected = norm_of(model)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        optimizer.zero_grad()
        scaler.scale(model(torch.ones(2, 3)).square().mean()).backward()
        scaler.unscale_(optimizer)
        monitor.after_backward()
        scaler.step(optimizer)
        monitor.end_step()
    assert recorder.steps[0].pre_clip_grad_norm == pytest.approx(expected, rel=1e-5)


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


@pytest.mark.parametrize("every", [0, -1])
def test_an_interval_below_one_step_is_refused(model, every):
    with pytest.raises(ValueError, match="at least 1 step"):
        TrainingMonitor(model, every=every, backends=[])


def test_a_step_without_gradients_is_an_error_and_no_zero(model, recorder):
    with TrainingMonitor(model, backends=[recorder]) as monitor:
        with pytest.raises(MonitorUseError, match="call after_backward"):
            monitor.end_step()
        with pytest.raises(NoGradientsError, match="before zero_grad"):
            monitor.after_backward()
    assert recorder.payloads == []


def test_the_console_gets_a_line_for_each_step(model, optimizer):
    out = io.StringIO()
    backend = ConsoleBackend(Console(file=out, width=200))
    with TrainingMonitor(model, optimizer, backends=[backend]) as monitor:
        gradients_of(model)
        model[0].weight.grad[0, 0] = math.inf
        monitor.after_backward()
        optimizer.step()
        monitor.end_step(loss=0.5)
    assert out.getvalue().splitlines() == [
        "step    1  loss 0.5  lr 0.1  grad norm inf → inf  critical: inf_grad_count 1, grad_norm inf",
        "  numerical_instability: 1 infinite gradient elements (warning)",
    ]


@pytest.fixture
def strict_registry(tmp_path):
    """The shipped records, of which the one of the gradient's norm calls 0.2 the largest that is healthy."""
    for path in SPECS.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if path.stem == "TELE-310":
            text = text.replace("value <= 5.0", "value <= 0.2").replace("5.0 < value", "0.2 < value")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return Registry.load(tmp_path)


@pytest.mark.parametrize(("is_strict", "level"), [(True, "warning: grad_norm 1"), (False, "healthy")])
def test_the_console_grades_by_the_registry_of_the_monitor(model, strict_registry, capsys, is_strict, level):
    with TrainingMonitor(model, registry=strict_registry if is_strict else None) as monitor:
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        model[0].bias.grad[0] = 1.0
        monitor.after_clipping()
        monitor.end_step()
    assert capsys.readouterr().out == f"step    1  grad norm 1  {level}\n"


def test_a_registry_without_a_record_of_the_console_is_refused(strict_registry, tmp_path, model):
    (tmp_path / "TELE-021.yaml").unlink()
    with pytest.raises(KeyError, match="TELE-021"):
        TrainingMonitor(model, registry=Registry.load(tmp_path))


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


def test_layers_are_counted_at_debug_only(model, optimizer, recorder):
    for level in (TelemetryLevel.NORMAL, TelemetryLevel.DEBUG):
        with TrainingMonitor(model, optimizer, backends=[recorder], level=level) as monitor:
            train(monitor, model, optimizer)
    assert [(step.dead_layers, step.exploding_layers) for step in recorder.steps] == [(None, None), (0, 0)]


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


def test_the_worst_layer_of_a_broken_step_is_named(model, optimizer, recorder):
    with TrainingMonitor(model, optimizer, backends=[recorder]) as monitor:
        train(monitor, model, optimizer, poison={1: math.nan})
    assert recorder.steps[0].worst_layer.layer_name == "0.weight"


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


def test_a_scaled_step_that_only_the_hook_would_have_seen_is_reported_when_it_is_left_out(
    model, optimizer, recorder
):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        for factor in (1.0, math.inf, 1.0):
            optimizer.zero_grad()
            scaler.scale(model(torch.ones(2, 3)).square().mean() * factor).backward()
            scaler.step(optimizer)
            scaler.update()
            monitor.end_step()
    assert [step.skipped_steps for step in recorder.steps] == [0, 1, 0]
    assert recorder.steps[1].grad_norm_state == "not_finite"


def test_a_left_out_step_whose_gradients_are_cleared_is_not_reported_and_logged_once(
    model, optimizer, recorder, caplog
):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        for factor in (1.0, math.inf, math.inf, 1.0):
            scaler.scale(model(torch.ones(2, 3)).square().mean() * factor).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            monitor.end_step()
    assert [step.step for step in recorder.steps] == [1, 4]
    assert caplog.text.count("its gradients are cleared") == 1


def test_a_scaler_that_is_switched_off_excuses_no_step_without_gradients(model, optimizer):
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    with (
        TrainingMonitor(model, optimizer, backends=[], scaler=scaler) as monitor,
        pytest.raises(MonitorUseError),
    ):
        monitor.end_step()


@pytest.mark.parametrize("is_seen_before_clipping", [True, False])
def test_the_loss_scale_is_asked_for_once_in_a_step(
    model, optimizer, recorder, monkeypatch, is_seen_before_clipping
):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    asked = []
    monkeypatch.setattr(scaler, "get_scale", lambda: asked.append(1) or 1024.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        gradients_of(model)
        if is_seen_before_clipping:
            monitor.after_backward()
        optimizer.step()
        monitor.end_step()
    assert (len(asked), recorder.steps[0].loss_scale) == (1, 1024.0)


def test_layers_are_measured_once_in_a_step(model, optimizer, recorder, monkeypatch):
    measured, collect = [], monitors.collect_per_layer_gradients
    monkeypatch.setattr(
        monitors, "collect_per_layer_gradients", lambda watched: measured.append(1) or collect(watched)
    )
    with TrainingMonitor(model, optimizer, backends=[recorder], level=TelemetryLevel.DEBUG) as monitor:
        train(monitor, model, optimizer)
    assert len(measured) == 1


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
