"""A packed place stands for the lines and columns that it was packed from, and for its marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telewire.verify.source.model import Kind, Node
from telewire.verify.source.packed import Span, joined, packed, unmarked, unpacked


def sizes(most: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(1, 2_000), st.integers(1, most))


@st.composite
def spans(draw: st.DrawFn) -> Span:
    line = draw(sizes(1 << 24))
    return Span(line, draw(sizes(1 << 24)), line + draw(sizes(1 << 24)) - 1, draw(sizes(1 << 24)))


@given(spans(), st.booleans(), st.booleans())
def test_a_place_and_its_marks_come_back(span: Span, in_handler: bool, gated: bool) -> None:
    node = Node(Kind.CONST, None, (), packed(span, in_handler=in_handler, gated=gated))
    assert (node.span, node.in_handler, node.gated) == (span, in_handler, gated)


@given(spans(), st.booleans(), st.booleans())
def test_marks_can_be_taken_off(span: Span, in_handler: bool, gated: bool) -> None:
    assert unmarked(packed(span, in_handler=in_handler, gated=gated)) == packed(span)


@given(spans(), spans())
def test_different_places_are_different_numbers(one: Span, other: Span) -> None:
    assert (packed(one) == packed(other)) is (one == other)


@given(spans(), spans())
def test_joined_places_reach_from_the_first_to_the_last(one: Span, other: Span) -> None:
    first, last = sorted((one, other), key=lambda span: (span.line, span.end_line))
    last = last._replace(end_line=max(last.end_line, first.line))
    assert unpacked(joined(packed(first), packed(last))) == Span(
        first.line, first.column, last.end_line, last.end_column
    )


def test_a_common_place_fits_into_64_bits() -> None:
    assert packed(Span(1_000_000, 120, 1_002_000, 1_000), gated=True) < 1 << 63
