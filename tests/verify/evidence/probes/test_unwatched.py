"""Where no value is watched, as when mutants are run, a probe looks at what is displayed."""

from __future__ import annotations

from pathlib import Path

from ..app_project import Run, run_tests
from .probed_project import change, write_probed


def run_unwatched(root: Path) -> Run:
    return run_tests(root, "-p", "telewire.verify.evidence.probes.unwatched", "TELE-301", "TELE-300")


def test_a_display_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "wrong")
    change(root, "app/widgets.py", "{state.inf_grad_count}", "{state.inf_grad_count * 2}")
    run = run_unwatched(root)
    assert "FAILED TELE-301::probe[7]" in run.stdout
    assert "1 failed, 7 passed" in run.stdout


def test_nothing_else_is_looked_at_and_nothing_is_written(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "sound")
    run = run_unwatched(root)
    assert "8 passed" in run.stdout
    assert not (root / ".telewire/evidence.json").exists()
