"""Grades have an order, so that one display can say how bad all of it is."""

from telewire.registry import NOT_COLLECTED, UNCLASSIFIED, shipped_registry, worst_grade


def test_grades_rank_from_not_collected_to_critical_with_unclassified_just_below() -> None:
    levels = shipped_registry()["TELE-301"].thresholds
    ascending = [NOT_COLLECTED, levels["healthy"], levels["warning"], UNCLASSIFIED, levels["critical"]]

    assert [worst_grade(ascending[: place + 1]) for place in range(len(ascending))] == ascending


def test_the_order_of_the_grades_does_not_matter() -> None:
    levels = shipped_registry()["TELE-301"].thresholds

    assert worst_grade([levels["critical"], levels["healthy"]]) == levels["critical"]


def test_without_any_grade_nothing_was_collected() -> None:
    assert worst_grade([]) == NOT_COLLECTED
