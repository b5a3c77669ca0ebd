"""Whatever texts a program has, what is written of them can be read by anybody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter

from telewire.verify.evidence.encoding import printable, to_json
from telewire.verify.evidence.summaries import summary_of

from .app_project import evidence_in, run_tests, write_project
from .mutants.mutants_project import mutate

odd = st.text(st.one_of(st.sampled_from('\\ud89"\n\ud83d\ude00\udce9\U0001f600'), st.characters()))


@given(st.recursive(odd, lambda inner: st.lists(inner) | st.dictionaries(odd, inner)))
def test_what_is_written_is_taken_by_a_reader_that_takes_no_surrogates(document: object) -> None:
    TypeAdapter(JsonValue).validate_json(to_json(document))


@given(st.text(st.characters(codec="utf-8")))
def test_a_sound_text_is_written_as_it_is(text: str) -> None:
    assert json.loads(to_json([text])) == [text]


@pytest.mark.parametrize("text", ["caf\udce9", "\ud83d", "\ude00\ud83d", "\\\udce9", "\\\\ud800 \ud800"])
def test_a_lone_surrogate_is_spelt_out(text: str) -> None:
    assert json.loads(to_json(text)) == printable(text) == text.encode("utf-8", "backslashreplace").decode()


@given(odd, odd)
def test_different_texts_have_different_summaries(one: str, other: str) -> None:
    assert (summary_of(one) == summary_of(other)) is (one == other)
    assert (summary_of({one: [one]}) == summary_of({other: [other]})) is (one == other)


def test_a_text_that_is_spelt_out_is_another_than_the_one_spelt_so() -> None:
    spelt = printable("caf\udce9")
    assert summary_of("caf\udce9")[1] == spelt
    assert summary_of("caf\udce9") != summary_of(spelt) == ("str", spelt)


ODD_TESTS = """\
from app.main import run

INF = float("inf")
ODD = "caf\\udce9"


def test_an_odd_name(monkeypatch):
    monkeypatch.setattr("app.main.handle", lambda state, payload: setattr(state, "inf_grad_count", ODD))
    assert run([[INF]]).startswith("Inf:caf")


def test_shown():
    for count in (0, 2, 5):
        shown = run([[1.0, *[INF] * count]])
        assert shown + ODD == f"Inf:{count}" + ODD
"""


def test_one_odd_text_does_not_cost_the_evidence_or_the_mutants(tmp_path: Path) -> None:
    root = write_project(tmp_path / "odd")
    (root / "tests/test_app.py").write_text(ODD_TESTS)
    run_tests(root, "--wiring", f"--override-ini=unknown=caf{chr(0xDCE9)}", "tests/test_app.py")
    evidence = evidence_in(root)
    assert {test.outcome for test in evidence.tests} == {"passed"}
    assert "Inf:caf\\udce9" in [row[1] for row in evidence.values if row[0] == "str"]
    done = mutate(root, evidence=False)
    assert done.left.mutants
    assert any("udce9" in one.reason for one in done.left.mutants)
