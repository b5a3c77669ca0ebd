"""Each rule's documentation is true: its bad example is found under its code, its good example is not.

The examples are taken from the documentation and put into a small project, in which all else is sound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner

from telewire.registry import PROBLEM_KINDS
from telewire.verify.evidence.hook import digest_of_source
from telewire.verify.mutate import mutate_command
from telewire.verify.rules import RULES
from telewire.verify.rules.base import EdgeRule

from ..evidence.app_project import run_tests

if TYPE_CHECKING:
    from ..conftest import Project

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """The code blocks under one heading of a rule's documentation, by language."""

    blocks: Mapping[str, str]

    def python(self, *, inside: int = 0) -> str:
        """The Python block, indented; `pass`, which keeps a body valid, where there is none."""
        return indent(self.blocks.get("python", "pass\n"), " " * inside)

    def keys(self) -> dict[str, object]:
        """The keys of the YAML block."""
        found = yaml.safe_load(self.blocks.get("yaml", "{}"))
        assert isinstance(found, dict)
        return found


def section(rule: str, heading: str) -> str:
    """The text under a heading of a rule's documentation."""
    parts = re.split(r"^## ", RULES[rule].documentation, flags=re.MULTILINE)
    [found] = [part for part in parts if part.startswith(heading)]
    return found


def example(rule: str, heading: str) -> Example:
    return Example(dict(BLOCK.findall(section(rule, heading))))


# -- how each example becomes a project ---------------------------------------------------------------------------

Setting = Callable[["Project", Example], None]


def symbol_missing(project: Project, shown: Example) -> None:
    project.record(**shown.keys())


def never_called(project: Project, shown: Example) -> None:
    defined = "def compute_lstm_health(hidden: float) -> float:\n    return hidden * 2\n"
    text = shown.python()
    if "def compute_lstm_health(" not in text:
        text = defined + text
    project.write(
        "app/health.py",
        "class State:\n    lstm_health: float | None = None\n\n"
        "class Emitter:\n    def __init__(self) -> None:\n        self.state = State()\n\n"
        "    def emit(self, lstm_health: float | None) -> None:\n"
        "        self.state.lstm_health = lstm_health\n\n"
        "class Agent:\n    hidden: float = 1.0\n\n"
        f"{text}\n"
        "class Panel:\n    def render(self, state: State) -> str:\n        return str(state.lstm_health)\n\n"
        "emitter = Emitter()\nafter_update(Agent(), emitter)\nPanel().render(emitter.state)\n",
    )
    project.record(
        type="float",
        default=None,
        range="(-inf, inf)",
        without=("thresholds",),
        emitter={"at": "app.health:compute_lstm_health", "carries": "compute_lstm_health()"},
        transport=[],
        schema={"at": "app.health:State", "field": "lstm_health", "path": "state.lstm_health"},
        consumers=[{"at": "app.health:Panel", "kind": "display", "usage": "shows it"}],
    )


def unresolved_receiver(project: Project, shown: Example) -> None:
    project.write(
        "app/aggregator.py",
        "from .emitters import Payload\nfrom .schema import State\n\nPPOUpdatePayload = Payload\n"
        f"state = State()\n\n\n{shown.python()}",
    )
    project.replace("app/__main__.py", "handle(state, ", "handle(")
    project.replace("app/__main__.py", "import handle\n", "import handle, state\n")
    project.replace("app/__main__.py", "state = State()\n", "")


def hardcoded_constant(project: Project, shown: Example) -> None:
    body = f"    PPOUpdatePayload = Payload\n{shown.python(inside=4)}    return payload\n"
    replace_body(project, "app/emitters.py", "def emit(metrics: dict[str, int]) -> Payload:\n", body)


def dropped_field(project: Project, shown: Example) -> None:
    replace_function(project, "app/emitters.py", "aggregate", shown.python())


def key_never_written(project: Project, shown: Example) -> None:
    text = shown.python()
    if "metrics = " not in text:
        text = 'metrics = {"inf_grad_count": total}\n' + text
    body = "    total = sum(stats.inf_count for stats in layer_stats)\n" + indent(text, "    ")
    head = "def aggregate_and_emit(layer_stats: list[LayerStats]) -> Payload:\n"
    path = "app/emitters.py"
    project.write(path, (project.root / path).read_text() + f"\n\n{head}{body}    return payload\n")
    replace_function(project, path, "emit", "")
    replace_function(project, path, "aggregate", "")
    project.replace("app/__main__.py", "import aggregate, emit", "import aggregate_and_emit")
    project.replace("app/__main__.py", "emit(aggregate(", "aggregate_and_emit((")
    emission = {
        "stage": "emission",
        "at": "app.emitters:aggregate_and_emit",
        "carries": "Payload.inf_grad_count",
    }
    delivery = {"stage": "delivery", "at": "app.aggregator:handle", "carries": "State.inf_grad_count"}
    project.record(transport=[emission, delivery])


def crossed_wires(project: Project, shown: Example) -> None:
    head = "def handle(state: State, payload: Payload) -> None:\n"
    replace_body(project, "app/aggregator.py", head, shown.python(inside=4))
    project.record("TELE-300")


def default_mismatch(project: Project, shown: Example) -> None:
    imports = "from dataclasses import dataclass\n\n\n"
    project.write("app/schema.py", imports + shown.python())
    project.write(
        "app/aggregator.py",
        "from .schema import State\n\n\ndef handle(state: State, norm: float) -> None:\n"
        "    state.grad_norm = norm\n",
    )
    project.write(
        "app/widgets.py",
        "from .schema import State\n\n\nclass StatusBanner:\n    def render(self, state: State) -> str:\n"
        "        return str(state.grad_norm)\n",
    )
    project.write(
        "app/__main__.py",
        "from .aggregator import handle\nfrom .schema import State\nfrom .widgets import StatusBanner\n\n"
        "def compute_norm(values: list[float]) -> float:\n    return max(values)\n\n"
        "state = State()\nhandle(state, compute_norm([1.0]))\nStatusBanner().render(state)\n",
    )
    keys = {
        "type": "float",
        "emitter": {"at": "app.__main__:compute_norm", "carries": "compute_norm()"},
        "transport": [],
    }
    project.record(without=("thresholds",), **{**keys, **example("TW208", "Example").keys()})


def consumer_does_not_read(project: Project, shown: Example) -> None:
    banner = shown.python()
    if not banner.startswith("class"):
        banner = "class StatusBanner:\n    def render(self, state: State) -> str:\n" + banner
    project.write("app/widgets.py", f"from .schema import State\n\n\n{banner}")
    project.record(**example("TW209", "Example").keys())


def swallowed_exception(project: Project, shown: Example) -> None:
    project.write(
        "app/emitters.py",
        "from dataclasses import dataclass\n\nfrom .gradients import LayerStats\n\n\n@dataclass\n"
        "class Payload:\n    nan_grad_count: int = 0\n    inf_grad_count: int = 0\n\n\n"
        "def count_infinities(model: list[LayerStats]) -> int:\n"
        "    return sum(stats.inf_count for stats in model)\n\n\n"
        "def emit(model: list[LayerStats]) -> Payload:\n"
        f"{shown.python(inside=4)}    return Payload(nan_grad_count=1, inf_grad_count=inf_count)\n",
    )
    project.replace("app/__main__.py", "import aggregate, emit", "import emit")
    project.replace("app/__main__.py", "emit(aggregate(", "emit((")
    project.record(transport=project.records["TELE-301"]["transport"][1:])


def gated_off(project: Project, shown: Example) -> None:
    head = "def handle(state: State, payload: Payload) -> None:\n"
    replace_body(project, "app/aggregator.py", head, shown.python(inside=4))


def control_only(project: Project, shown: Example) -> None:
    body = shown.python(inside=4) + '    return {"nan_grad_count": 0, "inf_grad_count": total}\n'
    head = "def aggregate(layer_stats: list[LayerStats]) -> dict[str, int]:\n"
    replace_body(project, "app/emitters.py", head, body)


def type_mismatch(project: Project, shown: Example) -> None:
    project.replace("app/schema.py", "inf_grad_count: int = 0\n", shown.python())


def threshold_unproved(project: Project, shown: Example) -> None:
    names = [f"part_{number}" for number in range(15)] if "fifteen" in section_text(shown) else ["part_0"]
    fields = {name: {"type": "int", "units": "count", "meaning": "one part"} for name in names}
    fine = " and ".join(f"{name} < 1" for name in names)
    much = " or ".join(f"{name} > 5" for name in names)
    project.replace(
        "app/schema.py",
        "    inf_grad_count: int = 0\n",
        '    inf_grad_count: "Parts | None" = None\n\n\n@dataclass\nclass Parts:\n'
        + "".join(f"    {name}: int\n" for name in names),
    )
    project.record(
        type="Parts",
        fields=fields,
        range=None,
        default=None,
        thresholds={
            "healthy": {"when": fine, "means": "fine"},
            "warning": {"when": f"not ({fine}) and not ({much})", "means": "some"},
            "critical": {"when": much, "means": "much"},
        },
    )


def thresholds(project: Project, shown: Example) -> None:
    keys = shown.keys()
    if keys.get("type", "int") != "int":
        project.replace("app/schema.py", "inf_grad_count: int", f"inf_grad_count: {keys['type']}")
    project.record(**keys)


GRADED = """\
from telewire.registry import shipped_registry

from .schema import State

registry = shipped_registry()


class Text:
    def append(self, text: str, style: str = "") -> None: ...


def style_of(level: object) -> str:
    return str(level)


class StatusBanner:
    def render(self, state: State, text: Text) -> str:
        {body}
        return str(state.inf_grad_count)
"""


def graded_in_the_banner(project: Project, shown: Example) -> None:
    body = shown.python(inside=8).strip()
    project.write("app/widgets.py", GRADED.format(body=body))


def thresholds_not_applied(project: Project, shown: Example) -> None:
    graded_in_the_banner(project, shown)
    project.record(**example("TW307", "Example").keys())


def crossed_thresholds(project: Project, shown: Example) -> None:
    project.record("TELE-300")
    graded_in_the_banner(project, shown)
    project.replace(
        "app/widgets.py",
        "        return str(state.inf_grad_count)",
        "        return f'{state.inf_grad_count} {state.nan_grad_count}'",
    )


def named_test_missing(project: Project, shown: Example) -> None:
    keys = shown.keys() or example("TW401", "Example").keys()
    name = "test_sums_all_counts" if shown.blocks else "test_sums_inf_counts"
    project.write("tests/test_emitters.py", f"def {name}() -> None: ...\n")
    project.record(**keys)


def named_test_ended(project: Project, shown: Example) -> None:
    """Write the tests, run them as pytest would, and leave the evidence of that."""
    source = shown.python()
    project.write("tests/test_emitters.py", source)
    names: dict[str, object] = {"__name__": "test_emitters"}
    exec(source, names)
    found = {name: one for name, one in names.items() if name.startswith("test_") and callable(one)}
    for name, cls in names.items():
        if name.startswith("Test") and isinstance(cls, type):
            found |= {f"{name}::{one}": getattr(cls(), one) for one in dir(cls) if one.startswith("test_")}
    endings = [(f"tests/test_emitters.py::{name}", ending_of(test)) for name, test in found.items()]
    evidence = {
        "format": 4, "made": "", "by": {}, "arguments": [], "everything": True, "whole_files": True,
        "exit_status": 0, "modules": {}, "functions": [], "points": [], "values": [], "deselected": [], "probes": [],
        "files": {"tests/test_emitters.py": digest_of_source(source.encode())},
        "tests": [{"id": name, "seconds": 0.0, "outcome": ending, "seen": []} for name, ending in endings],
    }  # fmt: skip
    project.write(".telewire/evidence.json", json.dumps(evidence))
    project.record(**shown.keys())


def mutated(project: Project, shown: Example) -> None:
    """Run the tests as they are, and again with each mutant of what they pass."""
    project.write("tests/test_emitters.py", f"from app.emitters import emit\n\n\n{shown.python()}")
    project.record(**shown.keys())
    run_tests(project.root, "--wiring", "-q")
    CliRunner().invoke(mutate_command, ["--project", str(project.root), "--no-cache"])
    assert (project.root / ".telewire/mutants.json").exists()


DRIVES = """\
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


def probed(project: Project, shown: Example) -> None:
    """Drive the emitter with each value of the probe, for real."""
    replace_function(project, "app/emitters.py", "emit", shown.python())
    project.write("tests/drives.py", DRIVES)
    project.record(**shown.keys())
    run_tests(project.root, "--wiring", "-q", "tests")
    assert (project.root / ".telewire/evidence.json").exists()


def ending_of(test: object) -> str:
    if any(mark.name == "skip" for mark in getattr(test, "pytestmark", ())):
        return "skipped"
    assert callable(test)
    try:
        test()
    except AssertionError:
        return "failed"
    return "passed"


def as_shown(project: Project, shown: Example) -> None:
    project.record(**shown.keys())


SETTINGS: dict[str, Setting] = {
    "TW201": symbol_missing,
    "TW202": never_called,
    "TW203": unresolved_receiver,
    "TW204": hardcoded_constant,
    "TW205": dropped_field,
    "TW206": key_never_written,
    "TW207": crossed_wires,
    "TW208": default_mismatch,
    "TW209": consumer_does_not_read,
    "TW210": swallowed_exception,
    "TW211": gated_off,
    "TW212": control_only,
    "TW213": type_mismatch,
    "TW300": threshold_unproved,
    "TW301": thresholds,
    "TW302": thresholds,
    "TW303": thresholds,
    "TW304": thresholds,
    "TW305": thresholds,
    "TW306": graded_in_the_banner,
    "TW307": thresholds_not_applied,
    "TW308": crossed_thresholds,
    "TW309": as_shown,
    "TW401": named_test_missing,
    "TW402": as_shown,
    "TW403": as_shown,
    "TW405": named_test_ended,
    "TW406": named_test_ended,
    "TW407": named_test_ended,
    "TW408": mutated,
    "TW409": probed,
    "TW410": as_shown,
}


def section_text(shown: Example) -> str:
    return " ".join(shown.blocks.values())


def replace_body(project: Project, path: str, head: str, body: str) -> None:
    """Replace what follows a function's head to the end of the file."""
    text = (project.root / path).read_text()
    assert text.count(head) == 1
    project.write(path, text[: text.index(head)] + head + body + rest_after(text, head))


def replace_function(project: Project, path: str, name: str, definition: str) -> None:
    text = (project.root / path).read_text()
    found = re.search(rf"^def {name}\(.*\n", text, re.MULTILINE)
    assert found
    rest = rest_after(text, found[0])
    project.write(path, text[: found.start()] + definition + rest)


def rest_after(text: str, head: str) -> str:
    """The text from the next top-level definition after a function's head."""
    following = text[text.index(head) + len(head) :]
    found = re.search(r"^(?=\S)", following, re.MULTILINE)
    return "\n\n" + following[found.start() :] if found else ""


# -- the tests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", RULES)
def test_the_bad_example_is_found_and_nothing_else(project: Project, code: str) -> None:
    SETTINGS[code](project, example(code, "Example"))
    assert set(project.rules()) == {code}


@pytest.mark.parametrize("code", RULES)
def test_the_good_example_is_clean(project: Project, code: str) -> None:
    SETTINGS[code](project, example(code, "Use instead"))
    assert project.rules() == []


def test_the_project_around_the_examples_is_clean(project: Project) -> None:
    project.record("TELE-300")
    verification = project.verify()
    assert (verification.findings, verification.is_clean) == ((), True)


def test_every_rule_has_a_case() -> None:
    assert set(SETTINGS) == set(RULES)


def test_names_are_unique() -> None:
    names = [rule.name for rule in RULES.values()]
    assert sorted(set(names)) == sorted(names)


def test_codes_are_in_the_table_under_themselves() -> None:
    assert {code: rule.code for code, rule in RULES.items()} == {code: code for code in RULES}


def test_codes_shared_with_the_registry_have_the_same_name() -> None:
    shared = set(RULES) & set(PROBLEM_KINDS)
    assert {code: RULES[code].name for code in shared} == {code: PROBLEM_KINDS[code].name for code in shared}


def test_every_cause_of_a_broken_edge_has_one_rule() -> None:
    causes = [rule.cause for rule in RULES.values() if isinstance(rule, EdgeRule)]
    assert sorted(set(causes)) == sorted(causes)


@pytest.mark.parametrize("code", RULES)
def test_documentation_has_its_sections(code: str) -> None:
    headings = re.findall(r"^## (.*)$", RULES[code].documentation, re.MULTILINE)
    wanted = ["Example", "Use instead"]
    if code not in PROBLEM_KINDS:  # there the reason is the first paragraph
        wanted = ["Why is this bad?", *wanted]
    assert headings == wanted
