"""A small program with one wired metric, and tests of every kind around it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from telewire.verify.evidence.document import EvidenceModel, read_evidence

PROGRAM = {
    "app/__init__.py": "",
    "app/gradients.py": """\
from dataclasses import dataclass


@dataclass
class LayerStats:
    inf_count: int


def collect_gradients(layers: list[list[float]]) -> list[LayerStats]:
    return [LayerStats(inf_count=sum(abs(one) == float("inf") for one in layer)) for layer in layers]
""",
    "app/emitters.py": """\
from dataclasses import dataclass

from .gradients import LayerStats


@dataclass
class Payload:
    inf_grad_count: int = 0


def aggregate(layer_stats: list[LayerStats]) -> dict[str, int]:
    return {"inf_grad_count": sum(stats.inf_count for stats in layer_stats)}


def emit(metrics: dict[str, int]) -> Payload:
    return Payload(inf_grad_count=metrics["inf_grad_count"])
""",
    "app/schema.py": """\
from dataclasses import dataclass


@dataclass
class State:
    inf_grad_count: int = 0
""",
    "app/aggregator.py": """\
from .emitters import Payload
from .schema import State


def handle(state: State, payload: Payload) -> None:
    state.inf_grad_count = payload.inf_grad_count
""",
    "app/widgets.py": """\
from .schema import State


class StatusBanner:
    def render(self, state: State) -> str:
        return f"Inf:{state.inf_grad_count}"
""",
    "app/main.py": """\
from .aggregator import handle
from .emitters import aggregate, emit
from .gradients import collect_gradients
from .schema import State
from .widgets import StatusBanner


def run(layers: list[list[float]]) -> str:
    state = State()
    handle(state, emit(aggregate(collect_gradients(layers))))
    return StatusBanner().render(state)
""",
    "app/__main__.py": "from .main import run\n\nprint(run([[1.0]]))\n",
    "telewire.toml": 'sources = { app = "app" }\nregistry = "specs"\ntests = ["tests"]\n',
    "pytest.ini": "[pytest]\ntestpaths = tests\n",
}

TESTS = """\
import pytest

from app.aggregator import handle
from app.emitters import Payload, aggregate, emit
from app.gradients import collect_gradients
from app.main import run
from app.schema import State
from app.widgets import StatusBanner

INF = float("inf")


@pytest.fixture(scope="module")
def shown():
    return run([[INF] * 4])


def test_infinities_are_shown():
    assert run([[INF, 1.0], [INF]]) == "Inf:2"


def test_nothing_is_shown_of_a_healthy_run():
    assert run([[1.0]]) == "Inf:0"


def test_by_a_fixture(shown):
    assert shown == "Inf:4"


def test_by_the_same_fixture(shown):
    assert shown == "Inf:4"


def test_by_hand():
    state = State()
    handle(state, emit(aggregate(collect_gradients([[INF]]))))
    assert StatusBanner().render(state) == "Inf:1"


def test_that_fails():
    assert run([[INF] * 3]) == "Inf:0"


@pytest.mark.skip(reason="not now")
def test_that_is_skipped():
    run([[INF]])


@pytest.mark.xfail(reason="known")
def test_that_is_expected_to_fail():
    assert run([[INF] * 5]) == "Inf:0"


def test_with_a_broken_fixture(request):
    request.getfixturevalue("missing")


@pytest.mark.parametrize("number", [6, 7])
def test_of_many_values(number):
    assert run([[INF] * number]) == f"Inf:{number}"


def test_in_a_thread():
    import threading

    thread = threading.Thread(target=run, args=([[INF] * 9],))
    thread.start()
    thread.join()
"""

RECORD = {
    "id": "TELE-301",
    "name": "Inf Gradient Count",
    "category": "gradient",
    "priority": "P0-critical",
    "purpose": {"question": "Is it stable?", "audience": ["operator"], "cadence": ["real-time"]},
    "type": "int",
    "units": "count",
    "range": "[0, inf)",
    "default": 0,
    "meaning": "Number of such elements.",
    "thresholds": {
        "healthy": {"when": "value == 0", "means": "fine"},
        "warning": {"when": "0 < value <= 5", "means": "a few"},
        "critical": {"when": "value > 5", "means": "many"},
    },
    "emitter": {"at": "app.gradients:collect_gradients", "carries": "LayerStats.inf_count"},
    "transport": [
        {"stage": "aggregation", "at": "app.emitters:aggregate", "carries": '["inf_grad_count"]'},
        {"stage": "emission", "at": "app.emitters:emit", "carries": "Payload.inf_grad_count"},
        {"stage": "delivery", "at": "app.aggregator:handle", "carries": "State.inf_grad_count"},
    ],
    "schema": {"at": "app.schema:State", "field": "inf_grad_count", "path": "state.inf_grad_count"},
    "consumers": [{"at": "app.widgets:StatusBanner", "kind": "display", "usage": "shows the count"}],
}


def write_project(root: Path, **record: object) -> Path:
    """Write the program, its record (with other keys) and its tests."""
    for path, text in PROGRAM.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (root / "specs").mkdir()
    (root / "specs/TELE-301.yaml").write_text(yaml.safe_dump(RECORD | record))
    (root / "tests").mkdir()
    (root / "tests/test_app.py").write_text(TESTS)
    return root


PLUGIN = ("-p", "telewire.verify.evidence.plugin")
Run = subprocess.CompletedProcess[str]


def run_tests(root: Path, *arguments: str) -> Run:
    left_out = ("PYTEST_", "TELEWIRE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *PLUGIN, *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def evidence_in(root: Path) -> EvidenceModel:
    found = read_evidence(root / ".telewire/evidence.json")
    assert found is not None
    return found


def numbers_seen(evidence: EvidenceModel, test: str, function: str) -> set[object]:
    """The numbers and texts that a test let pass in a function."""
    (found,) = (one for one in evidence.tests if one.id.endswith(f"::{test}"))
    return {
        evidence.values[value][1]
        for seen in found.seen
        for value in seen.values
        if evidence.functions[evidence.points[seen.point].function].function == function
        and len(evidence.values[value]) == 2
    }
