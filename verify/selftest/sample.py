"""A small sound program with two wired metrics, whose records promise what holds: nothing is to be found in it."""

from __future__ import annotations

from collections.abc import Mapping

FILES: Mapping[str, str] = {
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
"""Its files, by their path."""


def sound_record(number: int, kind: str) -> dict[str, object]:
    """Return the record of one of its two counts: `nan` (TELE-300) or `inf` (TELE-301)."""
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
