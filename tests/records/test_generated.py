"""The marker tells a generated page from one that somebody wrote or edited."""

from hypothesis import given
from hypothesis import strategies as st

from telewire.records.generated import is_untouched, sealed

BODIES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))


@given(BODIES)
def test_a_sealed_page_is_untouched(body: str) -> None:
    assert is_untouched(sealed(body, source="specs/TELE-301.yaml"))


@given(BODIES, BODIES.filter(bool))
def test_a_sealed_page_with_anything_added_is_not(body: str, more: str) -> None:
    assert not is_untouched(sealed(body, source="specs/TELE-301.yaml") + more)


def test_a_page_without_a_marker_is_not() -> None:
    assert not is_untouched("# Telemetry Record: [TELE-301]\n")


def test_an_empty_page_is_not() -> None:
    assert not is_untouched("")
