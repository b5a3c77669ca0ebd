"""The overall status of the banner: the worst grade of everything that has a record."""

from collections import deque
from collections.abc import Iterator
from dataclasses import fields
from fnmatch import fnmatchcase

import pytest

from telewire.registry import NOT_COLLECTED, Grade, Record, shipped_registry, worst_grade
from telewire.telemetry.measurements import LayerGradientStats
from telewire.telemetry.sanctum.schema import LoopState, SanctumSnapshot, TamiyoState
from telewire.telemetry.sanctum.widgets import StatusBanner
from telewire.telemetry.training.grades import grade_state

STATES = {"TamiyoState": TamiyoState, "LoopState": LoopState}


def records() -> list[Record]:
    """The records whose values a snapshot holds."""
    return [record for record in shipped_registry() if record.schema_.at.name in STATES]


def signals() -> Iterator[tuple[str, str, object, str]]:
    """Each field of a snapshot that has a record, with each value of the record's own tests and its level."""
    for record in records():
        state = STATES[record.schema_.at.name]
        names = [field.name for field in fields(state) if fnmatchcase(field.name, record.schema_.field)]
        for name in names:
            for test in record.threshold_tests:
                for value, level in zip(test.values, test.levels, strict=True):
                    # The tests of a history name its newest element.
                    yield record.id, name, deque([value]) if name.endswith("_history") else value, level


def snapshot_of(record_id: str, name: str, value: object) -> SanctumSnapshot:
    """A snapshot in which nothing but one field was collected."""
    if shipped_registry()[record_id].schema_.at.name == "LoopState":
        return SanctumSnapshot(tamiyo=TamiyoState(update=1), loop=LoopState(**{name: value}))  # type: ignore[arg-type]
    return SanctumSnapshot(tamiyo=TamiyoState(update=1, **{name: value}))  # type: ignore[arg-type]


def grades_of(snapshot: SanctumSnapshot) -> list[Grade]:
    """What each record says of a snapshot."""
    loop = [
        record.grade(getattr(snapshot.loop, record.schema_.field))
        for record in records()
        if record.schema_.at.name == "LoopState"
    ]
    return [*(graded.level for graded in grade_state(snapshot.tamiyo)), *loop]


@pytest.mark.parametrize(("record_id", "name", "value", "level"), list(signals()))
def test_the_status_is_at_least_as_bad_as_each_signal_alone(
    record_id: str, name: str, value: object, level: str
) -> None:
    status = StatusBanner.status(snapshot_of(record_id, name, value))
    assert status is not None
    # The counts of NaN and Inf start at zero, and are healthy beside what was not collected.
    assert status.name == ("healthy" if level == NOT_COLLECTED.name else level)


@pytest.mark.parametrize(("record_id", "name", "value"), [signal[:3] for signal in signals()])
def test_the_status_is_the_worst_grade_of_all_records(record_id: str, name: str, value: object) -> None:
    snapshot = snapshot_of(record_id, name, value)
    assert StatusBanner.status(snapshot) == worst_grade(grades_of(snapshot))


@pytest.mark.parametrize("turn", [1, -1], ids=["forward", "backward"])
def test_the_status_is_that_of_its_own_snapshot(turn: int) -> None:
    expected = [(signal, "healthy" if signal[3] == NOT_COLLECTED.name else signal[3]) for signal in signals()]
    found = [StatusBanner.status(snapshot_of(*signal[:3])) for signal, _ in expected[::turn]]
    assert [status and status.name for status in found[::turn]] == [level for _, level in expected]


def test_each_record_of_a_snapshot_has_a_level_that_is_not_healthy_among_its_tests() -> None:
    alarming = {
        record_id for record_id, _, _, level in signals() if level not in ("healthy", "not collected")
    }
    counts_only = {"TELE-022"}
    assert {record.id for record in records()} - alarming == counts_only


@pytest.mark.parametrize("fraction", ["zero_fraction", "large_fraction"])
def test_the_banner_has_no_word_for_the_training_that_is_one_for_a_layer(fraction: str) -> None:
    values = dict.fromkeys(("zero_fraction", "small_fraction", "large_fraction"), 0.0) | {fraction: 1.0}
    layer = LayerGradientStats("layer", 4, 0, 0, 1.0, 0.0, 1.0, -1.0, 1.0, **values)
    snapshot = SanctumSnapshot(tamiyo=TamiyoState(update=1, worst_layer=layer))
    assert StatusBanner.banner_text(snapshot).plain.startswith("WARNING ")
