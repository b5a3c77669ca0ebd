"""Fixtures of the records' tests: a small wired project to break, and a copy of the shipped telemetry."""

import dataclasses
import datetime
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from telewire.records import Page, pages_of, render
from telewire.records.cli import records
from telewire.registry.config import Configuration, load_configuration
from telewire.verify.analysis import Verification, verify

REPOSITORY = Path(__file__).parents[2]

SPEC = """\
id: TELE-301
name: Inf Gradient Count
category: gradient
priority: P0-critical
purpose: {question: "Is it stable?", audience: [operator], cadence: [real-time]}
type: int
units: count
range: "[0, inf)"
default: 0
meaning: Number of infinite elements.
thresholds:
  healthy: {when: "value == 0", means: fine}
  warning: {when: "0 < value <= 5", means: a few}
  critical: {when: "value > 5", means: many}
emitter: {at: "app.gradients:collect", carries: Stats.inf_count}
transport:
  - {stage: aggregation, at: "app.emitters:aggregate", carries: '["inf_grad_count"]'}
  - {stage: emission, at: "app.emitters:emit", carries: Payload.inf_grad_count}
  - {stage: delivery, at: "app.aggregator:Aggregator.handle", carries: State.inf_grad_count}
schema: {at: "app.schema:State", field: inf_grad_count, path: snapshot.state.inf_grad_count}
consumers:
  - {at: "app.widgets:Banner", kind: display, usage: shows it, applies_thresholds: true}
"""

SOURCES = {
    "app/__init__.py": "",
    "app/gradients.py": """
        import math
        from dataclasses import dataclass


        @dataclass
        class Stats:
            inf_count: int


        def collect(gradient: list[float]) -> Stats:
            return Stats(inf_count=sum(math.isinf(element) for element in gradient))
        """,
    "app/emitters.py": """
        from dataclasses import dataclass

        from .gradients import Stats


        @dataclass
        class Payload:
            inf_grad_count: int


        def aggregate(layers: list[Stats]) -> dict[str, int]:
            return {"inf_grad_count": sum(stats.inf_count for stats in layers)}


        def emit(metrics: dict[str, int]) -> Payload:
            return Payload(
                inf_grad_count=metrics["inf_grad_count"],
            )
        """,
    "app/schema.py": """
        from dataclasses import dataclass

        START = 0


        @dataclass
        class State:
            inf_grad_count: int = 0
        """,
    "app/aggregator.py": """
        from .emitters import Payload
        from .schema import State


        class Aggregator:
            def __init__(self) -> None:
                self.state = State()

            def handle(self, payload: Payload) -> None:
                self.state.inf_grad_count = payload.inf_grad_count
        """,
    "app/widgets.py": """
        from .levels import REGISTRY
        from .schema import State


        class Banner:
            def render(self, state: State) -> str:
                level = REGISTRY["TELE-301"].grade(state.inf_grad_count)
                return f"{level}: {state.inf_grad_count}"
        """,
    "app/levels.py": """
        class Levels:
            def grade(self, value: int) -> str:
                return "fine" if not value else "bad"


        REGISTRY = {"TELE-301": Levels()}
        """,
    "app/__main__.py": """
        from .aggregator import Aggregator
        from .emitters import aggregate, emit
        from .gradients import collect
        from .widgets import Banner

        aggregator = Aggregator()
        aggregator.handle(emit(aggregate([collect([1.0, 2.0])])))
        print(Banner().render(aggregator.state))
        """,
    "tests/test_app.py": """
        def test_it_works() -> None:
            assert True
        """,
    "telewire.toml": """
        sources = { app = "app" }
        registry = "specs"
        tests = ["tests"]
        records = "pages"
        """,
}


@dataclass(frozen=True)
class Project:
    """A project in a temporary folder: one record, and the few files that wire it."""

    root: Path

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Plant a fault: replace a text that stands in a file exactly once."""
        target = self.root / path
        text = target.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        target.write_text(text.replace(old, new), encoding="utf-8")

    def add_to_record(self, text: str) -> None:
        """Add keys to the record."""
        target = self.root / "specs/TELE-301.yaml"
        target.write_text(target.read_text(encoding="utf-8") + textwrap.dedent(text), encoding="utf-8")

    def page(self) -> Page:
        """Verify the project and return the record's page."""
        configuration = dataclasses.replace(load_configuration(self.root), evidence=None)
        verification = verify(configuration, today=datetime.date.min)
        (page,) = pages_of(verification)
        return page

    def markdown(self) -> str:
        """Verify the project and return the record's Markdown."""
        return render(self.page())

    def run(self, *arguments: str) -> Result:
        """Run `telewire records render` in the project."""
        return CliRunner().invoke(records, ["render", "--project", str(self.root), *arguments])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small project in which every edge is proved."""
    made = Project(tmp_path.resolve())
    for path, text in SOURCES.items():
        made.write(path, text)
    made.write("specs/TELE-301.yaml", SPEC)
    return made


def _verify_copy(root: Path, edits: dict[str, tuple[str, str]]) -> Verification:
    for folder in ("telemetry", "registry", "tests"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path, (old, new) in edits.items():
        text = (root / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        (root / path).write_text(text.replace(old, new), encoding="utf-8")
    configuration = Configuration(
        root=root,
        origin="a copy",
        sources={"telewire": root},
        registry=(root / "registry/specs",),
        tests=(root / "tests",),
        exclude=("tests/**",),
    )
    return verify(configuration, today=datetime.date.min)


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """The pages of the shipped records, from a copy of the shipped telemetry."""
    verification = _verify_copy(tmp_path_factory.mktemp("shipped").resolve(), {})
    return {page.record.id: page for page in pages_of(verification)}


@pytest.fixture
def broken_copy(tmp_path: Path) -> Callable[[dict[str, tuple[str, str]]], dict[str, Page]]:
    """Plants faults in a copy of the shipped telemetry: path to (text, its replacement)."""

    def plant(edits: dict[str, tuple[str, str]]) -> dict[str, Page]:
        return {page.record.id: page for page in pages_of(_verify_copy(tmp_path.resolve(), edits))}

    return plant


@pytest.fixture
def section() -> Callable[[str, str], str]:
    """Cuts the section under a heading out of a page, down to the next heading of its level or above."""

    def cut(markdown: str, heading: str) -> str:
        lines = markdown.splitlines()
        start = lines.index(heading)
        level = len(heading) - len(heading.lstrip("#"))
        for end in range(start + 1, len(lines)):
            hashes = len(lines[end]) - len(lines[end].lstrip("#"))
            if 0 < hashes <= level and lines[end].startswith("#" * hashes + " "):
                return "\n".join(lines[start + 1 : end])
        return "\n".join(lines[start + 1 :])

    return cut
