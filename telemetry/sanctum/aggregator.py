"""The hub backend that folds telemetry events into the state the dashboards show."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from threading import RLock

from ..payloads import (
    AnomalyPayload,
    LayerDiagnosticsPayload,
    PolicyMetricsPayload,
    PPOUpdatePayload,
    TelemetryEvent,
    TrainingStepPayload,
)
from .schema import LoopState, SanctumSnapshot, TamiyoState


class SanctumAggregator:
    """Keeps the newest `TamiyoState`; the hub's thread writes it, any thread may take a snapshot.

    It is a backend of `TelemetryHub`. Values are stored as they came: grading is the business of the readers.
    """

    name: str = "sanctum"

    def __init__(self) -> None:
        # Reentrant, so that `handle` can hold it over both the time stamp and the payload.
        self._lock = RLock()
        self._tamiyo = TamiyoState()
        self._loop = LoopState()
        self._last_event_at: float | None = None

    def handle(self, event: TelemetryEvent) -> None:
        """Fold one event into the state.

        Raises:
            TypeError: the payload is of a type that no handler knows. The state is then unchanged,
                and the hub counts a failed delivery instead of losing the event in silence.
        """
        with self._lock:
            if isinstance(event.payload, PPOUpdatePayload):
                self.handle_ppo_update(event.payload)
            elif isinstance(event.payload, AnomalyPayload):
                self.handle_anomaly(event.payload)
            elif isinstance(event.payload, LayerDiagnosticsPayload):
                self.handle_layer_diagnostics(event.payload)
            elif isinstance(event.payload, TrainingStepPayload):
                self.handle_training_step(event.payload)
            elif isinstance(event.payload, PolicyMetricsPayload):
                self.handle_policy_metrics(event.payload)
            else:
                raise TypeError(
                    f"the sanctum backend has no handler for a {type(event.payload).__name__}; "
                    "add one to SanctumAggregator.handle()"
                )
            self._last_event_at = event.timestamp

    def handle_ppo_update(self, payload: PPOUpdatePayload) -> None:
        """Store the numbers of one PPO update, field by field, and append its norm to the history."""
        with self._lock:
            tamiyo = self._tamiyo
            tamiyo.update = payload.update
            tamiyo.episodes = payload.episodes
            tamiyo.mean_return = payload.mean_return
            tamiyo.performance = payload.performance
            self._store_gradients(payload)
            tamiyo.lstm_health = payload.lstm_health
            tamiyo.policy_loss = payload.policy_loss
            tamiyo.value_loss = payload.value_loss
            tamiyo.entropy = payload.entropy
            tamiyo.head_push_entropy = payload.head_push_entropy
            tamiyo.head_hold_entropy = payload.head_hold_entropy
            tamiyo.approx_kl = payload.approx_kl
            tamiyo.clip_fraction = payload.clip_fraction
            tamiyo.ratio = payload.ratio
            tamiyo.value_health = payload.value_health
            tamiyo.advantage_mean = payload.advantage_mean
            tamiyo.advantage_std = payload.advantage_std

    def handle_training_step(self, payload: TrainingStepPayload) -> None:
        """Store the numbers of one step of a plain loop; its number stands for that of the update, too."""
        with self._lock:
            loop = self._loop
            self._tamiyo.update = payload.step
            loop.step = payload.step
            loop.loss = payload.loss
            loop.learning_rate = payload.learning_rate
            loop.step_seconds = payload.step_seconds
            loop.gradient_stage = payload.gradient_stage
            self._store_gradients(payload)

    def _store_gradients(self, payload: PPOUpdatePayload | TrainingStepPayload) -> None:
        """Store what every trainer says of its gradients, and append the norm to the history."""
        tamiyo = self._tamiyo
        tamiyo.nan_grad_count = payload.nan_grad_count
        tamiyo.inf_grad_count = payload.inf_grad_count
        tamiyo.rank_coverage = payload.rank_coverage
        tamiyo.grad_norm = payload.grad_norm
        # A norm that was not collected is no point of the history; a NaN or an infinite one is.
        if payload.grad_norm is not None:
            tamiyo.grad_norm_history.append(payload.grad_norm)
        tamiyo.pre_clip_grad_norm = payload.pre_clip_grad_norm
        tamiyo.grad_norm_state = payload.grad_norm_state
        tamiyo.grad_passes = payload.grad_passes
        tamiyo.grad_norm_variation = payload.grad_norm_variation
        tamiyo.loss_scale = payload.loss_scale
        tamiyo.dead_layers = payload.dead_layers
        tamiyo.exploding_layers = payload.exploding_layers
        tamiyo.worst_layer = payload.worst_layer
        tamiyo.gradient_drift = payload.gradient_drift
        tamiyo.skipped_steps = payload.skipped_steps

    def handle_policy_metrics(self, payload: PolicyMetricsPayload) -> None:
        """Store what a library says of an update beside the gradients of its newest step."""
        with self._lock:
            tamiyo = self._tamiyo
            tamiyo.episodes = payload.episodes
            tamiyo.mean_return = payload.mean_return
            tamiyo.policy_loss = payload.policy_loss
            tamiyo.value_loss = payload.value_loss
            tamiyo.entropy = payload.entropy
            tamiyo.approx_kl = payload.approx_kl
            tamiyo.clip_fraction = payload.clip_fraction

    def handle_anomaly(self, payload: AnomalyPayload) -> None:
        """Store the anomalies of one update; several reports of the same update add up."""
        with self._lock:
            tamiyo = self._tamiyo
            if payload.update != tamiyo.anomaly_update:
                tamiyo.anomaly_update = payload.update
                tamiyo.anomalies = []
                tamiyo.anomaly_details = []
                tamiyo.anomaly_ranks = []
            for anomaly in payload.anomalies:
                if anomaly not in tamiyo.anomalies:
                    tamiyo.anomalies.append(anomaly)
                    tamiyo.anomaly_counts[anomaly] += 1
            tamiyo.anomaly_details.extend(payload.details)
            tamiyo.anomaly_ranks = sorted({*tamiyo.anomaly_ranks, *payload.ranks})

    def handle_layer_diagnostics(self, payload: LayerDiagnosticsPayload) -> None:
        """Store the per-layer gradient statistics of one update."""
        with self._lock:
            tamiyo = self._tamiyo
            tamiyo.layer_diagnostics_update = payload.update
            tamiyo.layer_diagnostics = payload.layers

    def get_snapshot(self) -> SanctumSnapshot:
        """Return a copy of the state between two events; later events do not change it."""
        with self._lock:
            tamiyo = self._tamiyo
            return SanctumSnapshot(
                tamiyo=replace(
                    tamiyo,
                    grad_norm_history=deque(tamiyo.grad_norm_history, maxlen=tamiyo.grad_norm_history.maxlen),
                    anomalies=list(tamiyo.anomalies),
                    anomaly_details=list(tamiyo.anomaly_details),
                    anomaly_ranks=list(tamiyo.anomaly_ranks),
                    anomaly_counts=Counter(tamiyo.anomaly_counts),
                ),
                loop=replace(self._loop),
                last_event_at=self._last_event_at,
            )
