"""Symbols, ranges and types: parsed once, written back, refused with the place of the fault."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.registry import Kind, NotationError, Shape, Symbol, ValueRange, ValueType


def test_a_symbol_has_a_module_and_a_qualified_name() -> None:
    symbol = Symbol.parse("package.module:Class.method")
    assert (symbol.module, symbol.qualname, symbol.name) == ("package.module", "Class.method", "method")


def test_a_symbol_is_written_back_as_it_was() -> None:
    assert str(Symbol.parse("package.module:Class.method")) == "package.module:Class.method"


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("package.module.function", 23),
        ("package:", 8),
        (":name", 0),
        ("a.b:f()", 4),
        ("a b:f", 0),
        ("a.b:C.", 6),
        ("a.class:f", 2),
    ],
)
def test_what_is_no_symbol_is_refused_at_its_place(text: str, offset: int) -> None:
    with pytest.raises(NotationError) as caught:
        Symbol.parse(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize("text", ["[0, inf)", "[0, ∞)", "[0.0,∞)", "[0, total_params]", "[ 0 , inf ]"])
def test_an_unbounded_range_has_no_upper_bound(text: str) -> None:
    parsed = ValueRange.parse(text)
    assert parsed.lower == 0
    assert parsed.upper is None


def test_a_symbolic_bound_is_kept_for_readers() -> None:
    assert ValueRange.parse("[0, total_params]").upper_symbol == "total_params"


def test_the_brackets_say_whether_a_bound_belongs_to_the_range() -> None:
    parsed = ValueRange.parse("(0, 1]")
    assert not parsed.contains(Fraction(0))
    assert parsed.contains(Fraction(1))
    assert not parsed.contains(Fraction(2))


def test_a_decimal_bound_is_the_float_that_it_spells() -> None:
    assert ValueRange.parse("[-0.1, 1e3]").lower == Fraction(-0.1)


@pytest.mark.parametrize("text", ["-inf", "-∞"])
def test_a_range_can_be_unbounded_below(text: str) -> None:
    assert ValueRange.parse(f"({text}, 0]").lower is None


@pytest.mark.parametrize(
    "text",
    ["", "0..1", "[1, 0]", "(1, 1)", "[0, 1", "[inf, 0]", "[0, -inf]", "[0, nan]", "[0, 1, 2]", "[a b, 1]"],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(NotationError):
        ValueRange.parse(text)


def offset_of_fault(text: str) -> int | None:
    """Where a text stops being a range, or None."""
    try:
        parsed = ValueRange.parse(text)
    except NotationError as error:
        return error.offset
    return None if str(parsed) == text else -1


@given(st.text(max_size=20))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    assert offset_of_fault(text) in (None, *range(len(text) + 1))


@pytest.mark.parametrize(
    ("text", "shape", "kind"),
    [
        ("int", Shape.SCALAR, Kind.INT),
        ("float | None", Shape.SCALAR, Kind.FLOAT),
        ("bool", Shape.SCALAR, Kind.BOOL),
        ("str", Shape.SCALAR, Kind.STR),
        ("deque[float]", Shape.SEQUENCE, Kind.FLOAT),
        ("collections.deque[int]", Shape.SEQUENCE, Kind.INT),
        ("list[str]", Shape.SEQUENCE, Kind.STR),
        ("tuple[float, ...]", Shape.SEQUENCE, Kind.FLOAT),
        ("LSTMHealthMetrics", Shape.STRUCTURED, None),
        ("package.LSTMHealthMetrics | None", Shape.STRUCTURED, None),
        ("dict[str, float]", Shape.OPAQUE, None),
        ("tuple[float, float]", Shape.OPAQUE, None),
        ("int | str", Shape.OPAQUE, None),
    ],
)
def test_a_type_has_a_shape_and_a_kind(text: str, shape: Shape, kind: Kind | None) -> None:
    parsed = ValueType.parse(text)
    assert (parsed.shape, parsed.kind) == (shape, kind)


def test_an_optional_type_can_be_absent() -> None:
    assert ValueType.parse("float | None").is_optional


@pytest.mark.parametrize("text", ["", "float,", "3", "f()", "a b", "x" * 600, "(" * 400])
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(NotationError):
        ValueType.parse(text)
