"""Each number gets a sentinel of its own."""

from __future__ import annotations

import pytest

from telewire.registry import Record
from telewire.verify.evidence.probes.sentinels import sentinels

from ..app_project import RECORD

PROBE = {"drive": "tests.drives:drive", "values": [0, 2, 7]}


def record(number: int = 301, **changes: object) -> Record:
    return Record.model_validate(RECORD | {"id": f"TELE-{number}", "probe": PROBE} | changes)


def test_no_two_records_have_the_same() -> None:
    chosen = sentinels([record(number) for number in range(300, 340)])
    assert len(set(chosen.values())) == 40


def test_it_does_not_depend_on_the_order_of_the_records() -> None:
    records = [record(300), record(301), record(302)]
    assert sentinels(records) == sentinels(reversed(records))


def test_no_record_is_probed_with_it() -> None:
    others = record(300, probe=PROBE | {"values": [11, 12, 13]})
    assert sentinels([others, record(301)]) == {"TELE-300": 14, "TELE-301": 15}


def test_a_float_lies_between_the_values_of_its_probe() -> None:
    one = record(type="float", range="[0, 1]", default=0.0, probe=PROBE | {"values": [0.25, 0.5]})
    found = sentinels([one])["TELE-301"]
    assert isinstance(found, float)
    assert 0.25 < found < 0.5


def test_it_lies_in_the_range() -> None:
    found = sentinels([record(range="[0, 5]", probe=PROBE | {"values": [0, 5]})])
    assert found == {"TELE-301": 4}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"probe": PROBE | {"sentinel": False}}, "the record says so"),
        (
            {
                "type": "bool",
                "range": None,
                "default": False,
                "thresholds": {"healthy": {"when": "not value", "means": "fine"}},
                "probe": PROBE | {"values": [True, False]},
            },
            "a value of type bool is no number",
        ),
        (
            {"range": "[0, 1]", "probe": PROBE | {"values": [0, 1]}},
            "its range leaves no number that no other record has",
        ),
    ],
)
def test_where_there_is_none_it_is_said_why(changes: dict[str, object], reason: str) -> None:
    assert sentinels([record(**changes)]) == {"TELE-301": reason}


def test_a_record_without_a_probe_has_none() -> None:
    assert sentinels([record(probe=None)]) == {}
