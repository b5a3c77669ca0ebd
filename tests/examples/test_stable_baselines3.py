"""The worked example on somebody else's code, as a reader runs it: proved, then observed in real short trainings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "stable_baselines3"
PYTEST = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "telewire.verify.evidence.plugin")
VERIFY = ("-c", "from telewire.verify.cli import main; main()")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("stable_baselines3") is None,
        reason="needs stable-baselines3 (extra `examples`)",
    ),
]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, with a copy of the installed package where its README has pip install one."""
    folder = tmp_path_factory.mktemp("example") / "stable_baselines3"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("site", ".telewire", "__pycache__"))
    spec = importlib.util.find_spec("stable_baselines3")
    assert spec is not None
    assert spec.origin is not None
    shutil.copytree(Path(spec.origin).parent, folder / "site" / "stable_baselines3")
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TELEWIRE_"))
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_edge_is_proved_and_then_seen_in_trainings(example: Path) -> None:
    proved = run(example, *VERIFY)
    assert proved.returncode == 0, proved.stdout
    assert "45 edges: 45 proved · no findings" in proved.stdout

    trained = run(example, "-m", *PYTEST, "--wiring")
    assert trained.returncode == 0, trained.stdout

    tested = run(example, *VERIFY, "--require", "tested")
    assert tested.returncode == 0, tested.stdout
    assert "45 edges: 45 proved, 45 tested" in tested.stdout


def test_a_value_that_is_logged_under_its_siblings_name_is_found(example: Path) -> None:
    """The proof is not fooled, and neither are the trainings."""
    file = example / "site/stable_baselines3/ppo/ppo.py"
    whole = file.read_text()
    file.write_text(
        whole.replace(
            'record("train/approx_kl", np.mean(approx_kl_divs))',
            'record("train/approx_kl_div", np.mean(approx_kl_divs))',
        )
    )
    try:
        broken = run(example, *VERIFY)
        trained = run(example, "-m", *PYTEST, "tests/test_logged_values.py")
    finally:
        file.write_text(whole)
    assert (broken.returncode, trained.returncode) == (1, 1)
    assert 'PPO.train never sets ["train/approx_kl"]' in broken.stdout
