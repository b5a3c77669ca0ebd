"""Reports keep every finding."""

from hypothesis import given
from hypothesis import strategies as st

from telewire.telemetry.anomaly_report import AnomalyReport

findings = st.lists(st.tuples(st.sampled_from(["lstm_nan", "lstm_inf", "numerical_instability"]), st.text()))


def report_of(pairs):
    report = AnomalyReport()
    for anomaly, detail in pairs:
        report.add(anomaly, detail)
    return report


def test_a_new_report_has_no_anomaly():
    assert not AnomalyReport().has_anomaly


def test_two_findings_of_one_type_are_both_kept():
    report = report_of([("lstm_nan", "first"), ("lstm_nan", "second")])
    assert report.details == {"lstm_nan": ["first", "second"]}


@given(findings, findings)
def test_merging_is_the_same_as_adding_the_findings_one_by_one(first, second):
    merged = report_of(first)
    merged.merge(report_of(second))
    assert merged == report_of(first + second)


@given(findings)
def test_merging_leaves_the_other_report_as_it_is(pairs):
    other = report_of(pairs)
    target = AnomalyReport()
    target.merge(other)
    target.merge(other)
    assert other == report_of(pairs)


@given(findings)
def test_there_is_one_line_per_finding(pairs):
    assert sorted(report_of(pairs).lines) == sorted(f"{anomaly}: {detail}" for anomaly, detail in pairs)


def test_types_come_once_in_the_order_of_finding():
    report = report_of([("lstm_inf", "a"), ("lstm_nan", "b"), ("lstm_inf", "c")])
    assert report.anomaly_types == ("lstm_inf", "lstm_nan")


def test_two_reports_never_share_their_details():
    first, second = AnomalyReport(), AnomalyReport()
    first.add("lstm_nan", "x")
    assert not second.has_anomaly


def test_a_finding_that_is_attributed_begins_with_its_rank():
    report = AnomalyReport()
    report.add("lstm_nan", "seen", rank=3)
    report.add("lstm_nan", "seen")
    assert report.lines == ("lstm_nan: rank 3: seen", "lstm_nan: seen")
    assert report.ranks == (3,)


def test_merging_keeps_the_ranks_of_both():
    first, second = AnomalyReport(), AnomalyReport()
    first.add("lstm_nan", "seen", rank=3)
    second.add("lstm_inf", "seen", rank=0)
    first.merge(second)
    assert first.ranks == (0, 3)
