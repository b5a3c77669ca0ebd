"""Sums that a rank may have, and real trainings in several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from telewire.telemetry.measurements import GradientSums

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 120
"""Seconds after which a training in several processes has failed."""

Answers = list[dict[str, Any]]
RunTraining = Callable[..., Answers]
StartTraining = Callable[..., "Training"]


@pytest.fixture
def sums() -> Callable[..., GradientSums]:
    def make(**changes: Any) -> GradientSums:
        values: dict[str, Any] = {
            "element_count": 10,
            "nan_count": 0,
            "inf_count": 0,
            "scale": 1.0,
            "squares": 4.0,
            "overflow_limit": 1e19,
            "underflow_limit": 1e-22,
            "layer_overflowed": False,
        }
        return GradientSums(**(values | changes))

    return make


@pytest.fixture(scope="session")
def torchrun(tmp_path_factory: pytest.TempPathFactory) -> RunTraining:
    """Run a program of this folder in several processes; what each rank answered, in order of the ranks."""

    def run(program: str, *, ranks: int, options: Mapping[str, Any] | None = None) -> Answers:
        folder = tmp_path_factory.mktemp(f"{program}-{ranks}")
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
        done = subprocess.run(
            [*command, str(PROGRAMS / f"{program}.py"), str(folder), json.dumps(dict(options or {}))],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return [json.loads((folder / f"{rank}.json").read_text(encoding="utf-8")) for rank in range(ranks)]

    return run


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[StartTraining]:
    """Start a program of this folder in several processes that nobody watches over; ends those that are left."""
    left: list[subprocess.Popen[str]] = []

    def start(program: str, *, ranks: int, options: Mapping[str, Any]) -> Training:
        for rank in range(ranks):
            variables = {
                "RANK": str(rank),
                "WORLD_SIZE": str(ranks),
                "INIT_METHOD": f"file://{tmp_path}/store",
            }
            with (tmp_path / f"{rank}.txt").open("w") as output:
                process = subprocess.Popen(
                    [
                        sys.executable,
                        str(PROGRAMS / f"{program}.py"),
                        str(tmp_path),
                        json.dumps(dict(options)),
                    ],
                    env=environment() | variables,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            left.append(process)
        return Training(tuple(left), tmp_path)

    yield start
    for process in left:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Training:
    """Processes under way, one for each rank."""

    processes: tuple[subprocess.Popen[str], ...]
    folder: Path

    def answer(self, rank: int) -> dict[str, Any]:
        """Wait for the end of a rank; what it answered."""
        code = self.processes[rank].wait(PATIENCE)
        assert code == 0, (self.folder / f"{rank}.txt").read_text(encoding="utf-8")
        answer: dict[str, Any] = json.loads((self.folder / f"{rank}.json").read_text(encoding="utf-8"))
        return answer


def environment() -> dict[str, str]:
    """One thread for each rank, and no trace of the pytest that runs this."""
    left_out = ("PYTEST_", "TELEWIRE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
