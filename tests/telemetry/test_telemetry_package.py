"""The package's public face."""

import subprocess
import sys

import pytest

import telewire.telemetry


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_package_imports_without_torch_and_textual():
    done = run(
        "import sys; sys.modules['torch'] = None; sys.modules['textual'] = None\n"
        "import telewire.telemetry as t\n"
        "import telewire.telemetry.hub, telewire.telemetry.emitters, telewire.telemetry.payloads\n"
        "t.TelemetryHub; t.PPOUpdatePayload; t.aggregate_layer_gradient_health; t.AnomalyDetector\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", telewire.telemetry.__all__)
def test_every_public_name_can_be_used(name):
    if name in {"UnsupportedGradientError", "MonitorUseError", "TrainingMonitor"} or name.startswith(
        ("collect_", "compute_")
    ):
        pytest.importorskip("torch")
    assert getattr(telewire.telemetry, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'collect_everything'"):
        telewire.telemetry.collect_everything
