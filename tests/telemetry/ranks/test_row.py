"""A rank's statistics packed into a row."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.telemetry.measurements import GradientSums, LSTMHealthMetrics
from telewire.telemetry.ranks.row import RowError, RowLayout
from telewire.telemetry.ranks.statistics import RankStatistics

from .saying import says

COUNTS = st.integers(0, 2**63 - 1)
FLOATS = st.floats()
SUMS = st.builds(
    GradientSums,
    element_count=COUNTS,
    nan_count=COUNTS,
    inf_count=COUNTS,
    scale=FLOATS,
    squares=FLOATS,
    overflow_limit=FLOATS,
    underflow_limit=FLOATS,
    layer_overflowed=st.booleans(),
)
FINDINGS = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20), max_size=8
)
LAYOUT = RowLayout(scalars=("loss", "entropy"))
STATISTICS = st.builds(
    RankStatistics,
    update=st.integers(0, 2**62),
    replicated=st.none() | SUMS,
    sharded=st.none() | SUMS,
    clipped_shards=st.none() | SUMS,
    passes=st.none() | st.integers(0, 3),
    own_gradients=st.none() | SUMS,
    lstm_health=st.none() | st.from_type(LSTMHealthMetrics),
    scalars=st.tuples(st.none() | FLOATS, st.none() | FLOATS).map(
        lambda values: dict(zip(LAYOUT.scalars, values, strict=True))
    ),
    findings=FINDINGS.map(tuple),
    omitted_findings=st.integers(0, 10),
    escalated_updates=st.integers(0, 10**6),
)


@given(STATISTICS)
def test_a_row_is_read_as_it_was_written(statistics: RankStatistics) -> None:
    # NaN is not equal to itself, and is written out the same.
    assert repr(LAYOUT.unpack(LAYOUT.pack(statistics))) == repr(statistics)


@given(STATISTICS)
def test_rows_have_one_length_whatever_was_collected(statistics: RankStatistics) -> None:
    assert len(LAYOUT.pack(statistics)) == LAYOUT.size


def test_what_was_not_collected_is_not_zero() -> None:
    row = LAYOUT.pack(says(scalars={"loss": None, "entropy": 0.0}))
    read = LAYOUT.unpack(row)
    assert (read.replicated, read.passes, read.lstm_health, read.scalars) == (
        None,
        None,
        None,
        {"loss": None, "entropy": 0.0},
    )


def test_counts_stay_exact_where_floats_do_not(sums) -> None:
    exact = sums(element_count=2**60 + 1, nan_count=2**24 + 1, inf_count=2**53 + 1)
    layout = RowLayout()
    assert layout.unpack(layout.pack(says(sharded=exact))).sharded == exact


def test_findings_that_do_not_fit_are_left_out_whole_and_counted() -> None:
    layout = RowLayout(text_bytes=64)
    findings = tuple(f"lstm_nan: {letter * 20}" for letter in "abcd")
    read = layout.unpack(layout.pack(says(findings=findings)))
    assert (read.findings, read.omitted_findings) == (findings[:2], 2)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200))
def test_the_first_finding_is_always_sent_cut_where_it_must_be(text: str) -> None:
    layout = RowLayout(text_bytes=64)
    read = layout.unpack(layout.pack(says(findings=(text,))))
    (finding,) = read.findings
    assert finding == text or (finding.endswith("…") and text.startswith(finding[:-1]))
    assert len(finding.encode()) <= 64
    assert read.omitted_findings == 0


def test_a_finding_of_several_lines_stays_one() -> None:
    layout = RowLayout()
    row = layout.pack(says(findings=("lstm_nan: one\ntwo", "lstm_inf: three")))
    assert layout.unpack(row).findings == ("lstm_nan: one two", "lstm_inf: three")


def test_other_scalars_than_those_of_the_layout_are_refused() -> None:
    with pytest.raises(RowError, match=r"the scalars are \['loss'\], the layout has \['entropy', 'loss'\]"):
        LAYOUT.pack(says(scalars={"loss": 1.0}))


def test_a_row_of_another_layout_of_the_same_length_is_refused() -> None:
    row = RowLayout(scalars=("loss",)).pack(says(scalars={"loss": 1.0}))
    with pytest.raises(RowError, match="of another layout"):
        RowLayout(scalars=("entropy",)).unpack(row)


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(RowError, match=rf"has {LAYOUT.size} bytes, not 3"):
        LAYOUT.unpack(b"abc")


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(RowError, match="stands twice"):
        RowLayout(scalars=("loss", "loss"))


@pytest.mark.parametrize("text_bytes", [0, 63, 65536])
def test_a_text_of_no_use_is_refused(text_bytes: int) -> None:
    with pytest.raises(RowError, match=f"not {text_bytes}"):
        RowLayout(text_bytes=text_bytes)


def test_a_hidden_state_with_nan_keeps_its_flags() -> None:
    layout = RowLayout()
    for health in LSTM_STATES:
        read = layout.unpack(layout.pack(says(lstm_health=health))).lstm_health
        assert read is not None
        assert (read.has_nan, read.has_inf) == (health.has_nan, health.has_inf)
        assert isinstance(read.has_nan, bool)


SOUND = LSTMHealthMetrics(
    h_norm=1.0,
    c_norm=2.0,
    h_max=0.5,
    c_max=1.0,
    h_rms=0.5,
    c_rms=0.6,
    h_saturation=0.01,
    has_nan=False,
    has_inf=False,
)
LSTM_STATES = [SOUND, replace(SOUND, h_norm=math.nan, has_nan=True), replace(SOUND, has_inf=True)]
