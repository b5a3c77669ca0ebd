"""A small program in which every kind of mutant can stand, under tests that notice all of them, or none."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from telewire.registry.config import load_configuration
from telewire.verify.analysis import Verification, verify
from telewire.verify.evidence.mutants.document import MutantResult, MutantsModel, read_mutants
from telewire.verify.evidence.mutants.mutated import Mutated, mutated
from telewire.verify.evidence.mutants.sights import Sights
from telewire.verify.evidence.mutants.standing import Files, Standing
from telewire.verify.evidence.probes.files import DriveFiles

from ..app_project import run_tests, write_project

PROGRAM = {
    "app/gradients.py": """\
from dataclasses import dataclass


@dataclass
class LayerStats:
    inf_count: int
    nan_count: int


def collect_gradients(layers: list[list[float]]) -> list[LayerStats]:
    return [
        LayerStats(
            inf_count=sum(abs(one) == float("inf") for one in layer),
            nan_count=sum(one != one for one in layer),
        )
        for layer in layers
    ]
""",
    "app/emitters.py": """\
from dataclasses import dataclass

from .gradients import LayerStats


@dataclass
class Payload:
    inf_grad_count: int = 0
    nan_grad_count: int = 0


def aggregate(layer_stats: list[LayerStats]) -> dict[str, int]:
    return {
        "inf_grad_count": sum(stats.inf_count for stats in layer_stats),
        "nan_grad_count": sum(stats.nan_count for stats in layer_stats),
    }


def emit(metrics: dict[str, int]) -> Payload:
    return Payload(
        inf_grad_count=metrics.get("inf_grad_count", 0),
        nan_grad_count=metrics.get("nan_grad_count", 0),
    )
""",
    "app/aggregator.py": """\
from .emitters import Payload
from .schema import State


def store(state: State, count: int) -> None:
    state.inf_grad_count = count


def handle(state: State, payload: Payload) -> None:
    store(state, payload.inf_grad_count)
""",
    "app/main.py": """\
from .aggregator import handle
from .emitters import aggregate, emit
from .gradients import collect_gradients
from .schema import State
from .widgets import StatusBanner


def run(*updates: list[list[float]]) -> list[str]:
    state = State()
    shown = []
    for layers in updates:
        handle(state, emit(aggregate(collect_gradients(layers))))
        shown.append(StatusBanner().render(state))
    return shown
""",
    "app/__main__.py": "from .main import run\n\nprint(run([[1.0]]))\n",
}

NOTICING = """\
from app.main import run

INF, NAN = float("inf"), float("nan")


def test_each_update_is_shown():
    assert run([[INF, NAN, NAN, NAN], [INF]], [[1.0]], [[INF] * 5]) == ["Inf:2", "Inf:0", "Inf:5"]
"""

NOT_NOTICING = """\
from app.main import run

INF, NAN = float("inf"), float("nan")


def test_something_is_shown():
    assert len(run([[INF, NAN, NAN, NAN], [INF]], [[1.0]], [[INF] * 5])) == 3
"""


def write_mutants_project(root: Path, tests: str, **program: str) -> Path:
    """Write the program with some files in place of its own (`app_main="..."`), and these tests."""
    write_project(root)
    (root / "tests/test_app.py").write_text(tests)
    changed = {f"{name.replace('__', '/')}.py": text for name, text in program.items()}
    for path, text in (PROGRAM | changed).items():
        (root / path).write_text(text)
    return root


@dataclass(frozen=True)
class Done:
    """A run of `telewire mutate`: how it ended, what it said, and what it left."""

    root: Path
    status: int
    output: str
    errors: str
    document: MutantsModel | None

    def results(self, kind: str, function: str | None = None) -> list[MutantResult]:
        """The mutants of a kind."""
        return [
            one for one in self.left.mutants if one.kind == kind and function in {None, self.function(one)}
        ]

    def states(self, kind: str, function: str | None = None) -> set[str]:
        """What became of the mutants of a kind."""
        return {one.state.value for one in self.results(kind, function)}

    def function(self, result: MutantResult) -> str:
        """The function that a mutant is in."""
        return self.left.functions[self.left.points[result.point].function].function

    @property
    def left(self) -> MutantsModel:
        """What it left."""
        assert self.document is not None, self.errors
        return self.document


def mutate(root: Path, *arguments: str, evidence: bool = True) -> Done:
    """Run the tests with `--wiring`, and then the mutants."""
    if evidence:
        ran = run_tests(root, "--wiring", "-q")
        assert (root / ".telewire/evidence.json").exists(), ran.stdout + ran.stderr
    process = start_mutating(root, *arguments)
    output, errors = process.communicate()
    file = root / ".telewire/mutants.json"
    document = read_mutants(file) if file.exists() else None
    return Done(root, process.returncode, output, errors, document)


def start_mutating(root: Path, *arguments: str, own_group: bool = False) -> subprocess.Popen[str]:
    """Start `telewire mutate` in a project whose tests were run, in a group of its own as a shell does."""
    left_out = ("PYTEST_", "TELEWIRE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    command = [
        sys.executable,
        "-c",
        "from telewire.cli import main; main()",
        "mutate",
        "--no-cache",
        *arguments,
    ]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=root, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=own_group
    )


def said_of(root: Path, document: MutantsModel) -> Mutated:
    """Lay a document over the project's one wire."""
    verification: Verification = verify(load_configuration(root))
    evidence = verification.observed.evidence
    points = verification.observed.points
    sights = None if evidence is None else Sights(evidence)
    standing = Standing(document, points.functions, files_of(root, verification), sights)
    return mutated(standing, verification.wiring.wires[0], points)


def files_of(root: Path, verification: Verification) -> Files:
    """The files of a project's tests, as they are now."""
    uses = DriveFiles(root, (root / "tests",), verification.observed.points.sources.paths)
    return Files.of(uses, (wire.record for wire in verification.wiring.wires))
