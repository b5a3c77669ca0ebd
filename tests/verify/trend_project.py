"""A record of a value with fields, whose class stands in a module of its own, beside the sound project."""

from __future__ import annotations

from telewire.verify.selftest.sample import sound_record

from .conftest import Project

TREND = {
    "app/measurements.py": """\
from dataclasses import dataclass


@dataclass
class Trend:
    mean: float
    drop: float


def is_falling(trend: Trend) -> bool:
    return trend.drop > 0.5
""",
    "app/tracking.py": """\
from dataclasses import dataclass

from .measurements import Trend


@dataclass
class TrendPayload:
    trend: Trend


@dataclass
class TrendState:
    trend: Trend | None = None


def measure(returns: list[float]) -> Trend:
    mean = sum(returns) / len(returns)
    return Trend(mean=mean, drop=max(returns) - mean)


def send(returns: list[float]) -> TrendPayload:
    return TrendPayload(trend=measure(returns))


def deliver(state: TrendState, payload: TrendPayload) -> None:
    state.trend = payload.trend


def show(state: TrendState) -> str:
    return f"{state.trend}"
""",
    "app/training.py": """\
from .tracking import TrendState, deliver, send, show

trends = TrendState()
deliver(trends, send([1.0, 2.0]))
print(show(trends))
""",
}


def add_trend(project: Project) -> None:
    """Add the record and its wire."""
    for path, text in TREND.items():
        project.write(path, text)
    project.write(
        "app/__main__.py", (project.root / "app/__main__.py").read_text() + "\nfrom . import training\n"
    )
    project.records["TELE-302"] = {
        **sound_record(302, "inf"),
        "name": "Trend",
        "type": "Trend",
        "fields": {
            name: {"type": "float", "units": "return", "range": "[0, inf)", "meaning": f"The {name}."}
            for name in ("mean", "drop")
        },
        "units": "return",
        "default": None,
        "thresholds": {
            "healthy": {"when": "drop <= 0.5", "means": "fine"},
            "critical": {"when": "isnan(drop) or drop > 0.5", "means": "lost"},
        },
        "emitter": {"at": "app.tracking:measure", "carries": "measure()"},
        "transport": [
            {"stage": "emission", "at": "app.tracking:send", "carries": "TrendPayload.trend"},
            {"stage": "delivery", "at": "app.tracking:deliver", "carries": "TrendState.trend"},
        ],
        "schema": {"at": "app.tracking:TrendState", "field": "trend", "path": "snapshot.trend"},
        "consumers": [{"at": "app.tracking:show", "kind": "display", "usage": "shows it"}],
    }
    del project.records["TELE-302"]["range"]
    project.record("TELE-302")
