"""One fault for each rule that looks at records, told as a change of the sample."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..evidence.document import EvidenceModel
from ..evidence.hook import digest_of_source
from ..evidence.writing import FORMAT
from .sample import FILES, sound_record

_EMITTERS, _AGGREGATOR, _SCHEMA, _WIDGETS = (
    "app/emitters.py",
    "app/aggregator.py",
    "app/schema.py",
    "app/widgets.py",
)
_MAIN = "app/__main__.py"
_TESTS = "tests/test_emitters.py"


@dataclass(frozen=True)
class Fault:
    """A fault in the sample.

    Attributes:
        code: The rule that has to find it.
        replaced: For each file the texts that are replaced, each of which stands in it once.
        added: Files that are new, or other than they were.
        record: Keys of TELE-301 that are other than in the sound record.
        runs: It shows only when the tests, the probes and the mutants of the program have run.
    """

    code: str
    replaced: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict, hash=False)
    added: Mapping[str, str] = field(default_factory=dict, hash=False)
    record: Mapping[str, object] = field(default_factory=dict, hash=False)
    runs: bool = False

    def files(self) -> dict[str, str]:
        """Return all files of the sample with the fault in them; a record is YAML, since JSON is.

        Raises:
            ValueError: A text that is to be replaced does not stand in its file just once.
        """
        found = dict(FILES)
        found["specs/TELE-300.yaml"] = json.dumps(sound_record(300, "nan"))
        found["specs/TELE-301.yaml"] = json.dumps({**sound_record(301, "inf"), **self.record})
        found |= self.added
        for path, texts in self.replaced.items():
            for old, new in texts:
                if found[path].count(old) != 1:
                    raise ValueError(f"{self.code}: {old!r} stands {found[path].count(old)} times in {path}")
                found[path] = found[path].replace(old, new)
        return found


def _levels(**conditions: str) -> dict[str, object]:
    return {"thresholds": {name: {"when": when, "means": name} for name, when in conditions.items()}}


def _named(name: str) -> dict[str, object]:
    return {"tests": [{"kind": "unit", "file": _TESTS, "name": name}]}


def _after_tests(source: str, outcomes: Mapping[str, str]) -> dict[str, str]:
    """Return a file of tests, and the evidence that a run of it has left."""
    evidence = EvidenceModel.model_validate(
        {
            "format": FORMAT,
            "made": "",
            "by": {},
            "arguments": [],
            "everything": True,
            "whole_files": True,
            "exit_status": 0,
            "modules": {},
            "functions": [],
            "points": [],
            "values": [],
            "files": {_TESTS: digest_of_source(source.encode())},
            "deselected": [],
            "tests": [
                {"id": f"{_TESTS}::{name}", "seconds": 0.0, "outcome": outcome, "seen": []}
                for name, outcome in outcomes.items()
            ],
            "probes": [],
        }
    )
    return {_TESTS: source, ".telewire/evidence.json": evidence.model_dump_json()}


_STATE_INF = "    state.inf_grad_count = payload.inf_grad_count\n"
_SHOWN = " Inf:{state.inf_grad_count}"
_SUMMED = '"inf_grad_count": sum(stats.inf_count for stats in layer_stats),'
_EMITTED = 'inf_grad_count=metrics["inf_grad_count"]'
_CALLED = "handle(state, emit(aggregate(collect_gradients([[1.0]]))))\n"
_RENDERED = "    def render(self, state: State) -> str:\n"
_BANNER = {"at": "app.widgets:StatusBanner", "kind": "display", "usage": "shows the count"}
_UNSEEING = """\
from app.emitters import emit


def test_payload() -> None:
    assert emit({"nan_grad_count": 1, "inf_grad_count": 5}) is not None
"""
_DRIVES = """\
from app.aggregator import handle
from app.emitters import aggregate, emit
from app.gradients import collect_gradients
from app.schema import State
from app.widgets import StatusBanner


def inf_gradients(value: int) -> str:
    state = State()
    handle(state, emit(aggregate(collect_gradients([[float("inf")] * value]))))
    return StatusBanner().render(state)
"""
_PARTS = tuple(f"part_{number}" for number in range(15))
_FINE = " and ".join(f"{name} < 1" for name in _PARTS)
_MUCH = " or ".join(f"{name} > 5" for name in _PARTS)
_GRADED = (
    "        from telewire.registry import shipped_registry\n"
    '        level = shipped_registry()["{record}"].grade(state.inf_grad_count)\n'
)

FAULTS: tuple[Fault, ...] = (
    Fault("TW201", record={"emitter": {"at": "app.gradients:colect", "carries": "LayerStats.inf_count"}}),
    Fault("TW202", {_MAIN: ((_CALLED, "print(aggregate(collect_gradients([[1.0]])))\n"),)}),
    Fault(
        "TW203",
        {
            _AGGREGATOR: (("(state: State, payload: Payload)", "(state, payload)"),),
            _MAIN: (
                ("from .aggregator import handle\n", "import sys\n\nfrom .aggregator import handle\n"),
                (_CALLED, "handle(sys.modules, emit(aggregate(collect_gradients([[1.0]]))))\n"),
            ),
        },
    ),
    Fault("TW204", {_EMITTERS: ((_EMITTED, "inf_grad_count=0"),)}),
    Fault(
        "TW205",
        {
            _EMITTERS: (
                (f"        {_SUMMED}\n", ""),
                ('metrics["inf_grad_count"]', 'metrics.get("inf_grad_count", 0)'),
            )
        },
    ),
    Fault("TW206", {_EMITTERS: (('metrics["inf_grad_count"]', 'metrics.get("inf_gradient_count", 0)'),)}),
    Fault(
        "TW207",
        {
            _AGGREGATOR: (
                ("= payload.nan_grad_count", "= payload.inf_count_"),
                ("= payload.inf_grad_count", "= payload.nan_grad_count"),
                ("payload.inf_count_", "payload.inf_grad_count"),
            )
        },
    ),
    Fault("TW208", record={"default": 1}),
    Fault("TW209", {_WIDGETS: ((_SHOWN, ""),)}),
    Fault(
        "TW210",
        {
            _EMITTERS: (
                (
                    "    return {\n",
                    "    try:\n        sum(stats.inf_count for stats in layer_stats)\n"
                    "    except Exception:\n        inf_count = 0\n    return {\n",
                ),
                (_SUMMED, '"inf_grad_count": inf_count,'),
            )
        },
    ),
    Fault("TW211", {_AGGREGATOR: ((_STATE_INF, f"    if False:\n    {_STATE_INF}"),)}),
    Fault(
        "TW212",
        {
            _EMITTERS: (
                (
                    "    return {\n",
                    "    total = 0\n    for stats in layer_stats:\n        if stats.inf_count:\n"
                    "            total = 1\n    return {\n",
                ),
                (_SUMMED, '"inf_grad_count": total,'),
            )
        },
    ),
    Fault("TW213", {_SCHEMA: (("inf_grad_count: int", "inf_grad_count: str"),)}),
    Fault(
        "TW300",
        {
            _SCHEMA: (
                (
                    "    inf_grad_count: int = 0\n",
                    '    inf_grad_count: "Parts | None" = None\n\n\n@dataclass\nclass Parts:\n'
                    + "".join(f"    {name}: int\n" for name in _PARTS),
                ),
            )
        },
        record={
            "type": "Parts",
            "range": None,
            "default": None,
            "fields": {name: {"type": "int", "units": "count", "meaning": "one part"} for name in _PARTS},
            **_levels(healthy=_FINE, warning=f"not ({_FINE}) and not ({_MUCH})", critical=_MUCH),
        },
    ),
    Fault("TW301", record=_levels(healthy="value == 0", critical="value > 5")),
    Fault("TW302", record=_levels(healthy="value <= 5", critical="value >= 5")),
    Fault("TW303", record=_levels(healthy="value >= 0", critical="value < 0")),
    Fault(
        "TW304",
        {_SCHEMA: (("inf_grad_count: int", "inf_grad_count: float"),)},
        record={"type": "float", **_levels(healthy="not value > 5", critical="value > 5")},
    ),
    Fault("TW305", record={"range": "[0, 10]", **_levels(healthy="value <= 50")}),
    Fault(
        "TW306",
        {_WIDGETS: ((_RENDERED, f"{_RENDERED}        print('red' if state.inf_grad_count > 10 else '')\n"),)},
    ),
    Fault("TW307", record={"consumers": [{**_BANNER, "applies_thresholds": True}]}),
    Fault(
        "TW308",
        {_WIDGETS: ((_RENDERED, _RENDERED + _GRADED.format(record="TELE-300") + "        print(level)\n"),)},
    ),
    Fault("TW309", record={"threshold_tests": [{"values": [0], "levels": ["critical"]}]}),
    Fault("TW401", added={_TESTS: "def test_counts() -> None: ...\n"}, record=_named("test_inf_counts")),
    Fault("TW402", record={"claims": {"status": ["verified"]}}),
    Fault(
        "TW403", record={"waivers": [{"rule": "TW204", "reason": "to be repaired", "expires": "2020-01-01"}]}
    ),
    Fault(
        "TW405",
        added=_after_tests(
            "class Tests:\n    def test_counts(self) -> None: ...\n\n\ndef test_other() -> None: ...\n",
            {"test_other": "passed"},
        ),
        record=_named("test_counts"),
    ),
    Fault(
        "TW406",
        added=_after_tests("def test_counts() -> None: ...\n", {"test_counts": "skipped"}),
        record=_named("test_counts"),
    ),
    Fault(
        "TW407",
        added=_after_tests("def test_counts() -> None:\n    assert not 1\n", {"test_counts": "failed"}),
        record=_named("test_counts"),
    ),
    Fault("TW408", added={_TESTS: _UNSEEING}, runs=True),
    Fault(
        "TW409",
        {
            _EMITTERS: (
                (
                    'inf_grad_count=metrics["inf_grad_count"]',
                    'inf_grad_count=min(metrics["inf_grad_count"], 5)',
                ),
            )
        },
        added={"tests/drives.py": _DRIVES, _TESTS: _UNSEEING},
        record={"probe": {"drive": "tests.drives:inf_gradients", "values": [2, 7]}},
        runs=True,
    ),
    Fault("TW410", record={"requires": "tested"}),
)
"""A fault for every rule that looks at records."""
