"""OpenTelemetry instruments, exported by whatever meter provider is configured."""

from __future__ import annotations

from typing import Callable, Iterable

from opentelemetry import metrics as otel_api
from opentelemetry.metrics import CallbackOptions, Observation

from serving import __version__
from serving.events import BatchExecuted, RequestFinished, RequestReceived, ShadowCompared, handles


class OtelRecorder:
    """Feeds the company-wide OpenTelemetry pipeline with the core request metrics."""

    def __init__(self, queue_depths: Callable[[], dict[str, int]], replica_count: Callable[[], int]) -> None:
        self._queue_depths = queue_depths
        self._replica_count = replica_count
        meter = otel_api.get_meter("serving", __version__)
        self._active = meter.create_up_down_counter(
            "serving.requests.active", unit="{request}", description="Requests being handled"
        )
        self._duration = meter.create_histogram(
            "serving.request.duration", unit="ms", description="End-to-end request duration"
        )
        self._tokens = meter.create_counter("serving.tokens.generated", unit="{token}", description="Tokens generated")
        self._batch_fill = meter.create_histogram(
            "serving.batch.fill", unit="1", description="Real tokens over padded tokens"
        )
        self._shadow_ratio = meter.create_histogram(
            "serving.shadow.latency_ratio", unit="1", description="Candidate latency over primary latency"
        )
        meter.create_observable_gauge(
            "serving.queue.depth", callbacks=[self._observe_queue], unit="{request}", description="Queued requests"
        )
        meter.create_observable_gauge(
            "serving.replicas", callbacks=[self._observe_replicas], unit="{replica}", description="Live replicas"
        )

    def _observe_queue(self, options: CallbackOptions) -> Iterable[Observation]:
        for priority, depth in self._queue_depths().items():
            yield Observation(depth, {"priority": priority})

    def _observe_replicas(self, options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(self._replica_count(), {})

    @handles(RequestReceived)
    def on_received(self, event: RequestReceived) -> None:
        self._active.add(1, {"tenant": event.tenant})

    @handles(RequestFinished)
    def on_finished(self, event: RequestFinished) -> None:
        self._active.add(-1, {"tenant": event.tenant})
        self._duration.record(event.latency_s * 1000.0, {"outcome": event.outcome, "tenant": event.tenant})
        self._tokens.add(event.tokens_out, {"model": event.model_version})

    @handles(BatchExecuted)
    def on_batch(self, event: BatchExecuted) -> None:
        if event.padded_tokens:
            self._batch_fill.record(event.real_tokens / event.padded_tokens, {"model": event.model_version})

    @handles(ShadowCompared)
    def on_shadow(self, event: ShadowCompared) -> None:
        self._shadow_ratio.record(event.latency_ratio, {"candidate": event.candidate})
