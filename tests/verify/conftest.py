"""A small sound project: one metric with its whole wire. Tests change one file of it at a time."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from telewire.registry.config import Configuration, load_configuration
from telewire.verify.analysis import Verification, verify

FILES = {
    "app/__init__.py": "",
    "app/gradients.py": """\
from dataclasses import dataclass


@dataclass
class LayerStats:
    nan_count: int
    inf_count: int


def collect_gradients(layers: list[list[float]]) -> list[LayerStats]:
    return [
        LayerStats(
            nan_count=sum(gradient != gradient for gradient in layer),
            inf_count=sum(abs(gradient) == float("inf") for gradient in layer),
        )
        for layer in layers
    ]
""",
    "app/emitters.py": """\
from dataclasses import dataclass

from .gradients import LayerStats


@dataclass
class Payload:
    nan_grad_count: int = 0
    inf_grad_count: int = 0


def aggregate(layer_stats: list[LayerStats]) -> dict[str, int]:
    return {
        "nan_grad_count": sum(stats.nan_count for stats in layer_stats),
        "inf_grad_count": sum(stats.inf_count for stats in layer_stats),
    }


def emit(metrics: dict[str, int]) -> Payload:
    return Payload(
        nan_grad_count=metrics["nan_grad_count"],
        inf_grad_count=metrics["inf_grad_count"],
    )
""",
    "app/schema.py": """\
from dataclasses import dataclass


@dataclass
class State:
    nan_grad_count: int = 0
    inf_grad_count: int = 0
""",
    "app/aggregator.py": """\
from .emitters import Payload
from .schema import State


def handle(state: State, payload: Payload) -> None:
    state.nan_grad_count = payload.nan_grad_count
    state.inf_grad_count = payload.inf_grad_count
""",
    "app/widgets.py": """\
from .schema import State


class StatusBanner:
    def render(self, state: State) -> str:
        return f"NaN:{state.nan_grad_count} Inf:{state.inf_grad_count}"
""",
    "app/__main__.py": """\
from .aggregator import handle
from .emitters import aggregate, emit
from .gradients import collect_gradients
from .schema import State
from .widgets import StatusBanner

state = State()
handle(state, emit(aggregate(collect_gradients([[1.0]]))))
print(StatusBanner().render(state))
""",
    "telewire.toml": 'sources = { app = "app" }\nregistry = "specs"\ntests = ["tests"]\n',
}


def sound_record(number: int, kind: str) -> dict[str, object]:
    """The record of one of the project's two counts: `nan` (TELE-300) or `inf` (TELE-301)."""
    field_name = f"{kind}_grad_count"
    return {
        "id": f"TELE-{number}",
        "name": f"{kind.capitalize()} Gradient Count",
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
        "emitter": {"at": "app.gradients:collect_gradients", "carries": f"LayerStats.{kind}_count"},
        "transport": [
            {"stage": "aggregation", "at": "app.emitters:aggregate", "carries": f'["{field_name}"]'},
            {"stage": "emission", "at": "app.emitters:emit", "carries": f"Payload.{field_name}"},
            {"stage": "delivery", "at": "app.aggregator:handle", "carries": f"State.{field_name}"},
        ],
        "schema": {"at": "app.schema:State", "field": field_name, "path": f"snapshot.{field_name}"},
        "consumers": [{"at": "app.widgets:StatusBanner", "kind": "display", "usage": "shows the count"}],
    }


@dataclass
class Project:
    """A project in a temporary folder."""

    root: Path
    records: dict[str, dict[str, object]] = field(default_factory=dict)

    def write(self, path: str, text: str | bytes) -> Path:
        """Write one file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def record(
        self, record_id: str = "TELE-301", *, without: tuple[str, ...] = (), **changes: object
    ) -> Path:
        """Write a record: the sound one with some of its top-level keys replaced or left out."""
        keys = {**self.records[record_id], **changes}
        kept = {key: value for key, value in keys.items() if key not in without}
        return self.write(f"specs/{record_id}.yaml", yaml.safe_dump(kept))

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace text that stands exactly once in a file."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def delete(self, path: str) -> None:
        """Delete one file."""
        (self.root / path).unlink()

    def configuration(self) -> Configuration:
        """Read the project's configuration."""
        return load_configuration(self.root)

    def verify(self, *only: str, today: datetime.date | None = None) -> Verification:
        """Verify the project."""
        return verify(self.configuration(), only=only, today=today)

    def rules(self) -> list[str]:
        """The codes that a verification finds."""
        return [finding.rule for finding in self.verify().findings]


@pytest.fixture(autouse=True)
def user_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the user a cache folder that is nobody's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user_cache")))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A sound project with the record of its Inf count."""
    made = Project(tmp_path / "project")
    made.records = {"TELE-300": sound_record(300, "nan"), "TELE-301": sound_record(301, "inf")}
    for path, text in FILES.items():
        made.write(path, text)
    made.record("TELE-301")
    return made
