"""The planted faults with run time: tests run on what is there at that time, and it is counted who found what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from telewire.benchmarks.faults.plant import Plant
from telewire.benchmarks.faults.planted_runs import SERVER
from telewire.benchmarks.faults.progress import Watch
from telewire.benchmarks.faults.trial import Outcome
from telewire.benchmarks.faults.with_run_time import Judged, Kept, Noticed, judge, places, table, unnoticed

TEST = "import json\nfrom app import answer\n\n\ndef test_answer():\n    assert answer() == 42\n"


class Server:
    """A process that runs the tests of a project."""

    def __init__(self, root: Path) -> None:
        left_out = ("PYTEST_", "TELEWIRE_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        environment |= {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(SERVER)],
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == "ready"

    def ask(self, *arguments: str, limit: float = 60.0) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"arguments": ["-q", *arguments], "limit": limit}) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = self.answer()
        return found

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "test_app.py").write_text(TEST)
    (tmp_path / "app.py").write_text("def answer():\n    return 42\n")
    return tmp_path


@pytest.fixture
def server(root: Path) -> Iterator[Server]:
    made = Server(root)
    yield made
    made.process.communicate()


forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@forking
def test_each_run_imports_the_program_as_it_is_at_that_time(root: Path, server: Server) -> None:
    assert server.ask("test_app.py")["status"] == 0
    (root / "app.py").write_text("def answer():\n    return 43\n")
    found = server.ask("test_app.py::test_answer")
    assert (found["status"], found["failed"], found["ran"]) == (1, "test_app.py::test_answer", 1)
    assert found["reason"].startswith("assert 43 == 42")
    (root / "app.py").write_text("def answer():\n    return 42\n")
    assert server.ask("test_app.py")["failed"] is None


@forking
def test_what_cannot_be_imported_and_what_takes_too_long_is_said(root: Path, server: Server) -> None:
    (root / "app.py").write_text("answer = 1 +\n")
    found = server.ask("test_app.py")
    assert (found["status"], found["failed"]) == (2, "test_app.py")
    (root / "app.py").write_text("def answer():\n    while True: ...\n")
    found = server.ask("test_app.py", limit=1.0)
    assert (found["status"], found["late"]) == (None, True)


def judged(fault: str, *, static: bool, how: str) -> Judged:
    plant = Plant({}, "a.py", 7, frozenset(), "x not stored")
    outcome = Outcome("t", fault, "a.py", 7, "x", static, static, (), ())
    by = "TELE-301::probe[7]" if how == "probe" else "test_a.py::test_b"
    return Judged(plant, outcome, Noticed(3, by if how else None, how, "all pass", 1, 0.5))


FOUND = [
    judged("gone", static=True, how="probe"),
    judged("gone", static=True, how=""),
    judged("gone", static=False, how="test"),
    judged("wrong", static=False, how=""),
]


def test_it_is_counted_who_found_it() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table(FOUND)]
    assert rows[2] == ["gone", "3", "2", "2", "1", "1", "1", "0 (100.0% found)"]
    assert rows[-1] == ["**all**", "4", "2", "2", "1", "1", "1", "1 (75.0% found)"]


def test_what_only_one_of_both_found_and_what_is_missed_is_listed() -> None:
    assert list(places(FOUND)) == [
        "- gone: a.py:7 x not stored: found by test test_a.py::test_b: all pass",
        "- wrong: a.py:7 x not stored: MISSED: all pass",
    ]
    assert list(unnoticed(FOUND)) == ["- gone: a.py:7 x not stored: all pass"]


def test_what_was_noticed_is_kept_for_the_same_state_of_the_code(tmp_path: Path) -> None:
    noticed = FOUND[0].noticed
    Kept(tmp_path / "kept", "abc (1)").add("k", noticed)
    assert Kept(tmp_path / "kept", "abc (1)").get("k") == noticed
    assert Kept(tmp_path / "kept", "def (2)").get("k") is None


def test_tests_can_be_left_out_where_the_source_alone_tells(tmp_path: Path) -> None:
    class Program:
        bench = SimpleNamespace(tree=SimpleNamespace(name="t"))

        def __init__(self) -> None:
            self.asked: list[str] = []

        def run(self, plant: Plant, *, is_known: bool) -> Noticed:
            self.asked.append(plant.what)
            return FOUND[0].noticed

    plants = [Plant({}, "a.py", 7, frozenset(), what) for what in ("told", "not told")]
    chosen = [SimpleNamespace(planter=SimpleNamespace(fault="gone"), plants=plants)]
    outcomes = [
        Outcome("t", "gone", "a.py", 7, plant.what, told, told, (), ())
        for plant, told in zip(plants, (True, False), strict=True)
    ]
    program, kept = Program(), Kept(tmp_path / "kept", "now")
    found = judge(program, chosen, outcomes, 1, kept, Watch("t", 2), only_missed=True)  # type: ignore[arg-type]
    assert program.asked == ["not told"]
    assert [one.noticed.how for one in found] == ["", "probe"]
    assert list(unnoticed(found)) == []
    assert len((tmp_path / "kept").read_text().splitlines()) == 1
