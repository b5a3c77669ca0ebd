"""The records of `seeds/`, with their thresholds as they were first written: the proof finds their holes."""

from pathlib import Path

import pytest

from telewire.registry import Record, Registry, RegistryError
from telewire.registry.loading import load_files

SEEDS = Path(__file__).parent / "seeds"


def seed(record_id: str) -> Record:
    loaded, problems = load_files([SEEDS / f"{record_id}.yaml"])
    assert not problems
    return loaded[0].record


@pytest.mark.parametrize("record_id", ["TELE-300", "TELE-301", "TELE-311", "TELE-340"])
def test_every_fact_of_a_seed_has_a_key(record_id: str) -> None:
    assert seed(record_id).id == record_id


@pytest.mark.parametrize("record_id", ["TELE-300", "TELE-301"])
def test_the_levels_of_a_count_leave_no_hole_between_integers(record_id: str) -> None:
    assert seed(record_id).thresholds.prove() == ()


def test_the_gradient_norm_history_leaves_vanishing_norms_and_nan_in_no_level() -> None:
    problems = seed("TELE-311").thresholds.prove()
    assert [(problem.code, problem.message) for problem in problems] == [
        ("TW301", "`value = 0.05` is in no level (value == -inf or 0.0 <= value < 0.1)"),
        ("TW301", "NaN is in no level"),
    ]


def test_the_lstm_health_leaves_its_bounds_and_nan_in_no_level() -> None:
    problems = seed("TELE-340").thresholds.prove()
    gaps = [problem.message.partition(" (with")[0] for problem in problems if problem.code == "TW301"]
    assert gaps == [
        "`h_norm = 1e-06` is in no level",
        "`h_norm = 100.0` is in no level",
        "NaN in `h_norm` is in no level",
        "`c_norm = 1e-06` is in no level",
        "`c_norm = 100.0` is in no level",
        "NaN in `c_norm` is in no level",
    ]


def test_the_lstm_health_grades_a_broken_state_out_of_bounds_twice() -> None:
    problems = seed("TELE-340").thresholds.prove()
    assert [problem.levels for problem in problems if problem.code == "TW302"] == [("warning", "critical")]


def test_the_lstm_health_has_nothing_else_wrong() -> None:
    assert {problem.code for problem in seed("TELE-340").thresholds.prove()} == {"TW301", "TW302"}


def test_the_seeds_lack_the_record_that_one_of_them_depends_on() -> None:
    with pytest.raises(RegistryError) as caught:
        Registry.load([SEEDS])
    assert [(problem.name, problem.context["found"]) for problem in caught.value.problems] == [
        ("unknown-dependency", "TELE-310")
    ]


def test_a_known_break_of_a_wire_is_kept_with_its_source() -> None:
    issues = seed("TELE-301").wiring_issues
    assert [issue.function for issue in issues] == [
        "aggregate_layer_gradient_health()",
        "emit_ppo_update_event()",
    ]
    assert issues[1].current_code == "inf_grad_count=0,\n"


def test_a_consumer_outside_python_is_named_by_its_file() -> None:
    assert [consumer.label for consumer in seed("TELE-300").consumers] == [
        "StatusBanner",
        "AnomalyStrip",
        "PolicyDiagnostics (Overwatch)",
    ]
