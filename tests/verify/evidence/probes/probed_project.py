"""The small program with two metrics on alike wires, and probes that drive it from its entry point."""

from __future__ import annotations

import copy
from pathlib import Path

import yaml

from ..app_project import RECORD, write_project

DRIVES = """\
from app.main import run

INF, NAN = float("inf"), float("nan")


def infinite(value):
    return run([[INF] * value, [1.0]])


def undefined(value):
    return run([[NAN] * value, [1.0]])
"""

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
        inf_grad_count=metrics["inf_grad_count"],
        nan_grad_count=metrics["nan_grad_count"],
    )
""",
    "app/schema.py": """\
from dataclasses import dataclass


@dataclass
class State:
    inf_grad_count: int = 0
    nan_grad_count: int = 0
""",
    "app/aggregator.py": """\
from .emitters import Payload
from .schema import State


def handle(state: State, payload: Payload) -> None:
    state.inf_grad_count = payload.inf_grad_count
    state.nan_grad_count = payload.nan_grad_count
""",
    "app/widgets.py": """\
from rich.text import Text

from .schema import State


class StatusBanner:
    def render(self, state: State) -> Text:
        text = Text()
        text.append(f"Inf:{state.inf_grad_count}", style="red bold")
        return text.append("  ").append(f"NaN:{state.nan_grad_count}")
""",
    "app/main.py": """\
from rich.text import Text

from .aggregator import handle
from .emitters import aggregate, emit
from .gradients import collect_gradients
from .schema import State
from .widgets import StatusBanner


def run(layers: list[list[float]]) -> Text:
    state = State()
    handle(state, emit(aggregate(collect_gradients(layers))))
    return StatusBanner().render(state)
""",
}


def record(kind: str, number: int, drive: str, **changes: object) -> dict[str, object]:
    """Return the record of the one or the other count."""
    text = yaml.safe_dump(RECORD).replace("inf_", f"{kind}_").replace("TELE-301", f"TELE-{number}")
    made: dict[str, object] = yaml.safe_load(text.replace("Inf Gradient", f"{kind.title()} Gradient"))
    transport = copy.deepcopy(made["transport"])
    assert isinstance(transport, list)
    transport[0]["transform"] = "sum"
    made["transport"] = transport
    made["probe"] = {"drive": f"tests.drives:{drive}", "values": [0, 2, 7]}
    return made | changes


SHOWN = {"at": "app.widgets:StatusBanner", "kind": "display", "usage": "shows the count"}
DISPLAYS = [
    {"value": 7, "text": "Inf:7", "style": "red bold"},
    {"value": 0, "text": "Inf:0", "absent": "Inf:7"},
]


def write_probed(root: Path, *, drives: str = DRIVES, tests: bool = False, **changes: object) -> Path:
    """Write the program with both metrics and their probes; `changes` are those of the record TELE-301."""
    consumers = {"consumers": [SHOWN | {"displays": DISPLAYS}]}
    write_project(root)
    for path, text in PROGRAM.items():
        (root / path).write_text(text)
    inf = record("inf", 301, "infinite", **(consumers | changes))
    (root / "specs/TELE-301.yaml").write_text(yaml.safe_dump(inf))
    (root / "specs/TELE-300.yaml").write_text(yaml.safe_dump(record("nan", 300, "undefined")))
    (root / "tests/drives.py").write_text(drives)
    if not tests:
        (root / "tests/test_app.py").unlink()
    return root


def change(root: Path, path: str, before: str, after: str) -> None:
    """Change the one place in a file at which a text stands."""
    source = (root / path).read_text()
    assert source.count(before) == 1, source
    (root / path).write_text(source.replace(before, after))
