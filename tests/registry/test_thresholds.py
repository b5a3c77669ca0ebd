"""Thresholds: the grade of a value, worst level first, and what is no grade at all."""

import copy
import math
import pickle
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from telewire.registry import (
    NOT_COLLECTED,
    UNCLASSIFIED,
    Condition,
    Domain,
    GradingError,
    Kind,
    Level,
    Record,
    Subject,
    Thresholds,
)

MakeThresholds = Callable[..., Thresholds]


@pytest.fixture
def counts(make_thresholds: MakeThresholds) -> Thresholds:
    return make_thresholds(
        Kind.INT, "[0, inf)", healthy="value == 0", warning="0 < value <= 5", critical="value > 5"
    )


@pytest.mark.parametrize(("value", "name"), [(0, "healthy"), (1, "warning"), (5, "warning"), (6, "critical")])
def test_a_value_is_graded_by_the_level_that_it_is_in(counts: Thresholds, value: int, name: str) -> None:
    assert counts.grade(value).name == name


def test_levels_are_ordered_worst_first(counts: Thresholds) -> None:
    assert [level.name for level in counts.levels] == ["critical", "warning", "healthy"]


def test_the_worst_level_that_holds_is_the_grade(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.INT, healthy="value >= 0", warning="value > 5", critical="value > 9")
    assert thresholds.grade(10).name == "critical"


def test_a_value_in_no_level_is_unclassified(counts: Thresholds) -> None:
    grade = counts.grade(-1)
    assert grade is UNCLASSIFIED
    assert not grade.is_graded
    assert not grade.is_healthy
    assert grade.severity is None


def test_none_is_not_collected(counts: Thresholds) -> None:
    assert counts.grade(None) is NOT_COLLECTED
    assert not NOT_COLLECTED.is_graded


def test_an_empty_window_is_not_collected(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Subject.sequence(Kind.FLOAT), healthy="value <= 1", critical="value > 1")
    assert thresholds.grade(deque(maxlen=10)) is NOT_COLLECTED


def test_a_window_whose_newest_element_is_missing_is_not_collected(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Subject.sequence(Kind.FLOAT), healthy="value <= 1", critical="value > 1")
    assert thresholds.grade([0.5, None]) is NOT_COLLECTED


@pytest.mark.parametrize("healthy", ["value <= 5", "not value > 5", "value != 3", "not isinf(value)"])
def test_nan_is_never_healthy(make_thresholds: MakeThresholds, healthy: str) -> None:
    assert make_thresholds(Kind.FLOAT, healthy=healthy).grade(math.nan) is UNCLASSIFIED


def test_nan_in_a_field_is_never_healthy(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"norm": Domain(Kind.FLOAT), "has_nan": Domain(Kind.BOOL)})
    thresholds = make_thresholds(subject, healthy="not has_nan", warning="norm > 5")
    assert thresholds.grade({"norm": math.nan, "has_nan": False}) is UNCLASSIFIED


def test_nan_is_what_a_worse_level_says(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.FLOAT, healthy="value <= 5", critical="value > 5 or isnan(value)")
    assert thresholds.grade(math.nan).name == "critical"


def test_a_field_that_is_missing_is_an_error(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"norm": Domain(Kind.FLOAT)})
    thresholds = make_thresholds(subject, healthy="norm <= 5")
    with pytest.raises(GradingError, match="it has no 'norm'"):
        thresholds.grade({})


def test_a_field_that_is_none_is_not_collected(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"norm": Domain(Kind.FLOAT)})
    assert make_thresholds(subject, healthy="norm <= 5").grade({"norm": None}) is NOT_COLLECTED


@pytest.mark.parametrize("value", ["False", math.nan, 2, [0]])
def test_what_is_no_flag_is_an_error(make_thresholds: MakeThresholds, value: object) -> None:
    with pytest.raises(GradingError, match="expected a bool"):
        make_thresholds(Kind.BOOL, healthy="value", critical="not value").grade(value)


@pytest.mark.parametrize("value", [True, 1, np.True_, np.array(True)])
def test_whatever_equals_true_is_a_flag(make_thresholds: MakeThresholds, value: object) -> None:
    assert make_thresholds(Kind.BOOL, healthy="value", critical="not value").grade(value).is_healthy


@pytest.mark.parametrize("value", [math.nan, 5, ["failed"]])
def test_what_is_no_text_is_an_error(make_thresholds: MakeThresholds, value: object) -> None:
    thresholds = make_thresholds(Kind.STR, healthy='value != "failed"', critical='value == "failed"')
    with pytest.raises(GradingError, match="expected a text"):
        thresholds.grade(value)


@pytest.mark.parametrize("window", [[0.1] * 3, [1e308] * 2, [-1e308] * 2])
def test_a_mean_is_never_outside_of_its_window(make_thresholds: MakeThresholds, window: list[float]) -> None:
    bound = repr(window[0])
    thresholds = make_thresholds(
        Subject.sequence(Kind.FLOAT),
        healthy=f"mean(values) == {bound} and max(values) <= {bound}",
        critical=f"max(values) > {bound} or min(values) < {bound} or isnan(mean(values))",
    )
    assert thresholds.grade(window).name == "healthy"


def test_a_window_of_integers_beyond_every_float_is_an_error(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Subject.sequence(Kind.INT), healthy="mean(values) <= 5")
    with pytest.raises(GradingError, match="too large"):
        thresholds.grade([2**1030] * 2)


def test_nan_in_a_column_is_never_healthy(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"count": Domain(Kind.INT), "bad": Domain(Kind.BOOL)})
    thresholds = make_thresholds(subject, healthy="not count > 5 and not bad", critical="count > 5 or bad")
    columns = {"count": np.array([math.nan, 1, 1]), "bad": np.array([0.0, math.nan, 0.0])}
    codes = thresholds.grade_many(columns)
    assert codes.tolist() == [-1, -1, 0]  # type: ignore[attr-defined]


@pytest.fixture
def norm_or_flag(make_thresholds: MakeThresholds) -> Thresholds:
    return make_thresholds(
        Subject.structured({"norm": Domain(Kind.FLOAT), "bad": Domain(Kind.BOOL)}),
        healthy="not bad and norm <= 5",
        warning="not bad and 5 < norm <= 9",
        critical="bad or norm > 9 or isnan(norm)",
    )


@pytest.mark.parametrize(
    "known", [{"norm": None, "bad": True}, {"norm": 10.0, "bad": None}, {"norm": math.nan, "bad": None}]
)
def test_a_field_that_is_none_hides_no_level_that_the_others_decide(
    norm_or_flag: Thresholds, known: dict[str, object]
) -> None:
    assert norm_or_flag.grade(known).name == "critical"


@pytest.mark.parametrize(
    "known",
    [
        {"norm": None, "bad": False},
        {"norm": 1.0, "bad": None},
        {"norm": 7.0, "bad": None},
        {"norm": None, "bad": None},
    ],
)
def test_what_a_field_that_is_none_would_decide_is_not_collected(
    norm_or_flag: Thresholds, known: dict[str, object]
) -> None:
    assert norm_or_flag.grade(known) is NOT_COLLECTED


def test_a_text_beside_a_field_that_is_none_is_no_number(norm_or_flag: Thresholds) -> None:
    with pytest.raises(GradingError, match="expected a number"):
        norm_or_flag.grade({"norm": "10.0", "bad": None})


def test_objects_with_slots_are_graded(make_thresholds: MakeThresholds) -> None:
    @dataclass(frozen=True, slots=True)
    class State:
        norm: float

    subject = Subject.structured({"norm": Domain(Kind.FLOAT)})
    assert make_thresholds(subject, healthy="norm <= 5").grade(State(1.0)).is_healthy


def test_a_whole_array_is_an_error_of_grade(counts: Thresholds) -> None:
    with pytest.raises(GradingError, match="grade_many"):
        counts.grade(np.array([1, 2]))


def test_a_numpy_scalar_is_graded(counts: Thresholds) -> None:
    assert counts.grade(np.int64(7)).name == "critical"


def test_an_array_is_graded_to_severities(counts: Thresholds) -> None:
    codes = counts.grade_many(np.array([[0, 3], [6, -1]]))
    assert isinstance(codes, np.ndarray)
    assert codes.tolist() == [[0, 10], [20, -1]]


def test_a_tensor_is_graded_to_severities(counts: Thresholds) -> None:
    torch = pytest.importorskip("torch")
    codes = counts.grade_many(torch.tensor([0.0, 3.0, 6.0, float("nan")]))
    assert codes.tolist() == [0, 10, 20, -1]  # type: ignore[attr-defined]


def test_severities_beyond_a_byte_are_graded_in_arrays_too() -> None:
    subject = Subject.scalar(Kind.INT)
    severities = {"healthy": 0, "grave": 400, "lost": 1000}
    conditions = {"healthy": "value <= 0", "grave": "0 < value <= 5", "lost": "value > 5"}
    levels = tuple(
        Level(name, severities[name], "", Condition(text, subject)) for name, text in conditions.items()
    )
    thresholds, values = Thresholds(levels, subject), [-1, 0, 3, 9]
    codes = thresholds.grade_many(np.array(values))
    assert isinstance(codes, np.ndarray)
    assert codes.tolist() == [0, 0, 400, 1000]
    torch = pytest.importorskip("torch")
    assert thresholds.grade_many(torch.tensor(values)).tolist() == [0, 0, 400, 1000]  # type: ignore[attr-defined]


def test_an_array_without_dimensions_is_graded(counts: Thresholds) -> None:
    codes = counts.grade_many(np.array(6))
    assert isinstance(codes, np.ndarray)
    assert (codes.shape, codes.item()) == ((), 20)


def test_an_array_is_left_as_it_was(counts: Thresholds) -> None:
    values = np.array([True, False])
    counts.grade_many(values)
    assert values.tolist() == [True, False]


def test_an_object_of_arrays_is_graded(make_thresholds: MakeThresholds) -> None:
    @dataclass
    class Columns:
        norm: np.ndarray
        has_nan: np.ndarray

    subject = Subject.structured({"norm": Domain(Kind.FLOAT), "has_nan": Domain(Kind.BOOL)})
    thresholds = make_thresholds(subject, healthy="norm <= 5 and not has_nan", critical="norm > 5 or has_nan")
    codes = thresholds.grade_many(Columns(np.array([1.0, 9.0, 1.0]), np.array([False, False, True])))
    assert isinstance(codes, np.ndarray)
    assert codes.tolist() == [0, 20, 20]


def test_texts_are_graded_in_arrays_too(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.STR, healthy='value in ("ok", "fine")', warning='value not in ("ok", "fine", "bad")'
    )
    codes = thresholds.grade_many(np.array(["ok", "odd", "bad"]))
    assert isinstance(codes, np.ndarray)
    assert codes.tolist() == [0, 10, -1]


def test_the_cuts_of_all_levels_are_gathered(counts: Thresholds) -> None:
    assert counts.cuts == {"value": (0, 5)}


def test_a_level_is_found_by_name(counts: Thresholds) -> None:
    assert counts["warning"].when.text == "0 < value <= 5"
    with pytest.raises(KeyError):
        counts["fatal"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_thresholds_survive_copying(
    counts: Thresholds, duplicate: Callable[[Thresholds], Thresholds]
) -> None:
    again = duplicate(counts)
    assert again == counts
    assert again.grade(7).name == "critical"


def test_a_record_without_thresholds_grades_nothing(sound_data: dict[str, object]) -> None:
    del sound_data["thresholds"]
    record = Record.model_validate(sound_data)
    assert record.grade(3) is UNCLASSIFIED
    assert record.grade(None) is NOT_COLLECTED


def test_a_record_grades_by_its_own_name_for_the_value(sound_data: dict[str, object]) -> None:
    sound_data["thresholds"] = {"healthy": {"when": "inf_grad_count == 0", "means": "fine"}}
    assert Record.model_validate(sound_data).grade(0).is_healthy


def test_a_record_survives_copying(sound_record: Record) -> None:
    assert copy.deepcopy(sound_record) == sound_record


def test_a_record_is_what_it_was_after_dumping(sound_record: Record) -> None:
    dumped = sound_record.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert Record.model_validate(dumped) == sound_record


def test_a_record_made_in_python_may_use_its_attributes_names(
    sound_data: dict[str, object], sound_record: Record
) -> None:
    sound_data["schema_"] = sound_data.pop("schema")
    assert Record.model_validate(sound_data) == sound_record
