"""SanctumAggregator: telemetry events in, consistent snapshots out."""

import dataclasses
import math
import threading
from collections.abc import Callable

import pytest

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import (
    AnomalyPayload,
    EventKind,
    GradientDrift,
    HeadEntropy,
    LayerDiagnosticsPayload,
    LayerGradientStats,
    LSTMHealthMetrics,
    NormState,
    PerformanceTrend,
    PPOUpdatePayload,
    RankCoverage,
    RatioExtremes,
    TelemetryEvent,
    ValueHealth,
)
from telewire.telemetry.sanctum import GRAD_NORM_WINDOW, SanctumAggregator

UpdateFactory = Callable[..., PPOUpdatePayload]

# Every value differs from every other, so that two swapped fields cannot pass.
SENTINELS: dict[str, object] = {
    "update": 101,
    "episodes": 102,
    "mean_return": 103.5,
    "performance": PerformanceTrend(
        epoch=131, mean_return=132.5, best_return=133.5, drop=0.134, is_warming_up=True
    ),
    "policy_loss": -0.104,
    "value_loss": 0.105,
    "entropy": 0.106,
    "head_push_entropy": HeadEntropy(entropy=0.135, normalised=0.136, streak=137),
    "head_hold_entropy": HeadEntropy(entropy=0.138, normalised=0.139, streak=140),
    "approx_kl": 0.107,
    "clip_fraction": 0.108,
    "ratio": RatioExtremes(max=1.41, min=0.142, std=0.143, highest=(), lowest=()),
    "value_health": ValueHealth(
        phase=0.144, explained_variance=0.145, value_mean=1.46, value_std=1.47, streak=148
    ),
    "advantage_mean": 0.149,
    "advantage_std": 1.5,
    "pre_clip_grad_norm": 109.5,
    "grad_norm": 1.11,
    "nan_grad_count": 111,
    "inf_grad_count": 112,
    "grad_norm_state": NormState.UNDERFLOWED,
    "grad_passes": 120,
    "grad_norm_variation": 1.21,
    "loss_scale": 122.5,
    "dead_layers": 113,
    "exploding_layers": 114,
    "gradient_drift": GradientDrift(
        norm_ema=1.25, norm_drift=0.126, health_ema=0.127, health_drift=0.128, is_warming_up=True, streak=129
    ),
    "lstm_health": LSTMHealthMetrics(
        h_norm=1.15,
        c_norm=1.16,
        h_max=0.117,
        c_max=0.118,
        h_rms=0.151,
        c_rms=1.52,
        h_saturation=0.153,
        has_nan=False,
        has_inf=True,
    ),
    "skipped_steps": 119,
    "rank_coverage": RankCoverage(world_size=120, missing=121, unanswered=122),
}


@pytest.fixture
def aggregator() -> SanctumAggregator:
    return SanctumAggregator()


def anomaly(update: int, *types: str) -> AnomalyPayload:
    return AnomalyPayload(
        update=update, anomalies=types, details=tuple(f"{name}: seen" for name in types), ranks=()
    )


def layer(name: str) -> LayerGradientStats:
    return LayerGradientStats(
        layer_name=name,
        element_count=4,
        nan_count=1,
        inf_count=2,
        norm=1.0,
        mean=0.0,
        std=1.0,
        min=-1.0,
        max=1.0,
        zero_fraction=0.0,
        small_fraction=0.0,
        large_fraction=0.0,
    )


SENTINELS["worst_layer"] = layer("worst")


def test_sentinels_cover_every_field_of_the_payload() -> None:
    assert set(SENTINELS) == {field.name for field in dataclasses.fields(PPOUpdatePayload)}


@pytest.mark.parametrize("name", sorted(SENTINELS))
def test_each_payload_field_arrives_in_the_state_field_of_its_name(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory, name: str
) -> None:
    aggregator.handle_ppo_update(ppo_update(**SENTINELS))
    assert getattr(aggregator.get_snapshot().tamiyo, name) == SENTINELS[name]


@pytest.mark.parametrize("name", sorted(SENTINELS))
def test_each_update_replaces_what_the_one_before_has_stored(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory, name: str
) -> None:
    newest = ppo_update(**SENTINELS)
    for payload in (newest, ppo_update(), newest):
        aggregator.handle_ppo_update(payload)
        assert getattr(aggregator.get_snapshot().tamiyo, name) == getattr(payload, name)
    assert getattr(newest, name) != getattr(ppo_update(), name)


def test_nothing_is_known_before_the_first_event(aggregator: SanctumAggregator) -> None:
    snapshot = aggregator.get_snapshot()
    assert snapshot.tamiyo.update is None
    assert snapshot.last_event_at is None


def test_counts_default_to_zero_as_their_records_declare(aggregator: SanctumAggregator) -> None:
    tamiyo = aggregator.get_snapshot().tamiyo
    assert (tamiyo.nan_grad_count, tamiyo.inf_grad_count) == (0, 0)


def test_grad_norm_history_starts_empty_with_ten_places(aggregator: SanctumAggregator) -> None:
    history = aggregator.get_snapshot().tamiyo.grad_norm_history
    assert (len(history), history.maxlen) == (0, 10)


def test_each_update_appends_its_grad_norm_to_the_history(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    for norm in (0.5, 0.25, 0.75):
        aggregator.handle_ppo_update(ppo_update(grad_norm=norm))
    assert list(aggregator.get_snapshot().tamiyo.grad_norm_history) == [0.5, 0.25, 0.75]


def test_history_keeps_only_the_newest_ten_norms(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    for update in range(GRAD_NORM_WINDOW + 5):
        aggregator.handle_ppo_update(ppo_update(update=update, grad_norm=float(update)))
    assert list(aggregator.get_snapshot().tamiyo.grad_norm_history) == [float(n) for n in range(5, 15)]


def test_norm_that_was_not_collected_is_no_point_of_the_history(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    aggregator.handle_ppo_update(ppo_update(grad_norm=0.5))
    aggregator.handle_ppo_update(ppo_update(grad_norm=None))
    tamiyo = aggregator.get_snapshot().tamiyo
    assert (tamiyo.grad_norm, list(tamiyo.grad_norm_history)) == (None, [0.5])


def test_zero_norm_is_a_point_of_the_history(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    aggregator.handle_ppo_update(ppo_update(grad_norm=0.0))
    assert list(aggregator.get_snapshot().tamiyo.grad_norm_history) == [0.0]


def test_nan_norm_is_a_point_of_the_history(aggregator: SanctumAggregator, ppo_update: UpdateFactory) -> None:
    aggregator.handle_ppo_update(ppo_update(grad_norm=math.nan))
    assert math.isnan(aggregator.get_snapshot().tamiyo.grad_norm_history[-1])


def test_lstm_health_that_is_no_longer_collected_is_forgotten(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    aggregator.handle_ppo_update(ppo_update())
    aggregator.handle_ppo_update(ppo_update(lstm_health=None))
    assert aggregator.get_snapshot().tamiyo.lstm_health is None


def test_snapshot_does_not_change_with_later_updates(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    aggregator.handle_ppo_update(ppo_update(update=1, grad_norm=0.5))
    aggregator.handle_anomaly(anomaly(1, "lstm_nan"))
    snapshot = aggregator.get_snapshot()
    aggregator.handle_ppo_update(ppo_update(update=2, grad_norm=0.7))
    aggregator.handle_anomaly(anomaly(1, "lstm_inf"))
    assert snapshot.tamiyo.update == 1
    assert list(snapshot.tamiyo.grad_norm_history) == [0.5]
    assert snapshot.tamiyo.anomalies == ["lstm_nan"]
    assert dict(snapshot.tamiyo.anomaly_counts) == {"lstm_nan": 1}


def test_changing_a_snapshot_does_not_reach_the_aggregator(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    aggregator.handle_ppo_update(ppo_update(grad_norm=0.5))
    aggregator.get_snapshot().tamiyo.grad_norm_history.append(99.0)
    assert list(aggregator.get_snapshot().tamiyo.grad_norm_history) == [0.5]


def test_copied_history_still_has_ten_places(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    aggregator.handle_ppo_update(ppo_update())
    assert aggregator.get_snapshot().tamiyo.grad_norm_history.maxlen == GRAD_NORM_WINDOW


def test_anomalies_of_one_update_add_up_over_several_reports(aggregator: SanctumAggregator) -> None:
    aggregator.handle_anomaly(anomaly(4, "lstm_nan"))
    aggregator.handle_anomaly(anomaly(4, "lstm_inf", "lstm_nan"))
    tamiyo = aggregator.get_snapshot().tamiyo
    assert tamiyo.anomalies == ["lstm_nan", "lstm_inf"]
    assert tamiyo.anomaly_details == ["lstm_nan: seen", "lstm_inf: seen", "lstm_nan: seen"]


def test_anomalies_of_a_new_update_replace_the_old_ones(aggregator: SanctumAggregator) -> None:
    aggregator.handle_anomaly(anomaly(4, "lstm_nan"))
    aggregator.handle_anomaly(anomaly(5, "lstm_inf"))
    tamiyo = aggregator.get_snapshot().tamiyo
    assert (tamiyo.anomaly_update, tamiyo.anomalies) == (5, ["lstm_inf"])
    assert all("lstm_nan" not in detail for detail in tamiyo.anomaly_details)


def test_anomaly_counts_are_numbers_of_updates(aggregator: SanctumAggregator) -> None:
    aggregator.handle_anomaly(anomaly(4, "lstm_nan"))
    aggregator.handle_anomaly(anomaly(4, "lstm_nan"))
    aggregator.handle_anomaly(anomaly(5, "lstm_nan", "lstm_inf"))
    assert dict(aggregator.get_snapshot().tamiyo.anomaly_counts) == {"lstm_nan": 2, "lstm_inf": 1}


def test_event_with_a_ppo_update_is_dispatched_by_its_payload(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    aggregator.handle(
        TelemetryEvent(kind=EventKind.PPO_UPDATE, timestamp=1.0, payload=ppo_update(inf_grad_count=7))
    )
    assert aggregator.get_snapshot().tamiyo.inf_grad_count == 7


def test_event_with_an_anomaly_is_dispatched_by_its_payload(aggregator: SanctumAggregator) -> None:
    aggregator.handle(
        TelemetryEvent(kind=EventKind.ANOMALY, timestamp=1.0, payload=anomaly(3, "lstm_h_explosion"))
    )
    assert aggregator.get_snapshot().tamiyo.anomalies == ["lstm_h_explosion"]


def test_event_with_layer_diagnostics_is_dispatched_by_its_payload(aggregator: SanctumAggregator) -> None:
    payload = LayerDiagnosticsPayload(update=3, layers=(layer("lstm.weight_hh_l0"),))
    aggregator.handle(TelemetryEvent(kind=EventKind.LAYER_DIAGNOSTICS, timestamp=1.0, payload=payload))
    tamiyo = aggregator.get_snapshot().tamiyo
    assert (tamiyo.layer_diagnostics_update, tamiyo.layer_diagnostics) == (3, payload.layers)


def test_snapshot_carries_the_time_of_the_newest_event(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    aggregator.handle(TelemetryEvent(kind=EventKind.PPO_UPDATE, timestamp=12.5, payload=ppo_update()))
    assert aggregator.get_snapshot().last_event_at == 12.5


def test_unknown_payload_is_a_type_error_that_names_it(aggregator: SanctumAggregator) -> None:
    event = TelemetryEvent(kind=EventKind.PPO_UPDATE, timestamp=1.0, payload="text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no handler for a str"):
        aggregator.handle(event)


def test_unknown_payload_leaves_the_time_of_the_newest_event(aggregator: SanctumAggregator) -> None:
    event = TelemetryEvent(kind=EventKind.PPO_UPDATE, timestamp=1.0, payload="text")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        aggregator.handle(event)
    assert aggregator.get_snapshot().last_event_at is None


def test_hub_delivers_events_to_the_aggregator_as_a_backend(ppo_update: UpdateFactory) -> None:
    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        hub.emit(
            TelemetryEvent(kind=EventKind.PPO_UPDATE, timestamp=1.0, payload=ppo_update(inf_grad_count=7))
        )
        assert hub.flush()
    assert aggregator.get_snapshot().tamiyo.inf_grad_count == 7


def test_hub_counts_an_unknown_payload_as_a_failure_of_the_backend() -> None:
    event = TelemetryEvent(kind=EventKind.PPO_UPDATE, timestamp=1.0, payload="text")  # type: ignore[arg-type]
    with TelemetryHub() as hub:
        hub.add_backend(SanctumAggregator())
        hub.emit(event)
        assert hub.flush()
        backend = hub.stats().backends[0]
    assert (backend.name, backend.delivered, backend.failed) == ("sanctum", 0, 1)


def test_snapshots_taken_while_another_thread_writes_are_never_torn(
    aggregator: SanctumAggregator, ppo_update: UpdateFactory
) -> None:
    updates = [
        ppo_update(update=n, episodes=n, nan_grad_count=n, inf_grad_count=n, grad_norm=float(n))
        for n in range(1, 2001)
    ]

    def write() -> None:
        for payload in updates:
            aggregator.handle_ppo_update(payload)

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while writer.is_alive():
        seen.append(aggregator.get_snapshot().tamiyo)
    writer.join()
    seen.append(aggregator.get_snapshot().tamiyo)
    known = [tamiyo for tamiyo in seen if tamiyo.update is not None]
    assert {
        (tamiyo.episodes, tamiyo.nan_grad_count, tamiyo.inf_grad_count, tamiyo.grad_norm_history[-1])
        for tamiyo in known
    } == {(tamiyo.update,) * 4 for tamiyo in known}
