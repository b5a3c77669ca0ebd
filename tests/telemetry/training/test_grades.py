import math
from collections.abc import Callable
from typing import Any

import pytest

from telewire.registry import NOT_COLLECTED, shipped_registry
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.measurements import HeadEntropy
from telewire.telemetry.sanctum.aggregator import SanctumAggregator
from telewire.telemetry.sanctum.schema import TamiyoState
from telewire.telemetry.training.grades import GradingBackend, StaleSnapshotError, grade_state
from telewire.telemetry.training.inject import Injection
from telewire.telemetry.training.loop import TrainingConfig, TrainingLoop


@pytest.fixture
def grade_run() -> Callable[..., GradingBackend]:
    """Grade a small training run."""

    def run(*inject: str) -> GradingBackend:
        aggregator = SanctumAggregator()
        grading = GradingBackend(aggregator)
        with TelemetryHub() as hub:
            hub.add_backend(aggregator)
            hub.add_backend(grading)
            injections = [Injection.parse(text) for text in inject]
            TrainingLoop(TrainingConfig(episodes=1, envs=2), hub, injections=injections).run()
        return grading

    return run


def test_every_update_is_graded_by_every_record(grade_run: Callable[..., GradingBackend]) -> None:
    graded = grade_run().take()
    assert [update.update for update in graded] == [1, 2, 3, 4, 5]
    for update in graded:
        assert [grade.record_id for grade in update.grades] == [
            record.id for record in shipped_registry() if record.schema_.at.name == "TamiyoState"
        ]


def test_slugs_are_those_of_the_records(grade_run: Callable[..., GradingBackend]) -> None:
    registry = shipped_registry()
    for grade in grade_run().take()[0].grades:
        assert grade.slug == registry[grade.record_id].slug


def test_a_healthy_run_grades_healthy_throughout(grade_run: Callable[..., GradingBackend]) -> None:
    assert {update.worst.name for update in grade_run().take()} == {"healthy"}


@pytest.mark.parametrize(
    ("inject", "record_id", "level"),
    [
        ("nan:3@2", "TELE-300", "warning"),
        ("nan:6@2", "TELE-300", "critical"),
        ("inf:5@2", "TELE-301", "warning"),
        ("inf:7@2", "TELE-301", "critical"),
    ],
)
def test_injected_elements_are_graded_by_their_number(
    grade_run: Callable[..., GradingBackend], inject: str, record_id: str, level: str
) -> None:
    counts = grade_run(inject).tally().counts
    assert counts[record_id] == {level: 1, "healthy": 4}


def test_a_norm_that_is_nan_is_shown_as_such_and_never_healthy(
    grade_run: Callable[..., GradingBackend],
) -> None:
    grades = grade_run("inf@2").take()[1].grades
    norm = next(grade for grade in grades if grade.record_id == "TELE-310")
    assert norm.value == "nan"
    assert norm.level.name != "healthy"


def test_taken_updates_are_not_given_again(grade_run: Callable[..., GradingBackend]) -> None:
    grading = grade_run()
    grading.take()
    assert grading.take() == []


def test_the_tally_counts_every_update(grade_run: Callable[..., GradingBackend]) -> None:
    tally = grade_run().tally()
    assert tally.updates == 5
    assert tally.newest is not None
    assert tally.newest.update == 5
    assert all(sum(counted.values()) == 5 for counted in tally.counts.values())


def test_values_that_were_not_collected_say_so() -> None:
    grades = {grade.record_id: grade for grade in grade_state(TamiyoState(update=1))}
    for record_id in ("TELE-310", "TELE-311", "TELE-340"):
        assert (grades[record_id].value, grades[record_id].level) == ("not collected", NOT_COLLECTED)


def test_a_family_of_fields_has_the_grade_of_its_worst_member() -> None:
    state = TamiyoState(
        update=9,
        head_push_entropy=HeadEntropy(entropy=0.5, normalised=0.72, streak=0),
        head_hold_entropy=HeadEntropy(entropy=0.01, normalised=0.014, streak=4),
    )
    (heads,) = [grade for grade in grade_state(state) if grade.record_id == "TELE-101"]
    assert (heads.value, heads.level.name) == ("0.5, 0.01", "warning")


def test_the_history_is_graded_by_its_newest_norm() -> None:
    state = TamiyoState(update=2, grad_norm=1.0)
    state.grad_norm_history.extend([1.0, math.inf])
    history = next(grade for grade in grade_state(state) if grade.record_id == "TELE-311")
    assert (history.value, history.level.name) == ("inf", "critical")


def test_a_snapshot_of_another_update_is_not_graded(train: Callable[..., Any]) -> None:
    _, recorder = train()
    grading = GradingBackend(SanctumAggregator())
    with pytest.raises(StaleSnapshotError, match="update 1 is to be graded, the snapshot holds None"):
        grading.handle(recorder.events[0])
