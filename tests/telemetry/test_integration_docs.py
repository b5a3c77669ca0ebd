"""docs/telemetry/integrations.md: its code runs as it stands."""

import re
from pathlib import Path

import pytest
import torch

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.sanctum.app import SanctumApp

TEXT = (Path(__file__).resolve().parents[2] / "docs/telemetry/integrations.md").read_text(encoding="utf-8")


def block_with(text: str) -> str:
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if text in block]
    return block


def plain_names() -> dict[str, object]:
    model = torch.nn.Linear(3, 1)
    return {
        "torch": torch,
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "criterion": torch.nn.functional.mse_loss,
        "batches": [(torch.rand(2, 3), torch.rand(2, 1)) for _ in range(12)],
    }


def test_the_plain_loop_prints_each_tenth_step(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block_with("TrainingMonitor(model"), "integrations.md", "exec"), plain_names())

    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines] == ["step    1", "step   11"]


def test_the_loop_beside_the_dashboard_is_shown_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    def train(hub: TelemetryHub, stop: object) -> None:
        model = torch.nn.Linear(3, 1)
        with TrainingMonitor(model, hub=hub) as monitor:
            model(torch.rand(2, 3)).sum().backward()
            monitor.after_backward()
            monitor.end_step(loss=0.5)
        assert hub.flush()

    def run(app: SanctumApp) -> None:
        app._run_training()
        assert app.training_error is None
        shown.append(app._aggregator.get_snapshot().loop.loss)

    # A screen needs a terminal; the dashboard's own thread body is what runs here.
    monkeypatch.setattr(SanctumApp, "run", run)
    exec(compile(block_with("SanctumApp("), "integrations.md", "exec"), {"train": train})

    assert shown == [0.5]
