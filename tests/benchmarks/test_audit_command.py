"""The audit's benchmark as a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_package_that_cannot_be_audited_is_named_and_the_others_are_audited(tmp_path: Path) -> None:
    for name in ("kombu", "sb3_contrib", "celery"):
        (tmp_path / name).mkdir()
    (tmp_path / "kombu" / "__init__.py").write_text("LIMIT = 3\n", encoding="utf-8")
    (tmp_path / "sb3_contrib" / "__init__.py").write_text("LIMIT = 3\n", encoding="utf-8")
    (tmp_path / "sb3_contrib" / "telewire.toml").write_text("sources = 3\n", encoding="utf-8")
    command = [sys.executable, "-m", "telewire.benchmarks.audit", "--packages", str(tmp_path)]
    done = subprocess.run(
        [*command, "kombu", "sb3_contrib", "celery"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert "0 findings in 1 packages" in done.stdout
    assert "not found any more: kombu TW516" in done.stdout
    assert "celery" not in done.stdout  # whose verdicts are on findings that nobody looked for
    assert "sb3_contrib is left out: " in done.stderr
    assert "sources = 3" in done.stderr
    assert "celery is left out: " in done.stderr
    assert "holds no Python source" in done.stderr
    assert "Traceback" not in done.stderr
