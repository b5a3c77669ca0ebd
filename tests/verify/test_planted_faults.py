"""One fault at a time is planted in a copy of the shipped telemetry: each is found, and nothing else is reported.

The copy holds the sources and the records of this repository. A fault is a replacement of text in one file; the
findings are expected under a rule's code, at the line that a marker stands on after the fault is planted.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from telewire.registry import shipped_registry
from telewire.registry.config import Configuration
from telewire.verify.analysis import Verification, verify

ROOT = Path(__file__).resolve().parents[2]
CALLED_FROM_OUTSIDE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "telewire"
]["entry_points"]
COPIED = ("cli.py", "__init__.py", "registry", "telemetry")
EMITTERS = "telemetry/emitters.py"
AGGREGATOR = "telemetry/sanctum/aggregator.py"
BANNER = "telemetry/sanctum/widgets/status_banner.py"
PANEL = "telemetry/sanctum/widgets/health_status_panel.py"
STRIP = "telemetry/sanctum/widgets/anomaly_strip.py"
SCHEMA = "telemetry/sanctum/schema.py"
LOOP = "telemetry/training/loop.py"

STORE = "        tamiyo.inf_grad_count = payload.inf_grad_count\n"
GRADE_INF = "inf_grade = registry[ids.INF_GRAD_COUNT].grade(tamiyo.inf_grad_count)"


@dataclass(frozen=True)
class Expected:
    """A finding: rule, record, and the file with the text that stands on its line."""

    rule: str
    record: str
    path: str
    marker: str


@dataclass(frozen=True)
class Fault:
    """A fault: what is replaced in which file, and what must be found."""

    name: str
    path: str
    replacements: tuple[tuple[str, str], ...]
    expected: tuple[Expected, ...]


def stored_of_an_update() -> Iterator[tuple[str, str]]:
    """Every record whose value the handler of PPO updates stores, with the store."""
    for record in shipped_registry():
        for stage in record.transport:
            if str(stage.at).endswith(":SanctumAggregator.handle_ppo_update"):
                field = str(stage.carries).removeprefix("TamiyoState.")
                if field == "grad_norm_history":
                    yield record.id, "tamiyo.grad_norm_history.append(payload.grad_norm)"
                elif field == "head_*_entropy":
                    yield record.id, "tamiyo.head_push_entropy = payload.head_push_entropy"
                else:
                    yield record.id, f"tamiyo.{field} = payload.{field}"


FAULTS = [
    Fault(
        "the sum over the layers is never made",
        EMITTERS,
        (
            ("    inf_grad_count = total_count([collection.inf_count for collection in collections])\n", ""),
            ('        "inf_grad_count": inf_grad_count,\n', ""),
        ),
        (Expected("TW205", "TELE-301", EMITTERS, "def aggregate_layer_gradient_health("),),
    ),
    Fault(
        "the payload is built with a literal zero",
        EMITTERS,
        (('inf_grad_count=metrics["inf_grad_count"],', "inf_grad_count=0,"),),
        (Expected("TW204", "TELE-301", EMITTERS, "inf_grad_count=0,"),),
    ),
    Fault(
        "the training loop puts a literal zero into the metrics",
        LOOP,
        (('"inf_grad_count": gradient_health["inf_grad_count"],', '"inf_grad_count": 0,'),),
        (Expected("TW204", "TELE-301", LOOP, '"inf_grad_count": 0,'),),
    ),
    Fault(
        "the training loop swaps NaN and Inf in the metrics",
        LOOP,
        (
            (
                '"nan_grad_count": gradient_health["nan_grad_count"]',
                '"nan_grad_count": gradient_health["INF"]',
            ),
            (
                '"inf_grad_count": gradient_health["inf_grad_count"]',
                '"inf_grad_count": gradient_health["nan_grad_count"]',
            ),
            ('gradient_health["INF"]', 'gradient_health["inf_grad_count"]'),
        ),
        (
            Expected("TW207", "TELE-300", LOOP, '"nan_grad_count": gradient_health["inf_grad_count"]'),
            Expected("TW207", "TELE-301", LOOP, '"inf_grad_count": gradient_health["nan_grad_count"]'),
        ),
    ),
    Fault(
        "the training loop leaves the key out of the metrics",
        LOOP,
        (('            "inf_grad_count": gradient_health["inf_grad_count"],\n', ""),),
        (Expected("TW206", "TELE-301", EMITTERS, 'inf_grad_count=metrics["inf_grad_count"],'),),
    ),
    Fault(
        "the metrics are merged and the count is overwritten",
        LOOP,
        (
            (
                '            "nan_grad_count": gradient_health["nan_grad_count"],\n',
                "            **gradient_health,\n",
            ),
            ('"inf_grad_count": gradient_health["inf_grad_count"],', '"inf_grad_count": 0,'),
        ),
        (Expected("TW204", "TELE-301", LOOP, '"inf_grad_count": 0,'),),
    ),
    Fault(
        "the LSTM health function is never called",
        LOOP,
        (("lstm_health = compute_lstm_health(rollout.hidden)", "lstm_health = None"),),
        (Expected("TW202", "TELE-340", "telemetry/lstm_health.py", "def compute_lstm_health("),),
    ),
    Fault(
        "the detector's health check is never called",
        "telemetry/anomaly_detector.py",
        (("        report.merge(self.check_lstm_health(lstm_health))\n", ""),),
        (
            Expected("TW202", "TELE-340", "telemetry/anomaly_detector.py", "def check_lstm_health("),
            Expected("TW209", "TELE-340", "telemetry/anomaly_detector.py", "def check_all("),
        ),
    ),
    Fault(
        "the aggregator drops the field",
        AGGREGATOR,
        ((STORE, ""),),
        (Expected("TW205", "TELE-301", AGGREGATOR, "def handle_ppo_update("),),
    ),
    Fault(
        "the aggregator fills a state that nothing keeps",
        AGGREGATOR,
        (
            (
                "            tamiyo = self._tamiyo\n            tamiyo.update = payload.update\n",
                "            tamiyo = TamiyoState()\n            tamiyo.update = payload.update\n",
            ),
            (
                "        tamiyo = self._tamiyo\n        tamiyo.nan_grad_count",
                "        tamiyo = TamiyoState()\n        tamiyo.nan_grad_count",
            ),
        ),
        tuple(Expected("TW205", record, AGGREGATOR, store) for record, store in stored_of_an_update()),
    ),
    Fault(
        "NaN and Inf are swapped in the aggregator",
        AGGREGATOR,
        (
            ("tamiyo.nan_grad_count = payload.nan_grad_count", "tamiyo.nan_grad_count = payload.INF"),
            (
                "tamiyo.inf_grad_count = payload.inf_grad_count",
                "tamiyo.inf_grad_count = payload.nan_grad_count",
            ),
            ("payload.INF", "payload.inf_grad_count"),
        ),
        (
            Expected("TW207", "TELE-300", AGGREGATOR, "tamiyo.nan_grad_count = payload.inf_grad_count"),
            Expected("TW207", "TELE-301", AGGREGATOR, "tamiyo.inf_grad_count = payload.nan_grad_count"),
        ),
    ),
    Fault(
        "NaN and Inf are swapped where they are summed",
        EMITTERS,
        (
            ("total_count([collection.nan_count for", "total_count([collection.INF for"),
            ("total_count([collection.inf_count for", "total_count([collection.nan_count for"),
            ("total_count([collection.INF for", "total_count([collection.inf_count for"),
        ),
        (
            Expected("TW207", "TELE-300", EMITTERS, '"nan_grad_count": nan_grad_count,'),
            Expected("TW207", "TELE-301", EMITTERS, '"inf_grad_count": inf_grad_count,'),
        ),
    ),
    Fault(
        "NaN and Inf are swapped in the payload",
        EMITTERS,
        (
            ('nan_grad_count=metrics["nan_grad_count"]', 'nan_grad_count=metrics["INF"]'),
            ('inf_grad_count=metrics["inf_grad_count"]', 'inf_grad_count=metrics["nan_grad_count"]'),
            ('metrics["INF"]', 'metrics["inf_grad_count"]'),
        ),
        (
            Expected("TW207", "TELE-300", EMITTERS, 'nan_grad_count=metrics["inf_grad_count"]'),
            Expected("TW207", "TELE-301", EMITTERS, 'inf_grad_count=metrics["nan_grad_count"]'),
        ),
    ),
    Fault(
        "the banner stops reading the count",
        BANNER,
        (
            ("                registry[ids.INF_GRAD_COUNT].grade(tamiyo.inf_grad_count),\n", ""),
            (
                f"        {GRADE_INF}\n"
                "        if not inf_grade.is_healthy:\n"
                '            text.append("   ")'
                '.append(f"Inf:{count(tamiyo.inf_grad_count)}", style=count_style(inf_grade))\n',
                "",
            ),
        ),
        (Expected("TW209", "TELE-301", BANNER, "class StatusBanner(Static):"),),
    ),
    Fault(
        "the dashboard never constructs the banner",
        "telemetry/sanctum/app.py",
        (('StatusBanner(id="status")', "Static()"),),
        tuple(
            Expected("TW202", record.id, BANNER, "class StatusBanner(Static):")
            for record in shipped_registry()
            if any(str(consumer.at).endswith(":StatusBanner") for consumer in record.consumers)
        ),
    ),
    Fault(
        "the dashboard never updates the anomaly strip",
        "telemetry/sanctum/app.py",
        (("        self._strip.update_snapshot(snapshot)\n", ""),),
        (
            Expected("TW202", "TELE-300", STRIP, "class AnomalyStrip(Static):"),
            Expected("TW202", "TELE-301", STRIP, "class AnomalyStrip(Static):"),
        ),
    ),
    Fault(
        "the banner shows the count and stops grading it",
        BANNER,
        (
            ("                registry[ids.INF_GRAD_COUNT].grade(tamiyo.inf_grad_count),\n", ""),
            (GRADE_INF, "inf_grade = nan_grade"),
        ),
        (Expected("TW307", "TELE-301", BANNER, "class StatusBanner(Static):"),),
    ),
    Fault(
        "a threshold drifts: a literal in the banner",
        BANNER,
        (("if not inf_grade.is_healthy:", "if tamiyo.inf_grad_count > 10:"),),
        (Expected("TW306", "TELE-301", BANNER, "if tamiyo.inf_grad_count > 10:"),),
    ),
    Fault(
        "a threshold drifts: a named constant",
        BANNER,
        (
            ("class StatusBanner(Static):\n", "INF_CRITICAL = 6\n\n\nclass StatusBanner(Static):\n"),
            ("if not inf_grade.is_healthy:", "if tamiyo.inf_grad_count > INF_CRITICAL:"),
        ),
        (Expected("TW306", "TELE-301", BANNER, "INF_CRITICAL = 6"),),
    ),
    Fault(
        "a threshold drifts: a constant of a class",
        BANNER,
        (
            (
                "class StatusBanner(Static):\n",
                "class Limits:\n    NORM = 12.0\n\n\nclass StatusBanner(Static):\n",
            ),
            ("if not inf_grade.is_healthy:", "if tamiyo.grad_norm_history[-1] > Limits.NORM:"),
        ),
        (Expected("TW306", "TELE-311", BANNER, "    NORM = 12.0"),),
    ),
    Fault(
        "a threshold drifts: a bound on a field of the LSTM's health",
        PANEL,
        (
            (
                "        trend = detect_trend(tamiyo.grad_norm_history)\n",
                "        trend = detect_trend(tamiyo.grad_norm_history)\n"
                "        if tamiyo.lstm_health is not None and tamiyo.lstm_health.h_norm > 50.0:\n"
                "            pass\n",
            ),
        ),
        (Expected("TW306", "TELE-340", PANEL, "tamiyo.lstm_health.h_norm > 50.0:"),),
    ),
    Fault(
        "the schema starts with another default",
        SCHEMA,
        (("inf_grad_count: int | None = 0", "inf_grad_count: int | None = 1"),),
        (Expected("TW208", "TELE-301", SCHEMA, "inf_grad_count: int | None = 1"),),
    ),
    Fault(
        "the schema says zero where nothing was collected",
        SCHEMA,
        (("    grad_norm: float | None = None", "    grad_norm: float | None = 0.0"),),
        (Expected("TW208", "TELE-310", SCHEMA, "    grad_norm: float | None = 0.0"),),
    ),
    Fault(
        "a default masks a key that nobody writes",
        EMITTERS,
        (
            (
                'inf_grad_count=metrics["inf_grad_count"],',
                'inf_grad_count=metrics.get("inf_gradient_count", 0),',
            ),
        ),
        (Expected("TW206", "TELE-301", EMITTERS, 'inf_grad_count=metrics.get("inf_gradient_count", 0),'),),
    ),
    Fault(
        "a key that nobody writes is read without a default",
        EMITTERS,
        (('inf_grad_count=metrics["inf_grad_count"],', 'inf_grad_count=metrics["inf_gradient_count"],'),),
        (Expected("TW206", "TELE-301", EMITTERS, 'inf_grad_count=metrics["inf_gradient_count"],'),),
    ),
    Fault(
        "the handler is switched off by a constant",
        AGGREGATOR,
        ((STORE, f"        if False:\n    {STORE}"),),
        (Expected("TW211", "TELE-301", AGGREGATOR, STORE.strip()),),
    ),
    Fault(
        "only a caught exception sets the field",
        AGGREGATOR,
        (
            (
                STORE,
                "        try:\n            payload.validate()\n"
                "        except ValueError:\n            tamiyo.inf_grad_count = 0\n",
            ),
        ),
        (Expected("TW210", "TELE-301", AGGREGATOR, "tamiyo.inf_grad_count = 0"),),
    ),
    Fault(
        "only a branch depends on the count",
        AGGREGATOR,
        (
            (
                STORE,
                "        if payload.inf_grad_count:\n            tamiyo.inf_grad_count = payload.update\n",
            ),
        ),
        (Expected("TW212", "TELE-301", AGGREGATOR, "tamiyo.inf_grad_count = payload.update"),),
    ),
    Fault(
        "the count is graded by the NaN record",
        BANNER,
        (
            ("                registry[ids.INF_GRAD_COUNT].grade(tamiyo.inf_grad_count),\n", ""),
            (GRADE_INF, GRADE_INF.replace("ids.INF_GRAD_COUNT", "ids.NAN_GRAD_COUNT")),
        ),
        (
            Expected(
                "TW308", "TELE-301", BANNER, GRADE_INF.replace("ids.INF_GRAD_COUNT", "ids.NAN_GRAD_COUNT")
            ),
        ),
    ),
    Fault(
        "the training loop passes a constant norm",
        LOOP,
        (("            grad_norm=update.grad_norm,", "            grad_norm=1.0,"),),
        (
            Expected("TW204", "TELE-310", LOOP, "            grad_norm=1.0,"),
            Expected("TW204", "TELE-311", LOOP, "            grad_norm=1.0,"),
        ),
    ),
    Fault(
        "the training loop leaves the norm out of the call",
        LOOP,
        (("            grad_norm=update.grad_norm,\n", ""),),
        (
            Expected("TW205", "TELE-310", LOOP, "        self._emitter.emit_ppo_update("),
            Expected("TW205", "TELE-311", LOOP, "        self._emitter.emit_ppo_update("),
        ),
    ),
    Fault(
        "the history is never appended to",
        AGGREGATOR,
        (("            tamiyo.grad_norm_history.append(payload.grad_norm)\n", "            pass\n"),),
        (Expected("TW205", "TELE-311", AGGREGATOR, "def handle_ppo_update("),),
    ),
    Fault(
        "the schema's field is annotated with another type",
        SCHEMA,
        (("inf_grad_count: int | None = 0", "inf_grad_count: float = 0"),),
        (Expected("TW213", "TELE-301", SCHEMA, "inf_grad_count: float = 0"),),
    ),
    Fault(
        "the record names a field that does not exist",
        "registry/specs/TELE-301.yaml",
        (("carries: PPOUpdatePayload.inf_grad_count", "carries: PPOUpdatePayload.inf_grads"),),
        (
            Expected(
                "TW201", "TELE-301", "registry/specs/TELE-301.yaml", "carries: PPOUpdatePayload.inf_grads"
            ),
        ),
    ),
    Fault(
        "the record's levels leave a gap",
        "registry/specs/TELE-301.yaml",
        (("0 < value <= 5", "0 < value <= 4"),),
        (
            Expected("TW301", "TELE-301", "registry/specs/TELE-301.yaml", 'healthy:  {when: "value == 0"'),
            Expected(
                "TW309", "TELE-301", "registry/specs/TELE-301.yaml", "levels: [healthy, warning, warning,"
            ),
        ),
    ),
]


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped sources and records."""
    folder = tmp_path_factory.mktemp("pristine")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture
def plant(pristine: Path, tmp_path: Path) -> Callable[[Fault], Verification]:
    """Plants a fault in a copy of its own and verifies that."""

    def planted(fault: Fault) -> Verification:
        shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
        path = tmp_path / fault.path
        text = path.read_text(encoding="utf-8")
        for old, new in fault.replacements:
            assert old in text, f"{fault.path} no longer holds {old!r}: plant the fault where it is now"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return verify(configuration(tmp_path))

    return planted


def configuration(root: Path) -> Configuration:
    """Settings for a copy."""
    return Configuration(
        root=root,
        origin="a test",
        sources={"telewire": root},
        registry=(root / "registry/specs",),
        entry_points=("telewire.cli:main", *CALLED_FROM_OUTSIDE),
    )


def line_of(root: Path, path: str, marker: str) -> int:
    """The line that is a marker, or else the one that holds it.

    In the aggregator, where a library's metrics fill some of the same fields, that of the handlers of payloads of ours.
    """
    lines = (root / path).read_text(encoding="utf-8").splitlines()
    if path == AGGREGATOR:
        end = next(number for number, line in enumerate(lines) if "def handle_policy_metrics(" in line)
        lines = lines[:end]
    found = [number for number, line in enumerate(lines, 1) if line == marker]
    found = found or [number for number, line in enumerate(lines, 1) if marker in line]
    assert len(found) == 1, f"{marker!r} stands on lines {found} of {path}"
    return found[0]


def reported(verification: Verification) -> list[tuple[str, str | None, str, int]]:
    """What was found, less the tests that records name: a copy of the sources has none."""
    return sorted(
        (finding.rule, finding.record, finding.path, finding.line)
        for finding in verification.findings
        if finding.rule != "TW401"
    )


def test_the_copy_without_a_fault_is_clean(pristine: Path) -> None:
    verification = verify(configuration(pristine))

    assert reported(verification) == []
    assert all(edge.verdict == "proved" for edge in verification.wiring.edges)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found_at_its_line_and_nothing_else_is(
    fault: Fault, plant: Callable[[Fault], Verification], tmp_path: Path
) -> None:
    verification = plant(fault)

    expected = sorted(
        (one.rule, one.record, one.path, line_of(tmp_path, one.path, one.marker)) for one in fault.expected
    )
    assert reported(verification) == expected
    assert not verification.is_clean
