"""The records that telewire ships: complete, sound, and graded as their texts say."""

import math
from collections import deque

import pytest

from telewire.registry import NOT_COLLECTED, shipped_registry

IDS = shipped_registry().ids


def test_the_first_five_records_are_shipped_still() -> None:
    assert {"TELE-300", "TELE-301", "TELE-310", "TELE-311", "TELE-340"} <= set(IDS)


def test_the_levels_of_every_record_divide_every_value() -> None:
    assert shipped_registry().threshold_problems() == ()


@pytest.mark.parametrize("record_id", IDS)
def test_every_record_has_its_whole_wire(record_id: str) -> None:
    record = shipped_registry()[record_id]
    assert record.transport
    assert record.consumers
    assert record.transport[-1].carries.member == record.schema_.field


@pytest.mark.parametrize("record_id", IDS)
def test_every_record_says_how_a_person_can_see_it(record_id: str) -> None:
    steps = shipped_registry()[record_id].manual_verification
    assert any("telewire train" in step or "README" in step for step in steps)


@pytest.mark.parametrize(
    ("record_id", "value", "name"),
    [
        ("nan_grad_count", 0, "healthy"),
        ("nan_grad_count", 5, "warning"),
        ("nan_grad_count", 6, "critical"),
        ("inf_grad_count", 0, "healthy"),
        ("inf_grad_count", 1, "warning"),
        ("inf_grad_count", 6, "critical"),
        ("grad_norm", 0.0, "warning"),
        ("grad_norm", 0.0999, "warning"),
        ("grad_norm", 0.1, "healthy"),
        ("grad_norm", 5.0, "healthy"),
        ("grad_norm", 5.1, "warning"),
        ("grad_norm", 10.0, "warning"),
        ("grad_norm", 10.1, "critical"),
        ("grad_norm", math.inf, "critical"),
        ("grad_norm", math.nan, "critical"),
        ("grad_norm_history", deque([0.5, 0.05]), "warning"),
        ("grad_norm_history", deque([20.0, 0.5]), "healthy"),
        ("grad_norm_history", deque([0.5, math.nan]), "critical"),
    ],
)
def test_a_value_is_graded_as_the_text_says(record_id: str, value: object, name: str) -> None:
    assert shipped_registry()[record_id].grade(value).name == name


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "healthy"),
        ({"h_norm": 100.0}, "healthy"),
        ({"c_norm": 1e-6}, "healthy"),
        ({"h_norm": 100.1}, "warning"),
        ({"c_norm": 1e-7}, "warning"),
        ({"has_nan": True}, "critical"),
        ({"has_inf": True, "h_norm": math.inf}, "critical"),
        ({"h_norm": math.nan}, "critical"),
        ({"c_norm": math.inf}, "critical"),
    ],
)
def test_a_hidden_state_is_graded_as_the_text_says(changed: dict[str, object], name: str) -> None:
    state = {"h_norm": 1.0, "c_norm": 1.0, "h_max": 1.0, "c_max": 1.0, "has_nan": False, "has_inf": False}
    state |= {"h_rms": 0.1, "c_rms": 0.1, "h_saturation": 0.0}
    assert shipped_registry()["lstm_health"].grade({**state, **changed}).name == name


@pytest.mark.parametrize("slug", ["grad_norm", "lstm_health"])
def test_the_default_that_is_none_is_not_collected(slug: str) -> None:
    record = shipped_registry()[slug]
    assert record.grade(record.default) is NOT_COLLECTED


def test_an_empty_history_is_not_collected() -> None:
    record = shipped_registry()["grad_norm_history"]
    assert record.grade(record.default) is NOT_COLLECTED
