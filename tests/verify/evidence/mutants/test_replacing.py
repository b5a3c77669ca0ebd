"""What becomes of a value, by its kind, and whether that is another value."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import pytest

from telewire.verify.evidence.mutants.mutant import Change, Kind
from telewire.verify.evidence.mutants.replacing import Replacing, differs, replaced


@dataclass
class Health:
    norm: object


class Named:
    """What nothing is kept of, and what says itself whether it is equal."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


@pytest.mark.parametrize(
    ("value", "default", "new"),
    [
        (7, 0, 0),
        (7.5, 0.0, 0.0),
        (7, None, None),
        (7, "", 0),
        (True, 0, False),
        ("a", 0, ""),
        ("a", "b", "b"),
        ([1], 0, []),
        ((1,), None, ()),
        ({"a": 1}, 0, {}),
        ({1}, 0, set()),
        (Health(1.0), None, None),
        (None, 0, None),
    ],
)
def test_the_default_is_of_the_kind_of_the_value(value: object, default: Change, new: object) -> None:
    assert replaced(Kind.DEFAULT, default, value) == new


def test_an_empty_deque_is_as_long_as_it_was_allowed_to_be() -> None:
    found = replaced(Kind.DEFAULT, 0, deque([1, 2], maxlen=3))
    assert isinstance(found, deque)
    assert (list(found), found.maxlen) == ([], 3)


@pytest.mark.parametrize(
    ("value", "new"),
    [
        (7, 14),
        (0.5, 1.0),
        (True, True),
        ("a", "a"),
        ([1, 2.5], [1, 5.0]),
        ((1, "a"), (1, "a")),
        ([], []),
        (None, None),
    ],
)
def test_numbers_are_doubled_and_nothing_else(value: object, new: object) -> None:
    assert replaced(Kind.SCALED, 2, value) == new


def test_arrays_keep_their_shape() -> None:
    numpy = pytest.importorskip("numpy")
    value = numpy.array([[1.0, 2.0]])
    assert replaced(Kind.DEFAULT, 0, value).tolist() == [[0.0, 0.0]]  # type: ignore[attr-defined]
    assert replaced(Kind.CONSTANT, 1, value).tolist() == [[1.0, 1.0]]  # type: ignore[attr-defined]
    assert replaced(Kind.SCALED, 2, value).tolist() == [[2.0, 4.0]]  # type: ignore[attr-defined]


def test_tensors_keep_their_type() -> None:
    torch = pytest.importorskip("torch")
    value = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found = replaced(Kind.SCALED, 2, value)
    assert isinstance(found, torch.Tensor)
    assert (found.tolist(), found.dtype) == ([2.0, 4.0], torch.float64)


def test_constants_take_the_place_of_numbers_only() -> None:
    assert replaced(Kind.CONSTANT, 1, 7.5) == 1
    assert replaced(Kind.CONSTANT, 1, False) is True
    assert replaced(Kind.CONSTANT, 1, "a") == "a"


@pytest.mark.parametrize(
    ("value", "new", "does"),
    [
        (7, 7, False),
        (7, 7.0, False),
        (0, False, False),
        (7, 8, True),
        (7, None, True),
        (math.nan, math.nan, False),
        (math.inf, 2 * math.inf, False),
        ("a", "a", False),
        ([1], [1], False),
        ([1], [2], True),
        ([], (), True),
        (Health(1.0), Health(1.0), False),
        (Health(1.0), Health(2.0), True),
        (object(), object(), True),
        ([object()], [object()], True),
        ({"a": {1: object()}}, {"a": {1: object()}}, True),
        (Health(object()), Health(object()), True),
        ({"a": [1, (2, "b")]}, {"a": [1, (2, "b")]}, False),
        (list(range(99)), list(range(99)), False),
        (list(range(99)), [*range(98), 0], True),
        (Named("a"), Named("a"), False),
        ([Named("a")], [Named("b")], True),
    ],
)
def test_only_another_value_is_a_change(value: object, new: object, does: bool) -> None:
    assert differs(value, new) is does


def test_the_same_object_is_no_change() -> None:
    value = object()
    assert not differs(value, value)


def test_what_is_held_is_forgotten_when_a_test_begins() -> None:
    held = Replacing(Kind.HELD, None)
    assert [held(0, one) for one in (1, 2)] == [1, 1]
    held.begin()
    assert [held(0, one) for one in (3, 4)] == [3, 3]
    assert held.passes == 4


def test_the_first_change_is_kept() -> None:
    scaled = Replacing(Kind.SCALED, 2)
    assert [scaled(0, one) for one in (0, 3, 4)] == [0, 6, 8]
    assert scaled.changed == ("3", "6")


def test_a_mapping_without_the_key_is_left_as_it_is() -> None:
    replacing = Replacing(Kind.DEFAULT, 0)
    given = {"b": 1}
    assert replacing(0, given, "a") is given
    assert replacing(0, [1], "a") == [1]
    assert replacing.passes == 0
