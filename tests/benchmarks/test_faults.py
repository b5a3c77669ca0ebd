"""The benchmark of planted faults on a few places: it plants what it says, and counts what is found."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from telewire.benchmarks.faults.batches import batches
from telewire.benchmarks.faults.edits import Edit, SourceText, apply
from telewire.benchmarks.faults.plant import OFFERED, Plant
from telewire.benchmarks.faults.planters import PLANTERS
from telewire.benchmarks.faults.progress import Watch
from telewire.benchmarks.faults.results import Results, key
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

    def made_anew(changed: dict[str, bytes]) -> set[str]:
        reading = bench.tree.reader(changed)(bench.tree.files)
        return {one.path for one in reading.summaries if one is not bench.tree.summaries[one.path]}

    # Linking looks at some files once more, whatever has changed.
    content = bench.tree.texts[path].content + b"\nADDED = 1\n"
    assert made_anew({path: content}) - made_anew({}) == {path}


def test_planting_leaves_the_next_verification_as_it_was(bench: Bench) -> None:
    chosen = choose(bench, {"store dropped": PLANTERS["store dropped"]}, 1)

    first = run(bench, chosen, jobs=1, done=lambda _: None)

    assert run(bench, chosen, jobs=1, done=lambda _: None) == first


@pytest.mark.parametrize("fault", list(PLANTERS))
def test_every_edit_of_a_class_parses_and_changes_something(fault: str, bench: Bench) -> None:
    plants = list(PLANTERS[fault].plants(bench.tree))

    assert all(parses(bench.tree, plant) for plant in plants[:3])


@pytest.mark.parametrize("fault", ["literal instead of the value", "store dropped", "consumer stops reading"])
def test_a_planted_fault_of_the_shipped_telemetry_is_found_under_its_code(fault: str, bench: Bench) -> None:
    planters = {fault: PLANTERS[fault]}

    outcomes = run(bench, choose(bench, planters, 1), jobs=1, done=lambda _: None)

    (row,) = rows(outcomes, planters, {fault: 1})
    assert (row.planted, row.found, row.right, row.elsewhere) == (1, 1, 1, 0)
    assert list(missed(outcomes, planters)) == []
    assert any(fault in line for line in markdown([row], planters))


def _plant(path: str, *names: str, undecidable: str = "") -> Plant:
    return Plant({path: (Edit(0, 1, "x"),)}, path, 1, frozenset(names), "what", undecidable=undecidable)


def test_plants_that_share_a_file_or_a_name_are_never_made_together() -> None:
    plants = [_plant("a.py", "x"), _plant("a.py", "y"), _plant("b.py", "x"), _plant("c.py", "z")]

    made = [one.plants for one in batches(PLANTERS["field never read"], plants, 3)]

    assert made == [[plants[0], plants[3]], [plants[1], plants[2]]]


def test_no_more_plants_are_made_together_than_wanted_and_undecidable_ones_apart() -> None:
    plants = [_plant(f"{n}.py", f"x{n}", undecidable=OFFERED if n == 1 else "") for n in range(4)]

    made = [one.plants for one in batches(PLANTERS["field never read"], plants, 2)]

    assert made == [[plants[0], plants[2]], [plants[3]], [plants[1]]]


def test_plants_that_are_made_together_come_out_as_alone(bench: Bench) -> None:
    planters = {"keywords crossed": PLANTERS["keywords crossed"]}
    chosen = choose(bench, planters, 4)

    alone = run(bench, chosen, jobs=1, done=lambda _: None)
    together = run(bench, chosen, jobs=1, done=lambda _: None, together=4)

    assert [(one.what, one.right, one.elsewhere) for one in together] == [
        (one.what, one.right, one.elsewhere) for one in alone
    ]


def _outcome(*, right: bool) -> Outcome:
    return Outcome("t", "field never read", "a.py", 1, "x", right, right, ("TW503",), ())


def test_a_run_goes_on_from_the_outcomes_that_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    Results(path, now="abc (1)").add("k", _outcome(right=True))
    path.write_text(path.read_text(encoding="utf-8") + '{"key": "cut o', encoding="utf-8")

    assert Results(path, now="def (1)").get("k") == _outcome(right=True)


def test_an_outcome_of_other_code_counts_only_where_it_is_trusted_and_was_right(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    kept = Results(path, now="abc (1)")
    kept.add("found", _outcome(right=True))
    kept.add("missed", _outcome(right=False))

    strict, trusting = Results(path, now="def (2)"), Results(path, now="def (2)", trust_older=True)

    assert [strict.get("found"), trusting.get("missed")] == [None, None]
    assert trusting.get("found") == _outcome(right=True)
    assert trusting.states() == {"abc (1)": 1}
    assert len([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]) == 2


def test_two_edits_at_one_place_are_two_plants() -> None:
    one, other = _plant("a.py", "x"), _plant("a.py", "x")
    other = Plant({"a.py": (Edit(0, 1, "y"),)}, one.path, one.line, one.names, one.what)

    assert key("t", "f", one) != key("t", "f", other)


def test_the_estimate_leaves_out_what_an_earlier_run_did() -> None:
    watch = Watch("t", 30)
    watch.advance(10)
    watch.advance(10)

    assert watch.line(watch._started + 60) == "  t: 20 of 30, about 1 min left"


def test_a_changed_file_of_a_project_copy_is_put_back(bench: Bench) -> None:
    assert bench.copy is not None
    path = "telemetry/emitters.py"

    with bench.copy.changed({path: b"x = 1\n"}) as configuration:
        inside = (configuration.root / path).read_bytes()

    assert inside == b"x = 1\n"
    assert (configuration.root / path).read_bytes() == bench.tree.texts[path].content


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
