"""Conditions: what is parsed, what is refused and where, and what holds for which value."""

import math
import pickle
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import pytest

from telewire.registry import Condition, ConditionError, Domain, GradingError, Kind, Subject

NUMBER = Subject.scalar(Kind.FLOAT, aliases=("grad_norm",))
COUNT = Subject.scalar(Kind.INT)
FLAG = Subject.scalar(Kind.BOOL)
TEXT = Subject.scalar(Kind.STR)
WINDOW = Subject.sequence(Kind.FLOAT)
STATE = Subject.structured(
    {"norm": Domain(Kind.FLOAT), "has_nan": Domain(Kind.BOOL), "mode": Domain(Kind.STR)}
)


@dataclass
class State:
    norm: float | None
    has_nan: bool = False
    mode: str = "train"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("value > 5", 5.1, True),
        ("value > 5", 5.0, False),
        ("5 < value", 5.1, True),
        ("grad_norm > 5", 6, True),
        ("0 < value <= 5", 5, True),
        ("0 < value <= 5", 0, False),
        ("value != 3", 4, True),
        ("value == 1 or value == 3", 3, True),
        ("value == 1 or value == 3", 2, False),
        ("not value > 5", 5, True),
        ("value in (1, 2, 3)", 2, True),
        ("value not in (1, 2, 3)", 2, False),
        ("abs(value) > 2", -3, True),
        ("abs(value - 3) <= 1", 4, True),
        ("abs(value - 3) <= 1", 4.5, False),
        ("value * 2 + 1 > 7", 3.5, True),
        ("value / 4 < 1", 3.9, True),
        ("10 - value > 3", 6.9, True),
        ("-value > 3", -4, True),
        ("value + value > 3", 1.6, True),
        ("2 * value < value + 5", 4, True),
        ("abs(abs(value) - 2) < 1", -2.5, True),
        ("value < inf", 1e308, True),
        ("value < inf", math.inf, False),
        ("value == inf", math.inf, True),
        ("value >= -inf", -math.inf, True),
        ("isnan(value)", math.nan, True),
        ("isnan(value)", 1.0, False),
        ("isinf(value)", -math.inf, True),
        ("isfinite(value)", math.inf, False),
        ("isfinite(value)", math.nan, False),
        ("value != 3", math.nan, True),
        ("not value > 5", math.nan, True),
        ("value <= 5", math.nan, False),
        ("value > 1e-6", 1e-6, False),
        ("value > 0.1 + 0.2", 0.3, False),
        ("value > 0.1 + 0.2", 0.30000000000000004, False),
        ("value > 0.1 + 0.2", 0.3000000000000001, True),
    ],
)
def test_a_condition_holds_for_the_numbers_that_it_says(text: str, value: float, expected: bool) -> None:
    assert Condition(text, NUMBER).holds(value) is expected


def test_a_cut_between_two_floats_divides_them_exactly() -> None:
    condition = Condition("value * 3 > 1", NUMBER)  # at 1/3, which is no float
    below, above = 1 / 3, math.nextafter(1 / 3, 1)
    assert Fraction(below) < Fraction(1, 3) < Fraction(above)
    assert not condition.holds(below)
    assert condition.holds(above)


def test_integers_too_large_for_floats_are_compared_exactly() -> None:
    condition = Condition(f"value > {2**60}", COUNT)
    assert not condition.holds(2**60)
    assert condition.holds(2**60 + 1)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("value", True, True),
        ("not value", True, False),
        ("value == True", False, False),
        ("value != True", False, True),
    ],
)
def test_a_flag_is_a_condition_by_itself(text: str, value: bool, expected: bool) -> None:
    assert Condition(text, FLAG).holds(value) is expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ('value == "ok"', "ok", True),
        ('value != "ok"', "bad", True),
        ('value in ("ok", "fine")', "fine", True),
        ('value not in ("ok", "fine")', "bad", True),
        ('not (value == "ok" or value == "fine")', "fine", False),
    ],
)
def test_texts_are_compared_for_equality(text: str, value: str, expected: bool) -> None:
    assert Condition(text, TEXT).holds(value) is expected


@pytest.mark.parametrize("value", [State(200.0), {"norm": 200.0, "has_nan": False, "mode": "train"}])
def test_a_structured_value_is_an_object_or_a_mapping(value: object) -> None:
    assert Condition('norm > 100 and not has_nan and mode == "train"', STATE).holds(value)


def test_of_a_window_value_is_the_newest_element() -> None:
    assert Condition("value > 2", WINDOW).holds(deque([1.0, 3.0]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean(values) == 2", True),
        ("min(values) < 2", True),
        ("max(values) > 3", False),
        ("len(values) == 3", True),
    ],
)
def test_the_whole_window_is_seen_by_mean_min_max_len(text: str, expected: bool) -> None:
    assert Condition(text, WINDOW).holds([1.0, 2.0, 3.0]) is expected


@pytest.mark.parametrize("function", ["mean", "min", "max"])
@pytest.mark.parametrize("window", [[math.nan, 1.0, 2.0], [1.0, math.nan, 2.0], [1.0, 2.0, math.nan]])
def test_nan_anywhere_in_the_window_is_not_lost(function: str, window: list[float]) -> None:
    assert Condition(f"isnan({function}(values))", WINDOW).holds(window)


def test_the_cuts_are_the_constants_ascending_by_name() -> None:
    assert Condition("value > 10 or 5.0 < value <= 7.5", NUMBER).cuts == {"value": (5.0, 7.5, 10.0)}


def test_the_cuts_of_an_integer_are_integers() -> None:
    cuts = Condition("0 < value <= 5", COUNT).cuts["value"]
    assert cuts == (0, 5)
    assert all(isinstance(cut, int) for cut in cuts)


def test_a_cut_that_is_no_float_is_a_fraction() -> None:
    assert Condition("value * 3 > 1", NUMBER).cuts == {"value": (Fraction(1, 3),)}


def test_a_condition_knows_the_names_that_it_reads() -> None:
    assert Condition("norm > 1 and not has_nan", STATE).names == {"norm", "has_nan"}


def test_a_condition_survives_pickling() -> None:
    condition = Condition("value > 5", NUMBER)
    assert pickle.loads(pickle.dumps(condition)) == condition


REFUSALS = [
    ("valeu > 5", 0, "did you mean 'value'"),
    ("value > 5 and nrom > 3", 14, "use one of"),
    ("value >", None, "invalid syntax"),
    ("value > 5 && value < 9", 10, "write 'and'"),
    ("value ≤ 5", 6, "write '<='"),
    ("value = 5", 6, "write '=='"),
    ("", 0, "empty condition"),
    ("   ", 0, "empty condition"),
    ("value", 0, "not a condition"),
    ("5", 0, "same for every value"),
    ("3 < 5", 0, "two constants"),
    ("value * value > 4", 0, "not linear"),
    ("1 / value > 4", 0, "not linear"),
    ("value ** 2 > 4", 0, "not arithmetic"),
    ("value % 2 == 0", 0, "not arithmetic"),
    ("value * 0 > 4", 0, "always 0"),
    ("value / 0 > 4", 0, "division by zero"),
    ("value - value > 4", 0, "does not depend"),
    ("value == nan", 9, "isnan(value)"),
    ("value > float('nan')", 8, "not a function"),
    ("round(value) > 4", 0, "not a function"),
    ("isnann(value)", 0, "not a condition"),
    ("math.isnan(value)", 0, "not a condition"),
    ("value.real > 4", 0, "dotted name"),
    ("value[0] > 4", 0, "cannot be compared"),
    ("value is None", 0, "write =="),
    ("value == None", 9, "no constant"),
    ("value in 5", 9, "list of constants"),
    ("value in ()", 9, "list of constants"),
    ("value > 'a'", 8, "is a number"),
    ("value == True", 9, "is a number"),
    ("lambda: value", 0, "not a condition"),
    ("(value := 5) > 3", 1, "cannot be compared"),
    ("value if value > 1 else value", 0, "not a condition"),
    ("__import__('os').system('true')", 0, "not a condition"),
    ("__import__('os') == 3", 0, "not a function"),
    ("[value for value in (1, 2)] == 3", 0, "cannot be compared"),
    ("f'{value}' == 3", 0, "cannot be compared"),
    ("value > 5 and true", 14, "write True"),
    ("mean(values) > 3", 0, "window"),
    ("isnan(value, value)", 0, "one argument"),
    ("isnan(value + 1)", 6, "takes a name"),
    ("isnan(value) > 0", 0, "true or false"),
    ("abs(*value) > 3", 0, "one argument"),
    ("0 < value <= norm", 13, "not a name"),
    ("value + inf > 3", 0, "finite"),
    ("value > 1" + "0" * 309, 8, "larger than any float"),
    ("await value", None, ""),
    ("value > 1 and\nnrom > 2", 14, "not a name"),
    ("größe > 5", 0, "not a name"),
    ("value > 5 or größe > 5", 13, "not a name"),
]


@pytest.mark.parametrize(("text", "offset", "words"), REFUSALS, ids=[text for text, _, _ in REFUSALS])
def test_what_is_no_condition_is_refused_at_its_place(text: str, offset: int | None, words: str) -> None:
    with pytest.raises(ConditionError) as caught:
        Condition(text, NUMBER)
    assert words in str(caught.value)
    assert offset is None or caught.value.offset == offset
    assert 0 <= caught.value.offset <= len(text)


@pytest.mark.parametrize(
    ("text", "subject", "words"),
    [
        ("norm > 1 and norm < has_nan", STATE, "number"),
        ("has_nan > 0", STATE, "is a bool"),
        ("has_nan < True", STATE, "no order"),
        ("has_nan == 1", STATE, "is a bool"),
        ("has_nan + 1 > 1", STATE, "not a number"),
        ('mode > "a"', STATE, "no order"),
        ("mode", STATE, "compare it"),
        ("mode == has_nan", STATE, "two names"),
        ("value > 3", STATE, "not a name"),
        ("values > 3", WINDOW, "mean(values)"),
        ("mean(value) > 3", WINDOW, "mean(values)"),
        ("mean(values) > min(values)", WINDOW, "compared with each other"),
    ],
)
def test_names_are_used_as_their_kind_allows(text: str, subject: Subject, words: str) -> None:
    with pytest.raises(ConditionError) as caught:
        Condition(text, subject)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "value > 5",
        "not " * 300 + "value > 5",
        "-" * 1500 + "value > 5",
        "abs(" * 100 + "value" + ")" * 100 + " > 5",
        "value > " + "9" * 5000,
        "value + " * 250 + "1 > 5",
        "value > 1\0",
    ],
    ids=["brackets", "nots", "minuses", "abs", "digits", "sums", "nul"],
)
def test_a_monstrous_condition_is_refused(text: str) -> None:
    with pytest.raises(ConditionError):
        Condition(text, NUMBER)


def test_too_many_kinks_are_refused() -> None:
    nested = "value"
    for step in range(10):
        nested = f"abs({nested} - {2 ** (10 - step)})"
    with pytest.raises(ConditionError, match="kinks"):
        Condition(f"{nested} > 1", NUMBER)


@pytest.mark.parametrize(
    ("subject", "value"),
    [
        (NUMBER, "text"),
        (NUMBER, [1, 2]),
        (NUMBER, 1j),
        (STATE, 5),
        (STATE, {"norm": 5.0}),
        (WINDOW, 5.0),
    ],
)
def test_a_value_of_another_shape_is_an_error(subject: Subject, value: object) -> None:
    text = 'norm > 1 or has_nan or mode == "x"' if subject is STATE else "value > 1"
    with pytest.raises(GradingError):
        Condition(text, subject).holds(value)


@pytest.mark.parametrize(
    ("subject", "value"), [(NUMBER, None), (WINDOW, []), (WINDOW, None), (STATE, State(None))]
)
def test_a_condition_says_nothing_of_what_was_not_collected(subject: Subject, value: object) -> None:
    text = "norm > 1" if subject is STATE else "value > 1"
    with pytest.raises(GradingError, match="not collected"):
        Condition(text, subject).holds(value)
