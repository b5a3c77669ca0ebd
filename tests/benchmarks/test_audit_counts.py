"""What the audit goes by is what was counted, and the documentation shows it."""

from __future__ import annotations

import re
from pathlib import Path

from telewire.benchmarks.audit.counts import batches_table, by_kind, kinds_table, read_page, shown
from telewire.verify.audit.calibration import FEWEST_TRUE, JUDGED, Judged

ROOT = Path(__file__).parents[2]
_TABLES = re.compile(r"<!-- made by benchmarks/audit/counts\.py -->\n(.*?)<!-- end -->", re.DOTALL)


def _counts(judged: Judged) -> tuple[int, int, int, int]:
    return judged.true, judged.judged, judged.burst_true, judged.burst_judged


def test_the_audit_goes_by_the_verdicts_of_the_page() -> None:
    counted = {kind: _counts(one) for kind, one in by_kind(read_page()).items()}
    assert counted == {kind: _counts(one) for kind, one in JUDGED.items() if one.judged or one.burst_judged}


def test_the_page_lists_as_many_findings_of_each_batch_as_its_table_says() -> None:
    text = (ROOT / "benchmarks" / "audit" / "first_sight.md").read_text(encoding="utf-8")
    said = {
        row[1]: (int(row[2]), int(row[3]))
        for row in re.finditer(r"^\| (\d+) \| .+? \| (\d+) \| (\d+) \(", text, re.MULTILINE)
    }
    told = read_page()
    listed = {
        batch: (
            sum(one.batch == batch for one in told),
            sum(one.batch == batch and one.is_true for one in told),
        )
        for batch in said
    }
    assert listed == said


def test_the_documentation_shows_the_counts() -> None:
    text = (ROOT / "docs" / "audit" / "README.md").read_text(encoding="utf-8")
    assert _TABLES.findall(text) == [kinds_table(), batches_table(read_page())]


def test_what_is_shown_of_the_judged_findings_is_true_often_enough() -> None:
    kept = shown(read_page())
    assert sum(one.is_true for one in kept) >= FEWEST_TRUE * len(kept)
