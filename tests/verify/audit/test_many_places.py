"""An instrument whose field has a name that thousands of other objects have, too."""

from __future__ import annotations

from pathlib import Path

from telewire.verify.audit import audit, find_targets
from telewire.verify.findings import Confidence

_METRICS = """\
from prometheus_client import Histogram


class Metrics:
    def __init__(self) -> None:
        self.batch_size = Histogram("batch_size", "Requests of one batch", ["reason"])

    def observe_batch(self, size: int, reason: str) -> None:
        self.batch_size.labels(reason).observe(size)
"""
_READS = "".join(f"def read_{n}(config):\n    return config.batch_size\n\n\n" for n in range(4100))


def rules_of(folder: Path) -> list[str]:
    (target,) = find_targets([folder])
    return [one.rule for one in audit(target, codes=["TW515"], min_confidence=Confidence.LOW).findings]


def test_an_instrument_that_is_recorded_is_not_lost_among_fields_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_METRICS + "\n\n" + _READS, encoding="utf-8")
    assert rules_of(tmp_path) == []


def test_a_search_that_is_cut_off_accuses_nobody(tmp_path: Path) -> None:
    unrecorded = _METRICS.partition("    def observe")[0]
    (tmp_path / "main.py").write_text(unrecorded + "\n\n" + _READS, encoding="utf-8")
    assert rules_of(tmp_path) == []


def test_an_instrument_that_nobody_records_in_is_found_where_few_fields_have_its_name(tmp_path: Path) -> None:
    unrecorded = _METRICS.partition("    def observe")[0]
    (tmp_path / "main.py").write_text(unrecorded, encoding="utf-8")
    assert rules_of(tmp_path) == ["TW515"]
