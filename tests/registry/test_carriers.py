"""Carriers: every form is parsed into its parts, and written back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.registry import Carrier, CarrierKind, NotationError

FORMS = [
    ("State.field", Carrier(CarrierKind.FIELD, None, ("State",), member="field")),
    ('["key"]', Carrier(CarrierKind.KEY, key="key")),
    ('["loss/policy total"]', Carrier(CarrierKind.KEY, key="loss/policy total")),
    ('State.metrics["key"]', Carrier(CarrierKind.FIELD_KEY, None, ("State",), member="metrics", key="key")),
    ("collect()", Carrier(CarrierKind.RETURN, None, ("collect",))),
    ("Tracker.update()", Carrier(CarrierKind.RETURN, None, ("Tracker", "update"))),
    ('collect()["key"]', Carrier(CarrierKind.RETURN_KEY, None, ("collect",), key="key")),
    ("collect().norm", Carrier(CarrierKind.RETURN_FIELD, None, ("collect",), member="norm")),
    ("emit(loss)", Carrier(CarrierKind.PARAMETER, None, ("emit",), parameter="loss")),
    ("MAX_NORM", Carrier(CarrierKind.CONSTANT, None, ("MAX_NORM",))),
    ("pkg.mod:limit", Carrier(CarrierKind.CONSTANT, "pkg.mod", ("limit",))),
    ("pkg.mod:State.field", Carrier(CarrierKind.FIELD, "pkg.mod", ("State",), member="field")),
    ("pkg.mod:Outer.Inner.field", Carrier(CarrierKind.FIELD, "pkg.mod", ("Outer", "Inner"), member="field")),
    (
        "pkg.mod:Class.method(x)",
        Carrier(CarrierKind.PARAMETER, "pkg.mod", ("Class", "method"), parameter="x"),
    ),
    ('pkg.mod:f()["k"]', Carrier(CarrierKind.RETURN_KEY, "pkg.mod", ("f",), key="k")),
    ("State.head_*_ratio_max", Carrier(CarrierKind.FIELD, None, ("State",), member="head_*_ratio_max")),
    ('["head_*"]', Carrier(CarrierKind.KEY, key="head_*")),
]


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_each_form_is_parsed_into_its_parts(text: str, expected: Carrier) -> None:
    assert Carrier.parse(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in FORMS])
def test_a_carrier_is_written_back_as_it_was(text: str) -> None:
    assert str(Carrier.parse(text)) == text


def test_a_key_may_be_written_in_single_quotes() -> None:
    assert Carrier.parse("['key']") == Carrier.parse('["key"]')


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("grad_norm", 0),
        ("State.", 6),
        ("State.field[0]", 11),
        ("State.field[key]", 11),
        ('[""]', 1),
        ("f(a, b)", 1),
        ("f()()", 3),
        ("f(a).b", 6),
        ('f().a["k"]', 5),
        ("a b", 1),
        ("pkg.mod:", 0),
        ('pkg.mod:["key"]', 0),
        ("1pkg.mod:State.field", 0),
        ("pkg..mod:State.field", 4),
        ("St*te.field", 0),
        ("State.class", 6),
        (".field", 0),
        ('metrics["key"]', 0),
    ],
)
def test_what_is_no_carrier_is_refused_at_its_place(text: str, offset: int) -> None:
    with pytest.raises(NotationError) as caught:
        Carrier.parse(text)
    assert caught.value.offset == offset


def test_a_bare_lower_case_name_is_told_what_it_could_mean() -> None:
    with pytest.raises(NotationError, match=r'Class.grad_norm, \["grad_norm"\], grad_norm\(\)'):
        Carrier.parse("grad_norm")


def test_a_star_makes_a_family() -> None:
    assert Carrier.parse("State.head_*_max").is_family
    assert not Carrier.parse("State.head_max").is_family


def test_a_family_matches_its_members() -> None:
    family = Carrier.parse("State.head_*_max")
    assert family.member is not None
    assert family.matches_name(family.member, "head_slot_max")
    assert not family.matches_name(family.member, "head_slot_min")


def test_a_plain_name_matches_itself_alone() -> None:
    carrier = Carrier.parse("State.field")
    assert carrier.matches_name("field", "field")
    assert not carrier.matches_name("field", "fields")


def test_carriers_can_be_sorted_and_hashed() -> None:
    carriers = {Carrier.parse("b()"), Carrier.parse("a()"), Carrier.parse("a()")}
    assert len(carriers) == 2


def offset_of_fault(text: str) -> int | None:
    """Where a text stops being a carrier, or None."""
    try:
        carrier = Carrier.parse(text)
    except NotationError as error:
        return error.offset
    return None if Carrier.parse(str(carrier)) == carrier else -1


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_refused_with_an_offset_inside_it(text: str) -> None:
    assert offset_of_fault(text) in (None, *range(len(text) + 1))
