"""OpenTelemetry instruments, exported over OTLP."""
from __future__ import annotations

from typing import Any, Callable, Iterable

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from .. import __version__
from ..settings import TelemetrySettings


class OtelInstruments:
    def __init__(self, settings: TelemetrySettings, queue_depth: Callable[[], int]) -> None:
        self._queue_depth = queue_depth
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(endpoint=settings.otel_endpoint),
            export_interval_millis=settings.otel_export_interval_s * 1000,
        )
        resource = Resource.create({"service.name": "finetune", "service.version": __version__})
        self._provider = MeterProvider(resource=resource, metric_readers=[reader])
        meter = self._provider.get_meter("finetune", __version__)
        self.tokens = meter.create_counter("finetune.tokens", unit="{token}")
        self.generated = meter.create_counter("finetune.eval.generated_tokens", unit="{token}")
        self.step_duration = meter.create_histogram("finetune.step.duration", unit="s")
        self.eval_latency = meter.create_histogram("finetune.eval.latency", unit="s")
        self.active_jobs = meter.create_up_down_counter("finetune.jobs.active")
        self.alerts = meter.create_counter("finetune.alerts")
        meter.create_observable_gauge("finetune.queue.depth", callbacks=[self._observe_depth])

    def _observe_depth(self, options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(self._queue_depth())

    @staticmethod
    def attributes(job_id: str, **extra: Any) -> dict[str, Any]:
        return {"job.id": job_id, **extra}

    def shutdown(self) -> None:
        self._provider.shutdown()
