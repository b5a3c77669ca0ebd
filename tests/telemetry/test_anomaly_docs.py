"""docs/telemetry/anomalies.md: the bounds that it names are those of the records."""

import re
from pathlib import Path

import pytest

from telewire.registry import shipped_registry
from telewire.telemetry.lstm_health import SATURATED

PAGE = Path(__file__).parents[2] / "docs/telemetry/anomalies.md"
WORDS = {"three": 3, "five": 5}
BOUND = re.compile(r"(?:above|below|more than|>|<) (\d[\d.e-]*)( %)?")
STREAK = re.compile(r"for (\w+) updates")


def named_bounds() -> list[tuple[str, str, float]]:
    """The anomaly, its records and a bound, for each bound in a row of the table."""
    found = []
    for line in PAGE.read_text().splitlines():
        if line.startswith("| ") and "TELE-" in line:
            anomaly, records, when = (cell.strip() for cell in line.strip("|").split(" | "))
            found += [
                (anomaly, records, float(number) / (100 if percent else 1))
                for number, percent in BOUND.findall(when)
            ]
            found += [(anomaly, records, float(WORDS[word])) for word in STREAK.findall(when)]
    return found


def test_the_page_names_bounds() -> None:
    assert len(named_bounds()) >= 12


@pytest.mark.parametrize(("anomaly", "records", "bound"), named_bounds())
def test_a_bound_of_the_page_is_one_of_the_record(anomaly: str, records: str, bound: float) -> None:
    registry = shipped_registry()
    of_records = (registry[record].thresholds.cuts.values() for record in records.split(", "))
    cuts = {float(cut) for of_record in of_records for of_field in of_record for cut in of_field}
    known = {*cuts, SATURATED}
    assert any(one == pytest.approx(bound) for one in known), f"{anomaly}: {sorted(known)}"
