"""Whether what was seen is the value that was expected, and what transforms make of it."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import pytest

from telewire.verify.evidence.comparing import Value, value_of
from telewire.verify.evidence.probes.expected import Expected, spelt, through
from telewire.verify.evidence.summaries import summary_of


@dataclass
class Health:
    norm: float
    is_bad: bool


def seen(value: object) -> Value:
    return value_of(summary_of(value))


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (7, 7),
        (7, 7.0),
        (True, True),
        ("late", "late"),
        (None, None),
        (math.nan, math.nan),
        (math.inf, math.inf),
        (7, [0, 7]),
        (7, {"inf": 7}),
        (7, deque([1.5, 7])),
        (2.5, Health(2.5, True)),
        (2.5, [Health(2.5, True)]),
        ({"norm": 2.5}, Health(2.5, True)),
        ({"norm": 2.5, "is_bad": True}, [Health(2.5, True)]),
        ({"norm": 2.5}, {"norm": 2.5, "other": 1}),
    ],
)
def test_a_value_is_found_as_itself_and_in_what_holds_it(wanted: object, value: object) -> None:
    assert Expected(wanted).is_in(seen(value)) is True


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (7, 0),
        (7, "7"),
        (7, [0, 1]),
        (7, None),
        (math.inf, -math.inf),
        (2.5, Health(0.0, True)),
        ({"norm": 2.5, "is_bad": False}, Health(2.5, True)),
        ({"norm": 2.5}, 2.5),
        ({"norm": 2.5}, Health(2.0, True)),
    ],
)
def test_another_value_is_not_it(wanted: object, value: object) -> None:
    assert Expected(wanted).is_in(seen(value)) is False


@pytest.mark.parametrize("value", [list(range(100, 200)), object(), [[[[7]]]]])
def test_of_what_is_not_kept_nobody_can_tell(value: object) -> None:
    assert Expected(7).is_in(seen(value)) is None


def test_a_float_may_differ_by_the_tolerance_and_no_more() -> None:
    assert Expected(0.5, 1e-6).is_it(seen(0.5000001))
    assert not Expected(0.5, 1e-6).is_it(seen(0.50001))


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (250.0, "h_norm 250 is above 100"),
        (3.14159, "norm 3.14"),
        (12345, "12,345 elements"),
        (1e-7, "1e-07"),
        (math.nan, "grad norm NaN"),
        ("lstm_nan", "anomaly: lstm_nan"),
        ({"h_norm": 250.0, "c_norm": 3.0}, "h_norm 250 is above 100"),
    ],
)
def test_a_number_stands_in_a_text_as_it_is_rounded_there(wanted: object, text: str) -> None:
    assert Expected(wanted, in_text=True).is_in(seen((text,))) is True


@pytest.mark.parametrize(("wanted", "text"), [(250.0, "251"), (25, "250"), (7, "Inf:77"), (3.2, "norm 3.14")])
def test_another_number_in_a_text_is_not_it(wanted: object, text: str) -> None:
    assert Expected(wanted, in_text=True).is_in(seen(text)) is False


def passes(*found: tuple[bool, object]) -> list[tuple[bool, Value]]:
    return [(goes_in, seen(value)) for goes_in, value in found]


@pytest.mark.parametrize(
    ("kind", "factor", "result"),
    [
        ("sum", 1.0, 9),
        ("mean", 1.0, 3.0),
        ("min", 1.0, 1),
        ("max", 1.0, 7),
        ("first", 1.0, 7),
        ("last", 1.0, 1),
        ("count", 1.0, 3),
        ("scale", 1000.0, 1000),
    ],
)
def test_a_transform_is_checked_by_its_arithmetic(kind: str, factor: float, result: float) -> None:
    events = passes((True, 7), (True, 1), (True, 1), (False, result))
    (right,) = through((kind, factor), events, Expected(7))
    assert right.holds(0.0)
    (wrong,) = through((kind, factor), [*events[:-1], (False, seen(result + 1))], Expected(7))
    assert not wrong.holds(0.0)


def test_only_what_went_in_since_the_last_result_belongs_to_a_result() -> None:
    events = passes((True, 5), (False, 5), (True, 7), (True, 1), (False, 8))
    (found,) = through(("sum", 1.0), events, Expected(7))
    assert found.taken == (7.0, 1.0)


def test_the_elements_of_a_sequence_go_in_together() -> None:
    (found,) = through(("mean", 1.0), passes((True, [7, 1]), (False, 4.0)), Expected(7))
    assert found.holds(0.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (0.5, "0.5"),
        (True, "true"),
        (None, "null"),
        (math.nan, "nan"),
        ("late", "late"),
        ({"h": 1.5, "bad": False}, "h=1.5,bad=false"),
        ([1, 2], "(1,2)"),
    ],
)
def test_the_id_of_a_value_is_short_and_plain(value: object, text: str) -> None:
    assert spelt(value) == text
