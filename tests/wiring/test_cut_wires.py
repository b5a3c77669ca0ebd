"""Probes of the shipped telemetry notice when its wires are cut, in a copy of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = (
    "__pycache__",
    ".git",
    ".venv",
    "docs",
    "benchmarks",
    "examples",
    "build",
    ".telewire",
    "*.egg-info",
)

HARDCODED = (
    "telemetry/emitters.py",
    'inf_grad_count=metrics["inf_grad_count"],\n        grad_norm_state',
    "inf_grad_count=0,\n        grad_norm_state",
)
SWAPPED = (
    (
        "telemetry/emitters.py",
        "nan_grad_count = total_count([collection.nan_count",
        "nan_grad_count = total_count([collection.@",
    ),
    (
        "telemetry/emitters.py",
        "inf_grad_count = total_count([collection.inf_count",
        "inf_grad_count = total_count([collection.nan_count",
    ),
    ("telemetry/emitters.py", "total_count([collection.@", "total_count([collection.inf_count"),
)
NO_ROW = (
    "telemetry/sanctum/widgets/health_status_panel.py",
    '            graded("Inf gradients", count(tamiyo.inf_grad_count), "", inf_grade, count_style(inf_grade)),\n',
    "",
)

CUTS: list[tuple[str, tuple[tuple[str, str, str], ...], str, tuple[str, ...]]] = [
    (
        "a count is hardcoded",
        (HARDCODED,),
        "TELE-301::probe[7]",
        (
            "7 arrives at GradientCollection.inf_count (telemetry/gradients/",
            ' and ["inf_grad_count"] (telemetry/emitters.py:',
            ", and stops there: PPOUpdatePayload.inf_grad_count saw 0 (telemetry/emitters.py:",
        ),
    ),
    (
        "two counts are swapped",
        SWAPPED,
        "TELE-301::probe[sentinel]",
        (
            'TELE-301\'s value arrives at ["nan_grad_count"] (telemetry/emitters.py:',
            "which is TELE-300's: the wires are crossed",
        ),
    ),
    (
        "a widget has lost its row",
        (NO_ROW,),
        "TELE-301::probe[7]",
        ("HealthStatusPanel has to show 'Inf gradients 7 CRITICAL' for 7", "it is not there:"),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cuts", "test", "said"), CUTS, ids=[one[0] for one in CUTS])
def test_a_probe_notices_that(
    tmp_path: Path, name: str, cuts: tuple[tuple[str, str, str], ...], test: str, said: tuple[str, ...]
) -> None:
    copy = tmp_path / "telewire"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for path, before, after in cuts:
        source = (copy / path).read_text(encoding="utf-8")
        assert source.count(before) == 1
        (copy / path).write_text(source.replace(before, after), encoding="utf-8")
    left_out = ("PYTEST_", "TELEWIRE_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--wiring", "-v", test],
        cwd=copy,
        env=environment | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert f"FAILED {test}" in done.stdout
    assert [text for text in said if text not in done.stdout] == []
