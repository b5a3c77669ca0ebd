"""A plain training loop in Sanctum: its steps in the state and on the banner."""

import dataclasses
import math

import pytest

from telewire.registry import Condition, Level, Record, Thresholds, shipped_registry
from telewire.telemetry.payloads import (
    GradientStage,
    LayerGradientStats,
    NormState,
    PolicyMetricsPayload,
    RankCoverage,
    TrainingStepPayload,
)
from telewire.telemetry.sanctum import SanctumAggregator
from telewire.telemetry.sanctum.schema import LoopState
from telewire.telemetry.sanctum.widgets import StatusBanner, status_banner

# Every value differs from every other, so that two swapped fields cannot pass.
SENTINELS: dict[str, object] = {
    "step": 201,
    "loss": 2.02,
    "learning_rate": 0.203,
    "loss_scale": 204.0,
    "step_seconds": 2.05,
    "gradient_stage": GradientStage.AFTER_CLIPPING,
    "nan_grad_count": 206,
    "inf_grad_count": 207,
    "grad_norm_state": NormState.OVERFLOWED,
    "grad_passes": 213,
    "grad_norm_variation": 2.14,
    "worst_layer": LayerGradientStats("layer", 4, 0, 1, 1.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0, 0.25),
    "gradient_drift": "any drift",
    "dead_layers": 211,
    "exploding_layers": 212,
    "pre_clip_grad_norm": 20.8,
    "grad_norm": 2.09,
    "skipped_steps": 210,
    "rank_coverage": RankCoverage(world_size=216, missing=217, unanswered=218),
}

POLICY_SENTINELS: dict[str, object] = {
    "update": 301,
    "episodes": 302,
    "mean_return": 30.3,
    "policy_loss": 3.04,
    "value_loss": 3.05,
    "entropy": 3.06,
    "approx_kl": 3.07,
    "clip_fraction": 0.308,
}


def build_step(**changes: object) -> TrainingStepPayload:
    fields: dict[str, object] = {
        "step": 12,
        "loss": 0.345,
        "learning_rate": 0.01,
        "loss_scale": None,
        "step_seconds": 0.25,
        "gradient_stage": GradientStage.BEFORE_CLIPPING,
        "nan_grad_count": 0,
        "inf_grad_count": 0,
        "grad_norm_state": NormState.FINITE,
        "grad_passes": 1,
        "grad_norm_variation": 0.1,
        "worst_layer": None,
        "gradient_drift": None,
        "dead_layers": None,
        "exploding_layers": None,
        "pre_clip_grad_norm": 1.25,
        "grad_norm": 1.0,
        "skipped_steps": 0,
        "rank_coverage": None,
    }
    return TrainingStepPayload(**(fields | changes))  # type: ignore[arg-type]


def state_after(*payloads: TrainingStepPayload):
    aggregator = SanctumAggregator()
    for payload in payloads:
        aggregator.handle_training_step(payload)
    return aggregator.get_snapshot()


def banner(**changes: object) -> str:
    return StatusBanner.banner_text(state_after(build_step(**changes))).plain


def test_sentinels_cover_every_field_of_a_step() -> None:
    assert set(SENTINELS) == {field.name for field in dataclasses.fields(TrainingStepPayload)}


@pytest.mark.parametrize("name", sorted(SENTINELS))
def test_each_field_of_a_step_arrives_in_the_state_field_of_its_name(name: str) -> None:
    snapshot = state_after(build_step(**SENTINELS))
    state = snapshot.loop if hasattr(snapshot.loop, name) else snapshot.tamiyo
    assert getattr(state, name) == SENTINELS[name]


@pytest.mark.parametrize("name", sorted(SENTINELS))
def test_each_step_replaces_what_the_one_before_has_stored(name: str) -> None:
    newest = build_step(**SENTINELS)
    for payloads in ((newest, build_step()), (build_step(), newest), (build_step(), newest, build_step())):
        snapshot = state_after(*payloads)
        state = snapshot.loop if hasattr(snapshot.loop, name) else snapshot.tamiyo
        assert getattr(state, name) == getattr(payloads[-1], name)


def test_a_step_stands_for_an_update_so_that_all_widgets_show_it() -> None:
    assert state_after(build_step(step=7)).tamiyo.update == 7


def test_each_step_appends_its_norm_to_the_history() -> None:
    snapshot = state_after(build_step(grad_norm=0.5), build_step(grad_norm=None), build_step(grad_norm=0.25))
    assert list(snapshot.tamiyo.grad_norm_history) == [0.5, 0.25]


def test_what_a_newer_step_did_not_collect_is_forgotten() -> None:
    snapshot = state_after(build_step(), build_step(loss=None, learning_rate=None, grad_norm=None))
    assert (snapshot.loop.loss, snapshot.loop.learning_rate) == (None, None)
    assert snapshot.tamiyo.grad_norm is None


def test_a_snapshot_does_not_change_with_later_steps() -> None:
    aggregator = SanctumAggregator()
    aggregator.handle_training_step(build_step(step=1))
    snapshot = aggregator.get_snapshot()
    aggregator.handle_training_step(build_step(step=2))
    assert snapshot.loop.step == 1


def test_the_banner_of_a_plain_loop_shows_its_step_in_place_of_episodes() -> None:
    second_line = banner(step=1234).splitlines()[1]
    assert second_line.startswith("step 1,234   loss 0.345 healthy   lr 0.010 healthy")
    assert "episodes" not in second_line


def test_the_banner_of_a_plain_loop_fits_80_columns() -> None:
    text = banner(step=1_234_567, loss=-1.2e-9, learning_rate=1e-5, step_seconds=12.345)
    assert max(len(line) for line in text.splitlines()) <= 76


@pytest.mark.parametrize(("loss", "shown"), [(0.25, "loss 0.250 healthy"), (math.inf, "loss inf CRITICAL")])
def test_the_banner_shows_the_loss_with_its_grade(loss: float, shown: str) -> None:
    assert shown in banner(loss=loss)


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(0.0, "lr 0.000 WARNING"), (-0.1, "lr -0.100 CRITICAL")],
)
def test_the_banner_shows_the_learning_rate_with_its_grade(rate: float, shown: str) -> None:
    assert shown in banner(learning_rate=rate)


def test_a_loss_that_is_no_number_makes_the_status_critical() -> None:
    assert banner(loss=math.nan).startswith("CRITICAL")


def test_a_loss_that_is_not_given_says_so() -> None:
    assert "loss not collected" in banner(loss=None)


def test_sentinels_cover_every_field_of_the_policy_metrics() -> None:
    assert set(POLICY_SENTINELS) == {field.name for field in dataclasses.fields(PolicyMetricsPayload)}


@pytest.mark.parametrize("name", sorted(POLICY_SENTINELS.keys() - {"update"}))
def test_each_policy_metric_arrives_in_the_state_field_of_its_name(name: str) -> None:
    aggregator = SanctumAggregator()
    aggregator.handle_training_step(build_step())
    aggregator.handle_policy_metrics(PolicyMetricsPayload(**POLICY_SENTINELS))  # type: ignore[arg-type]
    assert getattr(aggregator.get_snapshot().tamiyo, name) == POLICY_SENTINELS[name]


def test_policy_metrics_leave_the_gradients_of_their_step_alone() -> None:
    aggregator = SanctumAggregator()
    aggregator.handle_training_step(build_step(step=301, inf_grad_count=7))
    aggregator.handle_policy_metrics(PolicyMetricsPayload(**POLICY_SENTINELS))  # type: ignore[arg-type]
    snapshot = aggregator.get_snapshot()
    assert (snapshot.tamiyo.update, snapshot.loop.step, snapshot.tamiyo.inf_grad_count) == (301, 301, 7)


def test_the_banner_of_a_library_of_reinforcement_learning_shows_the_mean_return_for_the_loss() -> None:
    aggregator = SanctumAggregator()
    aggregator.handle_training_step(build_step(step=301, loss=None))
    aggregator.handle_policy_metrics(PolicyMetricsPayload(**POLICY_SENTINELS))  # type: ignore[arg-type]
    second_line = StatusBanner.banner_text(aggregator.get_snapshot()).plain.splitlines()[1]
    assert second_line == "step 301   episodes 302   mean return 30.3   lr 0.010 healthy   0.25 s"


def test_a_learning_rate_of_zero_makes_the_status_a_warning_for_its_step_alone() -> None:
    texts = [banner(learning_rate=rate).split()[0] for rate in (0.01, 0.0, 0.01, -0.01)]
    assert texts == ["OK", "WARNING", "OK", "CRITICAL"]


def test_the_grade_of_each_step_is_its_own_on_one_banner_after_the_other() -> None:
    seen = [
        StatusBanner.banner_text(state_after(build_step(loss=loss, learning_rate=rate)))
        for loss, rate in ((0.5, 0.0), (math.nan, 0.5), (0.25, 0.25))
    ]
    lines = [text.plain.splitlines()[1] for text in seen]
    assert lines == [
        "step 12   loss 0.500 healthy   lr 0.000 WARNING   0.25 s",
        "step 12   loss NaN CRITICAL   lr 0.500 healthy   0.25 s",
        "step 12   loss 0.250 healthy   lr 0.250 healthy   0.25 s",
    ]
    styles = [[str(span.style) for span in text.spans][-3:-1] for text in seen]
    assert styles == [["green", "bold yellow"], ["bold red", "green"], ["green", "green"]]


def test_a_run_of_updates_shows_no_step() -> None:
    snapshot = state_after(build_step())
    without = dataclasses.replace(snapshot, loop=LoopState())
    assert "step" not in StatusBanner.banner_text(without).plain


def bounded(record_id: str, bound: float) -> Record:
    """A shipped record that calls a value healthy up to a bound of its own."""
    record = shipped_registry()[record_id]
    subject = record.thresholds.subject
    levels = (
        Level("healthy", 0, "small", Condition(f"value <= {bound}", subject)),
        Level("warning", 10, "large", Condition(f"value > {bound}", subject)),
    )
    return record.model_copy(update={"thresholds": Thresholds(levels, subject)})


def test_the_banner_takes_the_bounds_of_loss_and_learning_rate_from_their_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = {record.id: record for record in shipped_registry()}
    records |= {"TELE-020": bounded("TELE-020", 0.4), "TELE-021": bounded("TELE-021", 0.015)}
    monkeypatch.setattr(status_banner, "shipped_registry", lambda: records)
    texts = [
        banner(loss=loss, learning_rate=rate).splitlines()
        for loss, rate in ((0.345, 0.01), (0.45, 0.01), (0.345, 0.02), (0.345, 0.01))
    ]
    assert [(first.split()[0], second.partition("   0.25")[0]) for first, second in texts] == [
        ("OK", "step 12   loss 0.345 healthy   lr 0.010 healthy"),
        ("WARNING", "step 12   loss 0.450 WARNING   lr 0.010 healthy"),
        ("WARNING", "step 12   loss 0.345 healthy   lr 0.020 WARNING"),
        ("OK", "step 12   loss 0.345 healthy   lr 0.010 healthy"),
    ]
