"""TrainingMonitor. The line of each step on the console."""

import io
import math
from pathlib import Path

import pytest
import torch
from rich.console import Console

from telewire import registry
from telewire.registry import Registry
from telewire.telemetry.console import ConsoleBackend
from telewire.telemetry.monitor import TrainingMonitor

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
