"""The partition proof: gaps, overlaps, unreachable levels, NaN and constants out of range, by kind of value."""

import math
from collections.abc import Callable

from telewire.registry import UNCLASSIFIED, Condition, Domain, Kind, Level, Subject, Thresholds, ValueRange

MakeThresholds = Callable[..., Thresholds]

NON_NEGATIVE = Domain(Kind.FLOAT, ValueRange.parse("[0, inf)"))
FLAG = Domain(Kind.BOOL)


def found(thresholds: Thresholds) -> list[tuple[str, str]]:
    return [(problem.code, problem.message) for problem in thresholds.prove()]


def codes(thresholds: Thresholds) -> list[str]:
    return [problem.code for problem in thresholds.prove()]


def test_between_two_integers_there_is_nothing(make_thresholds: MakeThresholds) -> None:
    assert not found(make_thresholds(Kind.INT, "[0, inf)", healthy="value == 0", critical="value >= 1"))


def test_between_two_floats_there_is_a_gap(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.FLOAT, "[0, 1]", healthy="value == 0", critical="value == 1 or not isfinite(value)"
    )
    assert found(thresholds) == [("TW301", "`value = 0.5` is in no level (0.0 < value < 1.0)")]


def test_between_two_neighbouring_floats_there_is_nothing(make_thresholds: MakeThresholds) -> None:
    above = math.nextafter(1.0, 2.0)
    thresholds = make_thresholds(
        Kind.FLOAT, None, healthy="value <= 1.0", critical=f"value >= {above!r} or isnan(value)"
    )
    assert not found(thresholds)


def test_a_gap_of_integers_is_told_in_integers(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.INT, "[0, inf)", healthy="value <= 2", critical="value > 5")
    assert found(thresholds) == [("TW301", "`value = 3` is in no level (3 <= value <= 5)")]


def test_a_gap_of_one_integer_is_that_integer(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.INT, "[0, inf)", healthy="value < 5", critical="value > 5")
    assert found(thresholds) == [("TW301", "`value = 5` is in no level")]


def test_nan_and_the_infinities_are_values_of_a_float(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.FLOAT, "[0, 10]", healthy="0 <= value <= 10")
    assert found(thresholds) == [
        ("TW301", "`value = -inf` is in no level"),
        ("TW301", "`value = inf` is in no level"),
        ("TW301", "NaN is in no level"),
    ]


def test_infinity_is_no_value_of_an_integer(make_thresholds: MakeThresholds) -> None:
    assert not found(make_thresholds(Kind.INT, "[0, 10]", healthy="0 <= value <= 10"))


def test_adjacent_cells_of_a_gap_are_told_as_one(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.FLOAT, "[0, inf)", healthy="3 < value < 4 or 5 < value < 6", critical="not isfinite(value)"
    )
    regions = [problem.region for problem in thresholds.prove()]
    assert regions == ["0.0 <= value <= 3.0", "4.0 <= value <= 5.0", "value >= 6.0"]


def test_an_open_bound_of_the_range_is_no_gap(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.FLOAT, "(0, 1)", healthy="0 < value < 1", critical="not isfinite(value)"
    )
    assert not found(thresholds)


def test_a_symbolic_bound_counts_as_unbounded(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.INT, "[0, total_params]", healthy="value == 0", critical="0 < value < 9"
    )
    assert found(thresholds) == [("TW301", "`value = 10` is in no level (value >= 9)")]


def test_without_a_range_every_number_counts(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.INT, None, healthy="value >= 0")
    assert found(thresholds) == [("TW301", "`value = -1` is in no level (value <= -1)")]


def test_the_counter_example_of_a_gap_is_really_unclassified(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.FLOAT, "[0, inf)", healthy="0.1 <= value <= 5", critical="value > 10")
    for problem in thresholds.prove():
        assert thresholds.grade(problem.example["value"]) is UNCLASSIFIED


def test_a_plain_cascade_is_no_overlap(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.INT, "[0, inf)", healthy="value <= 5", warning="value > 5", critical="value >= 10"
    )
    assert not found(thresholds)


def test_a_cascade_downwards_is_no_overlap(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.INT, "[0, 100]", healthy="value >= 50", warning="value < 50", critical="value < 10"
    )
    assert not found(thresholds)


def test_a_cascade_with_the_milder_level_inside_hides_it(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.INT, "[0, inf)", healthy="value <= 5", warning="value > 10", critical="value > 5"
    )
    assert codes(thresholds) == ["TW302", "TW303"]


def test_a_healthy_level_in_a_cascade_is_an_overlap(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.INT, "[0, inf)", healthy="value >= 0", warning="value > 5")
    assert found(thresholds) == [("TW302", "`value = 6` is in both warning and healthy (value >= 6)")]


def test_an_overlap_in_one_point_is_found(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.FLOAT, "[0, inf)", healthy="value <= 5", critical="value >= 5 or not isfinite(value)"
    )
    assert ("TW302", "`value = 5.0` is in both critical and healthy, and 1 more") in found(thresholds)


def test_an_overlap_of_bands_is_found(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.INT, "[0, 100]", healthy="value < 10", warning="10 <= value <= 60", critical="value >= 50"
    )
    assert found(thresholds) == [
        ("TW302", "`value = 51` is in both critical and warning (50 <= value <= 60)")
    ]


def test_a_level_outside_the_range_is_unreachable(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.FLOAT, "[0, 1]", healthy="value >= 0", warning="value < 0", critical="isnan(value)"
    )
    assert (
        "TW303",
        "warning can never be the result of grading: no value of the declared range meets it",
    ) in found(thresholds)


def test_a_level_for_infinities_alone_is_reachable(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(
        Kind.FLOAT, "[0, 1]", healthy="isfinite(value)", warning="isnan(value)", critical="isinf(value)"
    )
    assert not found(thresholds)


def test_a_healthy_level_that_nan_meets_is_found(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.FLOAT, "[0, inf)", healthy="not value > 5", critical="value > 5")
    assert found(thresholds) == [("TW304", "NaN meets healthy, which NaN never is")]


def test_nan_that_a_worse_level_takes_is_no_fault(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.FLOAT, None, healthy="value <= 5", critical="not value <= 5")
    assert not found(thresholds)


def test_a_constant_outside_the_range_is_found_at_its_place(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.INT, "[0, 10]", healthy="value <= 50")
    (problem,) = thresholds.prove()
    assert (problem.code, problem.levels, problem.offset) == ("TW305", ("healthy",), 9)
    assert problem.message == "healthy compares `value` with 50, which lies outside its range [0, 10]"


def test_a_constant_on_the_bound_is_inside(make_thresholds: MakeThresholds) -> None:
    assert not found(make_thresholds(Kind.INT, "[0, 10]", healthy="0 <= value <= 10"))


def test_a_flag_has_two_values(make_thresholds: MakeThresholds) -> None:
    assert found(make_thresholds(Kind.BOOL, None, healthy="not value")) == [
        ("TW301", "`value = True` is in no level")
    ]
    assert not found(make_thresholds(Kind.BOOL, None, healthy="not value", critical="value"))


def test_of_texts_the_unnamed_ones_count_too(make_thresholds: MakeThresholds) -> None:
    thresholds = make_thresholds(Kind.STR, None, healthy='value == "ok"', critical='value == "bad"')
    assert found(thresholds) == [("TW301", "`value = any other text` is in no level")]


def test_texts_can_be_divided(make_thresholds: MakeThresholds) -> None:
    assert not found(make_thresholds(Kind.STR, None, healthy='value == "ok"', critical='value != "ok"'))


def test_of_two_fields_every_combination_counts(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"first": FLAG, "second": FLAG})
    thresholds = make_thresholds(subject, healthy="not first and not second", critical="first and second")
    assert {tuple(problem.example.items()) for problem in thresholds.prove()} == {
        (("first", True), ("second", False)),
        (("first", False), ("second", True)),
    }


def test_fields_that_no_condition_reads_do_not_count(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"norm": NON_NEGATIVE, "has_nan": FLAG})
    assert not found(make_thresholds(subject, healthy="not has_nan", critical="has_nan"))


def test_nan_in_a_field_is_told_with_the_others(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"norm": NON_NEGATIVE, "has_nan": FLAG})
    thresholds = make_thresholds(
        subject, healthy="norm <= 5 and not has_nan", warning="norm > 5 and not has_nan", critical="has_nan"
    )
    assert found(thresholds) == [("TW301", "NaN in `norm` is in no level (with has_nan = False)")]


def test_a_gap_that_a_plainer_one_explains_is_not_repeated(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"first": NON_NEGATIVE, "second": NON_NEGATIVE})
    thresholds = make_thresholds(
        subject,
        healthy="first < 1 and second < 1",
        critical="first > 1 or second > 1 or isnan(first) or isnan(second)",
    )
    assert [problem.region.partition(";")[0] for problem in thresholds.prove()] == [
        "with second = 0.5",
        "with first = 0.5",
    ]


def test_an_overlap_of_fields_is_found(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"norm": NON_NEGATIVE, "has_nan": FLAG})
    thresholds = make_thresholds(
        subject,
        healthy="norm <= 5 and not has_nan",
        warning="norm > 5",
        critical="has_nan or isnan(norm)",
    )
    assert [code for code, _ in found(thresholds)] == ["TW302"]


def test_too_many_combinations_are_not_called_proved(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({f"f{index}": NON_NEGATIVE for index in range(12)})
    condition = " and ".join(f"1 < f{index} < 5" for index in range(12))
    problems = make_thresholds(subject, healthy=condition).prove()
    assert [problem.code for problem in problems] == ["TW300"]
    assert "could not be proved" in problems[0].message


def test_a_window_is_proved_on_its_newest_element(make_thresholds: MakeThresholds) -> None:
    subject = Subject.sequence(Kind.FLOAT, ValueRange.parse("[0, inf)"))
    thresholds = make_thresholds(subject, healthy="value <= 5", critical="value > 5")
    assert [message for _, message in found(thresholds)] == ["NaN is in no level"]


def test_no_window_has_a_minimum_above_its_maximum(make_thresholds: MakeThresholds) -> None:
    subject = Subject.sequence(Kind.INT, ValueRange.parse("[0, 100]"))
    thresholds = make_thresholds(
        subject,
        healthy="max(values) <= 5",
        warning="max(values) > 5 and min(values) <= 5",
        critical="min(values) > 5",
    )
    assert not found(thresholds)


def test_levels_without_names_in_common_are_compared_too(make_thresholds: MakeThresholds) -> None:
    subject = Subject.structured({"first": FLAG, "second": FLAG})
    thresholds = make_thresholds(subject, healthy="not first", critical="second")
    assert codes(thresholds) == ["TW301", "TW302"]


def test_no_levels_have_nothing_wrong() -> None:
    assert Thresholds((), Subject.scalar(Kind.INT)).prove() == ()


def test_levels_of_other_names_are_ordered_by_severity() -> None:
    subject = Subject.scalar(Kind.INT, ValueRange.parse("[0, inf)"))
    levels = [("fatal", 30, "value > 9"), ("healthy", 0, "value <= 5"), ("elevated", 5, "5 < value <= 9")]
    thresholds = Thresholds(
        tuple(Level(name, severity, "", Condition(when, subject)) for name, severity, when in levels), subject
    )
    assert [level.name for level in thresholds.levels] == ["fatal", "elevated", "healthy"]
    assert not found(thresholds)
