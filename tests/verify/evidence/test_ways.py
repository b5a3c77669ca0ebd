"""The ways that a value can take along an edge."""

from __future__ import annotations

from pathlib import Path

import yaml

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify
from telewire.verify.evidence.ways import chains, ways

from .app_project import RECORD

HEALTH = """\
from dataclasses import dataclass, field


@dataclass
class Health:
    norm: float
    is_bad: bool


@dataclass
class Report:
    details: list[str] = field(default_factory=list)

    def add(self, detail: str) -> None:
        self.details.append(detail)


def measure(values: list[float]) -> Health:
    return Health(norm=sum(values), is_bad=values[0] != values[0])


def check(health: Health, report: Report) -> None:
    if health.is_bad:
        report.add(f"unknown: {health}")
    else:
        report.add(f"the norm is {health.norm}")


def show(report: Report) -> None:
    print(report.details)


def elsewhere(health: Health, report: Report) -> None:
    report.add(f"elsewhere {health.norm}")


def run(values: list[float]) -> None:
    report = Report()
    health = measure(values)
    check(health, report)
    elsewhere(health, report)
    show(report)
"""


def test_where_a_field_of_a_structured_metric_is_read_the_metric_is(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "specs").mkdir()
    (tmp_path / "app/__init__.py").write_text("")
    (tmp_path / "app/health.py").write_text(HEALTH)
    (tmp_path / "app/__main__.py").write_text("from .health import run\n\nrun([1.0])\n")
    (tmp_path / "telewire.toml").write_text('sources = { app = "app" }\nregistry = "specs"\n')
    record = RECORD | {
        "type": "Health",
        "fields": {
            "norm": {"type": "float", "units": "L2 norm", "meaning": "How large."},
            "is_bad": {"type": "bool", "units": "flag", "meaning": "Whether it is bad."},
        },
        "range": None,
        "default": None,
        "thresholds": {"healthy": {"when": "not is_bad", "means": "fine"}},
        "emitter": {"at": "app.health:measure", "carries": "measure()"},
        "transport": [{"stage": "detection", "at": "app.health:check", "carries": "Report.details"}],
        "schema": {"at": "app.health:Report", "field": "details", "path": "report.details"},
        "consumers": [{"at": "app.health:show", "kind": "display", "usage": "prints it"}],
    }
    (tmp_path / "specs/TELE-301.yaml").write_text(yaml.safe_dump(record))
    wiring = verify(load_configuration(tmp_path)).wiring
    (edge,) = (one for one in wiring.edges if one.name == "detection")
    (chain,) = chains(edge.proof)
    found = [[str(hop.source) for hop in way] for way in ways(wiring.flow, edge, chain)]
    assert found[0][0] == "measure()"
    assert ["Health.norm", "Report.add(detail)"] in found
    lines = {hop.site.span.line for way in ways(wiring.flow, edge, chain) for hop in way}
    assert HEALTH.splitlines().index('    report.add(f"elsewhere {health.norm}")') + 1 not in lines
