"""TrainingMonitor. The line of each step on the console."""

import dataclasses
import io
import math
from pathlib import Path

import pytest
import torch
from rich.console import Console

from telewire import registry
from telewire.registry import Registry, shipped_registry
from telewire.telemetry.console import GRADED, ConsoleBackend, encodable, graded_values, step_line
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.payloads import (
    AnomalyPayload,
    EventKind,
    GradientDrift,
    GradientStage,
    LayerGradientStats,
    NormState,
    RankCoverage,
    TelemetryEvent,
    TrainingStepPayload,
)

from .loop import gradients_of

SPECS = Path(registry.__file__).parent / "specs"


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
        "step    1  loss 0.5  lr 0.1  grad norm inf → inf  critical: inf_grad_count 1, grad_norm_state not_finite, "
        "grad_passes 3, pre_clip_grad_norm inf, grad_norm inf, worst_layer 0.weight",
        "  numerical_instability: 1 infinite gradient elements (warning)",
    ]


HEALTHY_STEP = TrainingStepPayload(
    step=1,
    loss=0.5,
    learning_rate=0.1,
    loss_scale=1024.0,
    step_seconds=0.25,
    gradient_stage=GradientStage.BEFORE_CLIPPING,
    grad_norm_state=NormState.FINITE,
    grad_passes=1,
    grad_norm_variation=0.5,
    worst_layer=LayerGradientStats("weight", 4, 0, 0, 1.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0, 0.0),
    gradient_drift=GradientDrift(
        norm_ema=1.0, norm_drift=0.25, health_ema=1.0, health_drift=0.0, is_warming_up=False, streak=0
    ),
    nan_grad_count=0,
    inf_grad_count=0,
    dead_layers=0,
    exploding_layers=0,
    pre_clip_grad_norm=2.0,
    grad_norm=1.0,
    skipped_steps=0,
    rank_coverage=RankCoverage(world_size=2, missing=0, unanswered=0),
)


def told(**changes):
    """What the line of a step says behind its norms."""
    line = step_line(dataclasses.replace(HEALTHY_STEP, **changes), shipped_registry()).plain
    return line.partition("grad norm ")[2].partition("  ")[2]


def drift_of(norm_drift, streak):
    return dataclasses.replace(HEALTHY_STEP.gradient_drift, norm_drift=norm_drift, streak=streak)


def test_a_step_of_which_all_is_well_is_healthy():
    assert told() == "healthy"


def test_a_step_whose_gradients_nobody_knows_says_so():
    unknown = dataclasses.replace(
        HEALTHY_STEP, nan_grad_count=None, inf_grad_count=None, pre_clip_grad_norm=None, grad_norm=None
    )
    assert "  grad norm not collected  " in step_line(unknown, shipped_registry()).plain


def test_everything_of_a_step_that_can_be_other_than_healthy_is_graded():
    carried = {field.name for field in dataclasses.fields(TrainingStepPayload)}
    assert set(GRADED) == {
        record.id
        for record in shipped_registry()
        if record.schema_.field in carried and len(record.thresholds.levels) > 1
    }


def test_each_value_of_a_step_is_graded_by_the_record_of_its_field():
    values = graded_values(HEALTHY_STEP)
    assert tuple(values) == GRADED
    for record_id, value in values.items():
        assert value is getattr(HEALTHY_STEP, shipped_registry()[record_id].schema_.field)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"loss": math.nan}, "critical: loss nan"),
        ({"learning_rate": 0.0}, "warning: learning_rate 0"),
        ({"skipped_steps": 1}, "warning: skipped_steps 1"),
        ({"nan_grad_count": 1}, "warning: nan_grad_count 1"),
        ({"inf_grad_count": 7}, "critical: inf_grad_count 7"),
        ({"grad_norm_state": NormState.OVERFLOWED}, "critical: grad_norm_state overflowed"),
        ({"grad_passes": 3}, "warning: grad_passes 3"),
        ({"pre_clip_grad_norm": 700.0}, "critical: pre_clip_grad_norm 700"),
        ({"grad_norm": 50.0}, "critical: grad_norm 50"),
        ({"grad_norm_variation": 2.5}, "critical: grad_norm_variation 2.5"),
        ({"loss_scale": 0.5}, "warning: loss_scale 0.5"),
        ({"dead_layers": 7}, "critical: dead_layers 7"),
        ({"exploding_layers": 8}, "critical: exploding_layers 8"),
        (
            {"worst_layer": dataclasses.replace(HEALTHY_STEP.worst_layer, nan_count=1)},
            "critical: worst_layer weight",
        ),
        ({"gradient_drift": drift_of(9.0, streak=5)}, "warning: gradient_drift 9"),
        ({"gradient_drift": drift_of(math.nan, streak=1)}, "critical: gradient_drift nan"),
        (
            {"rank_coverage": RankCoverage(world_size=4, missing=3, unanswered=1)},
            "critical: rank_coverage 1 of 4",
        ),
    ],
)
def test_a_step_is_as_bad_as_any_one_of_its_values(changes, line):
    assert told(**changes) == line


def test_the_first_drift_has_nothing_to_compare_with_and_is_not_told():
    first = GradientDrift(
        norm_ema=None, norm_drift=None, health_ema=None, health_drift=None, is_warming_up=True, streak=0
    )
    assert told(gradient_drift=first) == "healthy"


def test_the_worst_of_several_levels_is_the_level_of_the_line():
    assert told(skipped_steps=1, exploding_layers=8) == "critical: skipped_steps 1, exploding_layers 8"


def test_an_optimiser_that_never_stepped_is_told(model, optimizer, capsys):
    with TrainingMonitor(model, optimizer) as monitor:
        gradients_of(model)
        monitor.after_backward()
        monitor.end_step()
    assert capsys.readouterr().out.rstrip().endswith("  warning: skipped_steps 1")


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


def written(payload, encoding):
    """What a console writes of an event to a stream of this encoding."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    event = TelemetryEvent(kind=EventKind.TRAINING_STEP, timestamp=0.0, payload=payload)
    ConsoleBackend(Console(file=stream, width=300, highlight=False)).handle(event)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding).rstrip("\n")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_a_step_is_printed_with_what_the_encoding_of_the_output_has(encoding):
    line = written(HEALTHY_STEP, encoding)
    assert line == "step    1  loss 0.5  lr 0.1  grad norm 2 -> 1  healthy"


def test_a_character_that_an_encoding_lacks_takes_nothing_else_along():
    layer = dataclasses.replace(HEALTHY_STEP.worst_layer, layer_name="Größe.σ", nan_count=1)
    step = dataclasses.replace(HEALTHY_STEP, worst_layer=layer)
    assert written(step, "latin-1").endswith("worst_layer Größe.?")
    assert written(step, "utf-8").endswith("worst_layer Größe.σ")


def test_findings_are_printed_with_what_the_encoding_has():
    payload = AnomalyPayload(update=1, anomalies=("replicas_differ",), details=("in σ …",), ranks=())
    assert written(payload, "cp1252") == "  in ? …"
    assert written(payload, "ascii") == "  in ? ..."


def test_a_line_is_coloured_as_it_was_where_characters_are_spelt_otherwise():
    line = step_line(dataclasses.replace(HEALTHY_STEP, grad_norm=math.nan), shipped_registry())
    spelt = encodable(line, "ascii")
    for before, after in zip(line.spans, spelt.spans, strict=True):
        assert spelt.plain[after.start : after.end] == line.plain[before.start : before.end]
        assert before.style == after.style
