"""`telewire trace`: any folder, every format, exit statuses, and lines that fit a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from telewire.verify.flow import Flow
from telewire.verify.trace import Trace
from telewire.verify.trace.cli import trace
from telewire.verify.trace.text import TraceReport

Traced = Callable[..., Trace]

EXPECTED = """\
State.bad                                                              app.py:16
on the same wire: ["bad"], Payload.bad

upstream: where its values begin
├─ Payload.bad                                                         app.py:36
│  ├─ ["bad"]                                                          app.py:32
│  │  └─ Stats.bad_count (computed)                                    app.py:28
│  │     ├─ count_bad()                                                app.py:20
│  │     └─ collect(values) (computed, nobody passes it)               app.py:20
│  └─ default 0                                                        app.py:11
└─ default 0                                                           app.py:16

downstream: who reads it
├─ show uses it                                                        app.py:40
└─ guard branches on it                                                app.py:44
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one module and no configuration at all."""
    (tmp_path / "app.py").write_text(
        "class State:\n    bad: int = 0\n\n\ndef count(state: State, n: int) -> None:\n    state.bad = n + 1\n\n\n"
        "def show(state: State) -> None:\n    print(state.bad)\n"
    )
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(trace, [*arguments, "--path", str(folder)])


def printed(wire: Trace, *, width: int = 80, encoding: str = "utf-8") -> str:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding)
    TraceReport(Console(file=stream, width=width, no_color=True)).print(wire)
    stream.flush()
    return buffer.getvalue().decode(encoding)


def test_a_reader_of_an_object_that_was_just_made_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from dataclasses import dataclass\n\n\n@dataclass\nclass State:\n    bad: int = 0\n\n\n"
        "def count(state: State, n: int) -> None:\n    state.bad = n + 1\n\n\n"
        "def show(state: State) -> None:\n    print(state.bad)\n\n\n"
        "filled = State()\ncount(filled, 1)\nshow(State())\n"
    )
    assert "show reads it of a fresh object" in run(tmp_path, "State.bad").stdout


def test_a_wire_reads_well_in_eighty_columns_without_colour(metric: Flow, traced: Traced) -> None:
    assert printed(traced(metric, "bad")) == EXPECTED


def test_an_encoding_without_lines_gets_plain_ones(metric: Flow, traced: Traced) -> None:
    text = printed(traced(metric, "bad", depth=1), encoding="ascii")
    assert "|- Payload.bad (... 2 more)" in text


def test_no_line_runs_over_the_margin(metric: Flow, traced: Traced) -> None:
    lines = printed(traced(metric, "bad"), width=44).splitlines()
    assert max(map(len, lines)) <= 44


def test_no_configuration_and_no_record_is_needed(folder: Path) -> None:
    result = run(folder, "State.bad")
    assert (result.exit_code, "count(n) (computed" in result.output) == (0, True)


def test_one_side_alone_can_be_asked_for(folder: Path) -> None:
    result = run(folder, "State.bad", "--downstream")
    assert "upstream" not in result.output


def test_json_holds_the_tree_with_every_hop(folder: Path) -> None:
    data = json.loads(run(folder, "State.bad", "--format", "json").output)
    [reader] = data["downstream"]["branches"]
    assert (reader["name"], reader["kind"], reader["hops"][0]["line"]) == ("show", "reader", 10)


def test_json_places_are_relative_to_the_root_that_it_names(folder: Path) -> None:
    data = json.loads(run(folder, "State.bad", "--format", "json").output)
    assert (Path(data["root"]), data["subject"]["place"]["path"]) == (folder.resolve(), "app.py")


@pytest.mark.parametrize(("form", "start"), [("mermaid", "flowchart LR\n"), ("dot", "digraph wire {\n")])
def test_diagrams_are_written(folder: Path, form: str, start: str) -> None:
    assert run(folder, "State.bad", "--format", form).output.startswith(start)


def test_a_trace_is_written_to_a_file(folder: Path) -> None:
    run(folder, "State.bad", "-o", str(folder / "wire.txt"))
    assert "show uses it" in (folder / "wire.txt").read_text()


def test_an_unknown_name_is_a_usage_error_with_the_closest(folder: Path) -> None:
    result = run(folder, "State.bda")
    assert (result.exit_code, "closest: State.bad" in result.output) == (2, True)


def test_an_ambiguous_name_is_a_usage_error_with_the_candidates_and_their_places(folder: Path) -> None:
    (folder / "more.py").write_text("class Other:\n    bad: int = 0\n")
    result = run(folder, "bad")
    assert result.exit_code == 2
    assert [line.split() for line in result.output.splitlines()[1:]] == [
        ["State.bad", "app.py:2"],
        ["Other.bad", "more.py:2"],
    ]


def test_classes_of_one_name_are_told_apart_by_their_modules(folder: Path) -> None:
    (folder / "more.py").write_text("class State:\n    bad: int = 0\n")
    result = run(folder, "State.bad")
    assert "app:State.bad" in result.output
    assert "more:State.bad" in result.output


def test_a_folder_without_sources_is_a_usage_error(tmp_path: Path) -> None:
    assert run(tmp_path, "x").exit_code == 2


def test_a_file_that_cannot_be_parsed_is_named_and_the_rest_is_traced(folder: Path) -> None:
    (folder / "bad.py").write_text("def (:\n")
    result = run(folder, "State.bad")
    assert (result.exit_code, "bad.py:1:" in result.stderr) == (0, True)


def test_a_path_to_nowhere_is_a_usage_error(tmp_path: Path) -> None:
    assert run(tmp_path / "missing", "x").exit_code == 2
