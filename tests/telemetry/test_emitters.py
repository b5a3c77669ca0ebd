"""From measured values to events: nothing is dropped, crossed or made up."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.telemetry.anomaly_report import AnomalyReport
from telewire.telemetry.emitters import (
    NoGradientsError,
    TelemetryEmitter,
    aggregate_layer_gradient_health,
    emit_ppo_update_event,
)
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.measurements import (
    GradientCollection,
    GradientDrift,
    HeadEntropy,
    LayerGradientStats,
    LSTMHealthMetrics,
    NormSource,
    NormState,
    PerformanceTrend,
    RankCoverage,
    RatioExtremes,
    ValueHealth,
)
from telewire.telemetry.payloads import AnomalyPayload, EventKind, LayerDiagnosticsPayload, PPOUpdatePayload


class Collector:
    """A backend that keeps what it gets."""

    name = "collector"

    def __init__(self):
        self.events = []

    def handle(self, event):
        self.events.append(event)


@pytest.fixture
def hub_and_events():
    collector = Collector()
    with TelemetryHub() as hub:
        hub.add_backend(collector)
        yield hub, collector.events


def collection(*, nan_count=0, inf_count=0, norm=1.0, norm_state=NormState.FINITE, passes=1, loss_scale=None):
    return GradientCollection(
        layer_names=("layer",),
        layer_norms=(norm,),
        element_count=100,
        nan_count=nan_count,
        inf_count=inf_count,
        norm=norm,
        norm_state=norm_state,
        norm_source=NormSource.MEASURED,
        norm_error=0.0,
        passes=passes,
        bad_layers=(),
        loss_scale=loss_scale,
        replicated=None,
        sharded=None,
    )


def layer(name="layer", *, nan_count=0, inf_count=0, zero_fraction=0.0, large_fraction=0.0):
    return LayerGradientStats(
        layer_name=name,
        element_count=100,
        nan_count=nan_count,
        inf_count=inf_count,
        norm=1.0,
        mean=0.0,
        std=0.1,
        min=-1.0,
        max=1.0,
        zero_fraction=zero_fraction,
        small_fraction=zero_fraction,
        large_fraction=large_fraction,
    )


# A different number everywhere, so that a crossed wire cannot pass.
HEALTH = LSTMHealthMetrics(
    h_norm=21.0,
    c_norm=22.0,
    h_max=23.0,
    c_max=24.0,
    h_rms=0.5,
    c_rms=0.6,
    h_saturation=0.01,
    has_nan=False,
    has_inf=True,
)
DRIFT = GradientDrift(
    norm_ema=31.0, norm_drift=32.0, health_ema=33.0, health_drift=34.0, is_warming_up=True, streak=35
)
TREND = PerformanceTrend(epoch=41, mean_return=42.5, best_return=43.5, drop=0.44, is_warming_up=False)
METRICS = {
    "head_push_entropy": HeadEntropy(entropy=51.5, normalised=52.5, streak=53),
    "head_hold_entropy": HeadEntropy(entropy=54.5, normalised=55.5, streak=56),
    "ratio": RatioExtremes(max=57.5, min=58.5, std=59.5, highest=(), lowest=()),
    "value_health": ValueHealth(
        phase=0.6, explained_variance=0.61, value_mean=62.5, value_std=63.5, streak=64
    ),
    "advantage_mean": 65.5,
    "advantage_std": 66.5,
    "policy_loss": 1.5,
    "value_loss": 2.5,
    "entropy": 3.5,
    "approx_kl": 4.5,
    "clip_fraction": 5.5,
    "nan_grad_count": 6,
    "inf_grad_count": 7,
    "grad_norm_state": NormState.OVERFLOWED,
    "grad_passes": 16,
    "loss_scale": 17.5,
    "dead_layers": 8,
    "exploding_layers": 9,
    "skipped_steps": 10,
}
ARGUMENTS = {
    "update": 11,
    "episodes": 12,
    "mean_return": 13.5,
    "pre_clip_grad_norm": 14.5,
    "grad_norm": 15.5,
    "grad_norm_variation": 18.5,
    "worst_layer": layer("worst", nan_count=19),
    "performance": TREND,
    "gradient_drift": DRIFT,
    "lstm_health": HEALTH,
    "rank_coverage": RankCoverage(world_size=16, missing=17, unanswered=18),
}


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), min_size=1))
def test_nan_and_inf_counts_are_summed_each_by_its_own_name(counts):
    collections = [collection(nan_count=nan, inf_count=inf) for nan, inf in counts]
    health = aggregate_layer_gradient_health(collections, None)
    assert health["nan_grad_count"] == sum(nan for nan, _ in counts)
    assert health["inf_grad_count"] == sum(inf for _, inf in counts)


def test_a_layer_is_dead_when_nearly_all_of_its_gradient_is_zero():
    layers = [layer(str(share), zero_fraction=share) for share in (0.0, 0.9, 0.91, 1.0, math.nan)]
    assert aggregate_layer_gradient_health([collection()], layers)["dead_layers"] == 2


def test_a_layer_is_exploding_when_more_than_a_tenth_of_its_gradient_is_large():
    layers = [layer(str(share), large_fraction=share) for share in (0.0, 0.1, 0.11, 1.0, math.nan)]
    assert aggregate_layer_gradient_health([collection()], layers)["exploding_layers"] == 2


def test_a_layer_that_was_dead_at_several_steps_is_one_dead_layer():
    layers = [layer("first", zero_fraction=1.0), layer("second"), layer("first", zero_fraction=0.95)]
    assert aggregate_layer_gradient_health([collection()] * 2, layers)["dead_layers"] == 1


def test_layers_that_were_not_measured_are_not_collected():
    health = aggregate_layer_gradient_health([collection()], None)
    assert (health["dead_layers"], health["exploding_layers"]) == (None, None)


def test_the_worst_state_of_the_steps_is_the_state_of_the_update():
    states = [NormState.FINITE, NormState.OVERFLOWED, NormState.UNDERFLOWED]
    health = aggregate_layer_gradient_health([collection(norm_state=state) for state in states], None)
    assert health["grad_norm_state"] is NormState.OVERFLOWED


@pytest.mark.parametrize(
    ("own", "of_the_model"),
    [
        (NormState.FINITE, None),
        (NormState.UNDERFLOWED, None),
        (NormState.OVERFLOWED, NormState.OVERFLOWED),
        (NormState.NOT_FINITE, NormState.NOT_FINITE),
    ],
)
def test_sound_shards_say_nothing_of_the_others_and_broken_ones_are_enough(own, of_the_model):
    shards = collection(nan_count=None, inf_count=None, norm=None, norm_state=own)
    assert aggregate_layer_gradient_health([collection(), shards], None)["grad_norm_state"] is of_the_model


def test_an_optimiser_without_gradients_leaves_the_state_of_the_others():
    none = collection(nan_count=None, inf_count=None, norm=None, norm_state=NormState.NO_GRADIENTS)
    assert aggregate_layer_gradient_health([none, collection()], None)["grad_norm_state"] is NormState.FINITE


def test_the_passes_of_an_update_are_those_of_its_hardest_step():
    steps = [collection(passes=passes) for passes in (1, 3, 2)]
    assert aggregate_layer_gradient_health(steps, None)["grad_passes"] == 3


@pytest.mark.parametrize(("scales", "smallest"), [((8.0, 4.0, 4.0), 4.0), ((None, None), None)])
def test_the_loss_scale_of_an_update_is_its_smallest(scales, smallest):
    steps = [collection(loss_scale=scale) for scale in scales]
    assert aggregate_layer_gradient_health(steps, None)["loss_scale"] == smallest


@pytest.mark.parametrize("key", ["nan_grad_count", "inf_grad_count"])
def test_a_count_that_one_step_lacks_is_missing_from_the_sum(key):
    steps = [collection(), collection(nan_count=None, inf_count=None, norm_state=NormState.UNSETTLED)]
    assert aggregate_layer_gradient_health(steps, None)[key] is None


def test_each_update_is_summed_up_by_its_own_steps():
    steps = [
        collection(
            nan_count=count, inf_count=2 * count, norm_state=state, passes=passes, loss_scale=8.0 * passes
        )
        for count, state, passes in (
            (0, NormState.FINITE, 1),
            (3, NormState.NOT_FINITE, 3),
            (0, NormState.UNDERFLOWED, 2),
        )
    ]
    found = [aggregate_layer_gradient_health([step], None) for step in steps]
    assert [one["grad_norm_state"] for one in found] == [step.norm_state for step in steps]
    assert [one["grad_passes"] for one in found] == [1, 3, 2]
    assert [one["nan_grad_count"] for one in found] == [0, 3, 0]
    assert [one["inf_grad_count"] for one in found] == [0, 6, 0]
    assert [one["loss_scale"] for one in found] == [8.0, 24.0, 16.0]


@pytest.mark.parametrize(
    "collections", [[], [collection(nan_count=None, inf_count=None, norm_state=NormState.NO_GRADIENTS)]]
)
def test_counts_of_nothing_are_an_error_and_no_zero(collections):
    with pytest.raises(NoGradientsError, match=r"after backward\(\) and before zero_grad\(\)"):
        aggregate_layer_gradient_health(collections, None)


def test_every_value_of_an_update_arrives_under_its_own_name(hub_and_events):
    hub, events = hub_and_events
    emit_ppo_update_event(hub, metrics=METRICS, **ARGUMENTS)
    assert hub.flush()
    payload = events[0].payload
    sent = {field.name: getattr(payload, field.name) for field in dataclasses.fields(payload)}
    assert sent == {**METRICS, **ARGUMENTS}


@pytest.mark.parametrize("field", [*METRICS, *ARGUMENTS])
def test_each_update_is_published_with_its_own_values(hub_and_events, field):
    hub, events = hub_and_events
    emitter = TelemetryEmitter(hub)
    for number in range(3):
        metrics = {**METRICS, **({field: number} if field in METRICS else {})}
        arguments = {**ARGUMENTS, **({field: number} if field in ARGUMENTS else {})}
        emitter.emit_ppo_update(metrics=metrics, **arguments)
    assert hub.flush()
    assert [getattr(event.payload, field) for event in events] == [0, 1, 2]


def test_the_emitter_publishes_the_same_update_as_the_function(hub_and_events):
    hub, events = hub_and_events
    emit_ppo_update_event(hub, metrics=METRICS, **ARGUMENTS)
    TelemetryEmitter(hub).emit_ppo_update(metrics=METRICS, **ARGUMENTS)
    assert hub.flush()
    assert events[0].payload == events[1].payload
    assert isinstance(events[1].payload, PPOUpdatePayload)


@pytest.mark.parametrize("missing", METRICS)
def test_a_metric_that_nobody_computed_is_an_error_and_no_zero(hub_and_events, missing):
    hub, events = hub_and_events
    incomplete = {key: value for key, value in METRICS.items() if key != missing}
    with pytest.raises(KeyError, match=missing):
        emit_ppo_update_event(hub, metrics=incomplete, **ARGUMENTS)
    assert hub.flush()
    assert events == []


def test_an_event_carries_its_kind_and_the_time(hub_and_events, monkeypatch):
    hub, events = hub_and_events
    monkeypatch.setattr("telewire.telemetry.emitters.time.time", lambda: 1234.5)
    TelemetryEmitter(hub).emit_ppo_update(metrics=METRICS, **ARGUMENTS)
    assert hub.flush()
    assert (events[0].kind, events[0].timestamp) == (EventKind.PPO_UPDATE, 1234.5)


def test_an_anomaly_carries_its_types_once_and_all_its_findings(hub_and_events):
    hub, events = hub_and_events
    report = AnomalyReport()
    report.add("lstm_nan", "first")
    report.add("lstm_nan", "second")
    TelemetryEmitter(hub).emit_anomaly(update=3, report=report)
    assert hub.flush()
    assert events[0].kind is EventKind.ANOMALY
    assert events[0].payload == AnomalyPayload(
        update=3, anomalies=("lstm_nan",), details=("lstm_nan: first", "lstm_nan: second"), ranks=()
    )


def test_an_anomaly_carries_the_ranks_that_it_was_found_on(hub_and_events):
    hub, events = hub_and_events
    report = AnomalyReport()
    report.add("lstm_nan", "seen", rank=3)
    report.add("lstm_inf", "seen", rank=1)
    TelemetryEmitter(hub).emit_anomaly(update=3, report=report)
    assert hub.flush()
    assert events[0].payload.ranks == (1, 3)
    assert events[0].payload.details == ("lstm_nan: rank 3: seen", "lstm_inf: rank 1: seen")


def test_a_rank_that_leaves_it_to_another_emits_nothing():
    report = AnomalyReport()
    report.add("lstm_nan", "seen")
    silent = TelemetryEmitter(None)
    silent.emit_ppo_update(metrics=METRICS, **ARGUMENTS)
    silent.emit_anomaly(update=3, report=report)
    silent.emit_layer_diagnostics(update=3, layers=[layer()])


def test_each_report_is_published_with_its_own_details(hub_and_events):
    hub, events = hub_and_events
    emitter = TelemetryEmitter(hub)
    for update, kind, detail in ((3, "lstm_nan", "first"), (4, "lstm_inf", "second")):
        report = AnomalyReport()
        report.add(kind, detail)
        emitter.emit_anomaly(update=update, report=report)
    assert hub.flush()
    assert [event.payload.details for event in events] == [("lstm_nan: first",), ("lstm_inf: second",)]


def test_a_report_without_anomalies_publishes_nothing(hub_and_events):
    hub, events = hub_and_events
    TelemetryEmitter(hub).emit_anomaly(update=3, report=AnomalyReport())
    assert hub.flush()
    assert events == []


def test_layer_diagnostics_carry_every_layer_in_order(hub_and_events):
    hub, events = hub_and_events
    layers = [layer(nan_count=1), layer(nan_count=2)]
    TelemetryEmitter(hub).emit_layer_diagnostics(update=4, layers=layers)
    assert hub.flush()
    assert events[0].kind is EventKind.LAYER_DIAGNOSTICS
    assert events[0].payload == LayerDiagnosticsPayload(update=4, layers=tuple(layers))
