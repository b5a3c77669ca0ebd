"""TrainingMonitor. Loops in which several optimisers have turns, and are given what they need or nothing."""

import math

import pytest
import torch

from telewire.telemetry.emitters import NoGradientsError
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.payloads import AnomalyPayload, GradientStage, LayerDiagnosticsPayload

from .loop import gradients_of

PARTS = ("critic", "generator")
LAYERS = ["critic.weight", "critic.bias", "generator.weight", "generator.bias"]


@pytest.fixture
def models():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torch.nn.ModuleDict({part: torch.nn.Linear(3, 2) for part in PARTS})


@pytest.fixture
def optimizers(models):
    return {part: torch.optim.SGD(models[part].parameters(), lr=0.1) for part in PARTS}


def backward(models, part, factor=1.0):
    models[part].zero_grad()
    (models[part](torch.ones(4, 3)).square().mean() * factor).backward()


def take_turns(monitor, models, optimizers, named=PARTS, **factors):
    """One step of all: each optimiser has its turn, and is named before it if it is among the named."""
    for part in PARTS:
        backward(models, part, factors.get(part, 1.0))
        if part in named:
            monitor.after_backward(optimizers[part])
        optimizers[part].step()
    return monitor.end_step()


def watched(models, optimizers, recorder, **options):
    return TrainingMonitor(models, list(optimizers.values()), backends=[recorder], **options)


@pytest.mark.parametrize("part", PARTS)
def test_dead_layers_are_counted_over_all_optimisers(models, optimizers, recorder, part):
    with watched(models, optimizers, recorder, level=TelemetryLevel.DEBUG) as monitor:
        take_turns(monitor, models, optimizers, **{part: 0.0})
    assert recorder.steps[0].dead_layers == 2


@pytest.mark.parametrize("part", PARTS)
def test_the_worst_layer_is_that_of_all_optimisers(models, optimizers, recorder, part):
    with watched(models, optimizers, recorder, level=TelemetryLevel.DEBUG) as monitor:
        take_turns(monitor, models, optimizers, **{part: 1e6})
    (step,) = recorder.steps
    assert step.exploding_layers == 2
    assert step.worst_layer.layer_name.startswith(part)


@pytest.mark.parametrize("turns", [PARTS, PARTS[::-1]])
def test_the_layers_of_all_optimisers_are_sent_in_the_models_order(models, optimizers, recorder, turns):
    with watched(models, optimizers, recorder, level=TelemetryLevel.DEBUG) as monitor:
        for part in turns:
            backward(models, part)
            optimizers[part].step()
        monitor.end_step()
    (sent,) = recorder.of(LayerDiagnosticsPayload)
    assert [layer.layer_name for layer in sent.layers] == LAYERS


def test_layers_of_which_some_were_not_measured_are_not_counted(models, optimizers, recorder):
    with watched(models, optimizers, recorder) as monitor:
        take_turns(monitor, models, optimizers, critic=math.nan)
    (step,) = recorder.steps
    assert (step.dead_layers, step.exploding_layers) == (None, None)
    assert step.worst_layer.layer_name == "critic.weight"


@pytest.mark.parametrize(
    ("values", "told"), [((0.0, 1e-3), 1e-3), ((math.inf, 1e-3), math.inf), ((1e-3, 0.0), 0.0)]
)
def test_a_layer_that_is_looked_at_again_is_told_by_the_newest_look_or_by_the_first_that_is_broken(
    model, recorder, values, told
):
    with TrainingMonitor(model, backends=[recorder], level=TelemetryLevel.DEBUG) as monitor:
        for value in values:
            gradients_of(model)
            model[2].bias.grad.fill_(value)
            monitor.after_backward()
        monitor.end_step()
    (sent,) = recorder.of(LayerDiagnosticsPayload)
    assert [layer.layer_name for layer in sent.layers] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    last = sent.layers[-1]
    assert (last.inf_count > 0, last.zero_fraction == 1.0) == (math.isinf(told), told == 0.0)


@pytest.mark.parametrize("named", [(), ("critic",), ("generator",), PARTS])
@pytest.mark.parametrize("broken", PARTS)
def test_a_broken_gradient_is_counted_whether_its_optimiser_is_named_or_not(
    models, optimizers, recorder, named, broken
):
    with watched(models, optimizers, recorder) as monitor:
        report = take_turns(monitor, models, optimizers, named, **{broken: math.nan})
    assert recorder.steps[0].nan_grad_count == 8
    assert report.lines == ("numerical_instability: 8 NaN gradient elements (critical)",)


def test_the_norm_before_clipping_is_that_of_the_optimisers_that_were_looked_at_then(
    models, optimizers, recorder
):
    with watched(models, optimizers, recorder) as monitor:
        take_turns(monitor, models, optimizers, ("critic",), generator=1e3)
    (step,) = recorder.steps
    assert step.gradient_stage is GradientStage.BEFORE_CLIPPING
    assert step.pre_clip_grad_norm < 10 < step.grad_norm


def scaled_turns(monitor, models, optimizers, scaler, *, looks, **factors):
    for part in PARTS:
        models[part].zero_grad()
        scaler.scale(models[part](torch.ones(4, 3)).square().mean() * factors.get(part, 1.0)).backward()
        if looks == "named":
            scaler.unscale_(optimizers[part])
            monitor.after_backward(optimizers[part])
        scaler.step(optimizers[part])
    scaler.update()
    return monitor.end_step()


@pytest.mark.parametrize("looks", ["named", "hooks"])
@pytest.mark.parametrize("broken", [(), *[(part,) for part in PARTS], PARTS])
def test_each_step_that_the_scaler_leaves_out_is_counted(models, optimizers, recorder, looks, broken):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with watched(models, optimizers, recorder, scaler=scaler) as monitor:
        for factors in ({}, dict.fromkeys(broken, math.inf), {}):
            scaled_turns(monitor, models, optimizers, scaler, looks=looks, **factors)
    assert [step.skipped_steps for step in recorder.steps] == [0, len(broken), 0]
    assert [step.grad_norm_state == "not_finite" for step in recorder.steps] == [False, bool(broken), False]
    assert [payload.update for payload in recorder.of(AnomalyPayload)] == [2] * bool(broken)


def test_an_optimiser_without_a_turn_is_not_left_out(models, optimizers, recorder):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with watched(models, optimizers, recorder, scaler=scaler) as monitor:
        scaled_turns(monitor, models, optimizers, scaler, looks="named", critic=math.inf)
        # The gradients that were left out are still there, and nobody asks for them.
        models["generator"].zero_grad()
        scaler.scale(models["generator"](torch.ones(4, 3)).square().mean()).backward()
        scaler.unscale_(optimizers["generator"])
        monitor.after_backward(optimizers["generator"])
        scaler.step(optimizers["generator"])
        scaler.update()
        monitor.end_step()
    assert [step.skipped_steps for step in recorder.steps] == [1, 0]
    assert [step.nan_grad_count for step in recorder.steps][1] == 0


def test_a_look_at_all_gradients_tells_which_optimiser_was_left_out_though_they_are_cleared(
    models, optimizers, recorder
):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with watched(models, optimizers, recorder, scaler=scaler) as monitor:
        loss = sum(models[part](torch.ones(4, 3)).square().mean() for part in PARTS)
        scaler.scale(loss + models["critic"].weight.sum() * math.inf).backward()
        for part in PARTS:
            scaler.unscale_(optimizers[part])
        monitor.after_backward()
        for part in PARTS:
            scaler.step(optimizers[part])
        scaler.update()
        models.zero_grad()
        monitor.end_step()
    assert recorder.steps[0].skipped_steps == 1


def test_of_several_turns_in_a_step_the_one_that_was_left_out_is_counted(models, optimizers, recorder):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    critic = optimizers["critic"]
    with watched(models, optimizers, recorder, scaler=scaler) as monitor:
        for factor in (1.0, math.inf, 1.0):
            models.zero_grad()
            scaler.scale(models["critic"](torch.ones(4, 3)).square().mean() * factor).backward()
            scaler.unscale_(critic)
            monitor.after_backward(critic)
            scaler.step(critic)
            scaler.update()
        monitor.end_step()
    assert recorder.steps[0].skipped_steps == 1


def test_an_optimiser_that_has_nothing_to_do_adds_nothing(models, optimizers, recorder):
    with watched(models, optimizers, recorder) as monitor:
        backward(models, "critic")
        optimizers["generator"].param_groups[0]["lr"] = 5.0
        for part in PARTS:
            optimizers[part].step()
        monitor.end_step()
    (step,) = recorder.steps
    assert (step.learning_rate, step.skipped_steps, step.nan_grad_count) == (0.1, 0, 0)


def test_a_step_in_which_no_optimiser_had_gradients_is_not_reported_and_logged_once(
    models, optimizers, recorder, caplog
):
    with watched(models, optimizers, recorder) as monitor:
        for _ in range(2):
            optimizers["critic"].step()
            assert monitor.end_step() is None
        take_turns(monitor, models, optimizers)
    assert [step.step for step in recorder.steps] == [3]
    assert [record.message for record in caplog.records] == [
        "a step is not reported: its optimisers were called, and had no gradients"
    ]


@pytest.fixture
def temperature():
    return torch.zeros(1, requires_grad=True)


def test_what_an_optimiser_holds_beside_the_model_is_looked_at(models, optimizers, recorder, temperature):
    tuner = torch.optim.Adam([temperature], lr=0.5)
    with watched(models, {**optimizers, "tuner": tuner}, recorder, level=TelemetryLevel.DEBUG) as monitor:
        for part in PARTS:
            backward(models, part)
            monitor.after_backward(optimizers[part])
            optimizers[part].step()
        (temperature * 1e6).sum().backward()
        tuner.step()
        monitor.end_step()
    (step,) = recorder.steps
    assert (step.grad_norm, step.learning_rate, step.exploding_layers) == (1e6, 0.5, 1)
    assert step.worst_layer.layer_name == "optimizers[2].param_groups[0][0]"


@pytest.mark.parametrize("is_named", [True, False])
def test_before_clipping_it_is_looked_at_as_well(models, recorder, temperature, is_named):
    tuner = torch.optim.Adam([temperature])
    with TrainingMonitor(models, tuner, backends=[recorder]) as monitor:
        (temperature * math.nan).sum().backward()
        monitor.after_backward(tuner if is_named else None)
        tuner.step()
        monitor.end_step()
    (step,) = recorder.steps
    assert (step.nan_grad_count, step.worst_layer.layer_name) == (1, "optimizers[0].param_groups[0][0]")


def test_an_optimiser_that_is_not_the_monitors_can_be_named(models, recorder, temperature):
    stranger = torch.optim.Adam([temperature])
    with TrainingMonitor(models, backends=[recorder]) as monitor:
        with pytest.raises(NoGradientsError):
            monitor.after_backward(stranger)
        temperature.sum().backward()
        monitor.after_backward(stranger)
        monitor.end_step()
    assert recorder.steps[0].pre_clip_grad_norm == 1.0


def test_after_clipping_can_be_told_for_each_optimiser(models, optimizers, recorder):
    with TrainingMonitor(models, backends=[recorder]) as monitor:
        for part in PARTS:
            backward(models, part)
            monitor.after_backward(optimizers[part])
            torch.nn.utils.clip_grad_value_(
                models[part].parameters(), {"critic": 1e-3, "generator": 1e-2}[part]
            )
            monitor.after_clipping(optimizers[part])
        monitor.end_step()
    assert recorder.steps[0].grad_norm == pytest.approx(1e-2 * math.sqrt(8), rel=0.5)


def test_a_layer_that_takes_the_name_of_another_optimisers_is_looked_at_as_its_own(recorder, temperature):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False))
    first = torch.optim.SGD(model.parameters(), lr=0.1)
    second = torch.optim.SGD([temperature], lr=0.1)
    with TrainingMonitor(model, [first, second], backends=[recorder]) as monitor:
        model.insert(0, torch.nn.Linear(2, 2, bias=False))  # what was layer 0 is layer 1 from now on
        second.add_param_group({"params": list(model[0].parameters())})
        (temperature * model(torch.ones(1, 2)).sum()).backward()
        model[0].weight.grad.fill_(math.nan)
        monitor.after_backward(first)
        first.step()
        second.step()
        report = monitor.end_step()
    assert report.has_anomaly
    (step,) = recorder.steps
    assert (step.nan_grad_count, step.worst_layer.layer_name) == (4, "0.weight")
