"""Threshold tests of a record: a series of values, each with the level that it is expected to be in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.registry import Kind, Record, Registry, Subject, Thresholds, shipped_registry
from telewire.registry.problems import Problem
from telewire.registry.threshold_tests import ThresholdTest, disagreements

MakeThresholds = Callable[..., Thresholds]
WriteRecord = Callable[..., Path]
LoadProblems = Callable[..., tuple[Problem, ...]]

LEVELS = {"healthy": "value == 0", "warning": "0 < value <= 5", "critical": "value > 5"}


@pytest.fixture
def counts(make_thresholds: MakeThresholds) -> Thresholds:
    return make_thresholds(Kind.INT, "[0, inf)", **LEVELS)


def messages(test: ThresholdTest, thresholds: Thresholds) -> list[str]:
    return [wrong.message for wrong in disagreements(test, thresholds)]


def test_values_in_their_levels_agree(counts: Thresholds) -> None:
    test = ThresholdTest(values=(0, 1, 5, 6), levels=("healthy", "warning", "warning", "critical"))
    assert messages(test, counts) == []


def test_every_value_in_another_level_is_told(counts: Thresholds) -> None:
    test = ThresholdTest(values=(0, 5, 6), levels=("warning", "warning", "warning"))
    assert messages(test, counts) == [
        "`value = 0` is healthy, the test expects warning",
        "`value = 6` is critical, the test expects warning",
    ]


def test_absence_and_no_level_at_all_can_be_expected(counts: Thresholds) -> None:
    test = ThresholdTest(values=(None, -1), levels=("not collected", "unclassified"))
    assert messages(test, counts) == []


def test_a_value_that_was_not_collected_is_not_healthy(counts: Thresholds) -> None:
    test = ThresholdTest(values=(None,), levels=("healthy",))
    assert messages(test, counts) == [
        "a value that was not collected is not collected, the test expects healthy"
    ]


def test_a_value_of_another_shape_cannot_be_graded(counts: Thresholds) -> None:
    [told] = messages(ThresholdTest(values=("many",), levels=("critical",)), counts)
    assert told.startswith("`value = 'many'` cannot be graded, the test expects critical: ")


@pytest.fixture
def means(make_thresholds: MakeThresholds) -> Thresholds:
    return make_thresholds(
        Subject.sequence(Kind.FLOAT), healthy="mean(values) <= 2", critical="mean(values) > 2"
    )


def test_the_elements_of_a_sequence_fill_its_window(means: Thresholds) -> None:
    test = ThresholdTest(values=(0.0, 3.0, 6.0), levels=("healthy", "healthy", "critical"))
    assert messages(test, means) == []


def test_a_window_keeps_its_newest_elements_alone(means: Thresholds) -> None:
    test = ThresholdTest(values=(0.0, 3.0), levels=("healthy", "critical"), window=1)
    assert messages(test, means) == []


def test_a_structured_value_needs_the_fields_that_are_read() -> None:
    record = shipped_registry()["TELE-340"]
    whole = {"h_norm": 128.0, "c_norm": 3.0, "h_saturation": 0.1, "has_nan": False, "has_inf": False}
    short = {"h_norm": 128.0}
    agree, told = (
        messages(ThresholdTest(values=(value,), levels=("warning",)), record.thresholds)
        for value in (whole, short)
    )
    assert agree == []
    assert "cannot be graded" in told[0]


def test_the_place_of_a_problem_is_the_expected_level(write_record: WriteRecord) -> None:
    file = write_record("threshold_tests:\n- values: [0, 6]\n  levels: [healthy, warning]\n")
    [problem] = Registry.load([file]).threshold_problems()
    line = file.read_text().splitlines()[problem.line - 1]
    assert (problem.code, line[problem.column - 1 :]) == ("TW309", "warning]")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{values: [0, 1], levels: [healthy]}", "2 values and 1 levels; expected one level for each value"),
        (
            "{values: [0], levels: [helthy]}",
            "'helthy' is no level of the record; expected one of critical, warning, healthy, not collected",
        ),
        ("{values: [0], levels: [healthy], window: 3}", "a value of type int has no window"),
        ("{values: [], levels: []}", "at least 1 item"),
    ],
)
def test_a_test_that_cannot_be_meant_is_refused(
    load_problems: LoadProblems, write_record: WriteRecord, written: str, message: str
) -> None:
    problems = load_problems(write_record(f"threshold_tests: [{written}]"))
    assert message in " ".join(problem.message + problem.help for problem in problems)


def test_every_level_of_the_shipped_records_is_expected_by_a_test() -> None:
    def untested(record: Record) -> set[str]:
        return {level.name for level in record.thresholds} - {
            level for test in record.threshold_tests for level in test.levels
        }

    missing = {record.id: untested(record) for record in shipped_registry() if untested(record)}
    assert missing == {}, "add them to the record's `threshold_tests`"
