"""The benchmark of planted faults on a few places: it plants what it says, and counts what is found."""

from __future__ import annotations

import ast

import pytest

from telewire.benchmarks.faults.edits import Edit, SourceText, apply
from telewire.benchmarks.faults.plant import OFFERED
from telewire.benchmarks.faults.planters import PLANTERS
from telewire.benchmarks.faults.run import choose, run
from telewire.benchmarks.faults.table import markdown, missed, rows, undecidable
from telewire.benchmarks.faults.targets import shipped
from telewire.benchmarks.faults.trial import Bench, Outcome, parses


@pytest.fixture(scope="module")
def bench() -> Bench:
    return shipped()


def test_dropping_a_keyword_keeps_the_call_and_the_lines() -> None:
    text = SourceText("a.py", b"f(\n    a=1,\n    b=2,\n)\nf(a=1, b=2)\n")
    first, second = (node for node in ast.walk(ast.parse(text.content)) if isinstance(node, ast.Call))

    edits = [text.drop_keyword(first.keywords[1]), text.drop_keyword(second.keywords[1])]

    assert apply(text.content, edits) == b"f(\n    a=1,\n    \n)\nf(a=1)\n"


def test_edits_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply(b"abcdef", [Edit(0, 3, "x"), Edit(2, 4, "y")])


def test_a_summary_of_an_unchanged_file_is_used_again(bench: Bench) -> None:
    path = "telemetry/emitters.py"

    reading = bench.tree.reader({path: bench.tree.texts[path].content + b"\nADDED = 1\n"})(bench.tree.files)

    changed = [one for one in reading.summaries if one is not bench.tree.summaries[one.path]]
    assert [one.path for one in changed] == [path]


def test_planting_leaves_the_next_verification_as_it_was(bench: Bench) -> None:
    chosen = choose(bench, {"store dropped": PLANTERS["store dropped"]}, 1)

    first = run(bench, chosen, jobs=1, done=lambda: None)

    assert run(bench, chosen, jobs=1, done=lambda: None) == first


@pytest.mark.parametrize("fault", list(PLANTERS))
def test_every_edit_of_a_class_parses_and_changes_something(fault: str, bench: Bench) -> None:
    plants = list(PLANTERS[fault].plants(bench.tree))

    assert all(parses(bench.tree, plant) for plant in plants[:3])


@pytest.mark.parametrize("fault", ["literal instead of the value", "store dropped", "consumer stops reading"])
def test_a_planted_fault_of_the_shipped_telemetry_is_found_under_its_code(fault: str, bench: Bench) -> None:
    planters = {fault: PLANTERS[fault]}

    outcomes = run(bench, choose(bench, planters, 1), jobs=1, done=lambda: None)

    (row,) = rows(outcomes, planters, {fault: 1})
    assert (row.planted, row.found, row.right, row.elsewhere) == (1, 1, 1, 0)
    assert list(missed(outcomes, planters)) == []
    assert any(fault in line for line in markdown([row], planters))


def test_the_same_places_are_chosen_again(bench: Bench) -> None:
    assert choose(bench, PLANTERS, 2) == choose(bench, PLANTERS, 2)


def test_what_the_source_alone_cannot_show_is_counted_by_itself() -> None:
    planters = {"field never read": PLANTERS["field never read"]}

    def outcome(*, found: bool, why: str) -> Outcome:
        codes = ("TW503",) if found else ()
        return Outcome("p", "field never read", "a.py", 1, "C.x", found, found, codes, (), why)

    outcomes = [outcome(found=True, why=""), outcome(found=False, why=OFFERED)]

    (row,) = rows(outcomes, planters, {"field never read": 1})
    assert (row.planted, row.found) == (1, 1)
    assert list(undecidable(outcomes))[2:] == [f"| field never read | {OFFERED} | 1 | 0 |"]
    assert list(missed(outcomes, planters)) == []
