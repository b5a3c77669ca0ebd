"""Who leads to a stage that begins a thread: the program if it hands the stage on, else the tests."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify
from telewire.verify.evidence.contents import Contents
from telewire.verify.evidence.handed import Handed

from .app_project import run_tests, write_project

IN_AN_EXECUTOR = """\
from concurrent.futures import ThreadPoolExecutor

from app.aggregator import handle
from app.emitters import aggregate, emit
from app.gradients import collect_gradients
from app.schema import State
from app.widgets import StatusBanner

INF = float("inf")


def by_hand(layers):
    with ThreadPoolExecutor(1) as pool:

        def call(function, *arguments):
            return pool.submit(function, *arguments).result()

        state = State()
        call(handle, state, call(emit, call(aggregate, call(collect_gradients, layers))))
        return call(StatusBanner().render, state)


def test_all_stages():
    assert [by_hand([[INF] * number]) for number in (0, 2, 5)] == ["Inf:0", "Inf:2", "Inf:5"]
"""

HANDING_ON = """\
from concurrent.futures import ThreadPoolExecutor

from .aggregator import handle
from .emitters import aggregate, emit
from .gradients import collect_gradients
from .schema import State
from .widgets import StatusBanner


def run(layers: list[list[float]]) -> str:
    state = State()
    payload = emit(aggregate(collect_gradients(layers)))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(handle, state, payload).result()
    return StatusBanner().render(state)
"""

THROUGH_THE_PROGRAM = """\
from app.main import run

INF = float("inf")


def test_all_stages():
    assert [run([[INF] * number]) for number in (0, 2, 5)] == ["Inf:0", "Inf:2", "Inf:5"]
"""

DOCTESTS = (
    """

def shown(number: int) -> str:
    return str(number)


__test__ = {
    "handle": """
    + '"""'
    + """
    >>> from app.emitters import Payload
    >>> from app.schema import State
    >>> state = State()
    >>> handle(state, Payload(3)); handle(state, Payload(4))
    """
    + '"""'
    + """
}
"""
)


def delivery(root: Path, *arguments: str) -> str:
    """What the tests of a project show of the edge into its schema."""
    run_tests(root, "--wiring", "-q", *arguments)
    found = verify(load_configuration(root))
    (wire,) = found.wiring.wires
    return next(one.observation.value for one in found.observed.of_wire(wire) if one.edge.name == "delivery")


def test_stages_that_tests_hand_to_an_executor_are_a_harness(tmp_path: Path) -> None:
    root = write_project(tmp_path / "executor")
    (root / "tests/test_app.py").write_text(IN_AN_EXECUTOR)
    assert delivery(root) == "harness"


def test_a_stage_that_the_program_hands_to_an_executor_is_its_own(tmp_path: Path) -> None:
    root = write_project(tmp_path / "handing")
    (root / "tests/test_app.py").write_text(THROUGH_THE_PROGRAM)
    (root / "app/main.py").write_text(HANDING_ON)
    assert delivery(root) == "tested"


def test_a_doctest_of_a_stage_is_a_test_that_calls_it(tmp_path: Path) -> None:
    root = write_project(tmp_path / "doctest")
    (root / "tests/test_app.py").unlink()
    aggregator = root / "app/aggregator.py"
    aggregator.write_text(aggregator.read_text() + DOCTESTS)
    assert delivery(root, "--doctest-modules", "app", "tests") == "harness"


@dataclass(frozen=True)
class Program:
    """Files that hold modules."""

    paths: Mapping[str, str]

    def contents(self, module: str) -> tuple[bytes, Contents] | None:
        source = Path(self.paths[module]).read_bytes()
        return source, Contents(ast.parse(source))


@pytest.mark.parametrize(
    ("text", "handed"),
    [
        ("def work(): ...\nwork()\n", False),
        ("def work(): ...\nprint(work())\n", False),
        ("def work(): ...\nThread(target=work)\n", True),
        ("class Hub:\n    def work(self): ...\n    def start(self): submit(self.work)\n", True),
        ("@app.get('/')\ndef work(): ...\n", True),
        ("@staticmethod\ndef work(): ...\n", False),
        ("async def work(): ...\nasync def main(): await work()\n", False),
        ("async def work(): ...\nasync def main(): create_task(work())\n", True),
    ],
)
def test_a_function_is_handed_on_where_it_is_named_and_not_called(
    text: str, handed: bool, tmp_path: Path
) -> None:
    file = tmp_path / "program.py"
    file.write_text(text)
    name = "Hub.work" if "class Hub" in text else "work"
    assert Handed(Program({"program": str(file)})).may_be("program", name) is handed
