"""Translates events into metrics on every backend."""
from __future__ import annotations

from ..events import (
    AdapterReported,
    AlertCleared,
    AlertRaised,
    CheckpointSaved,
    DataPrepared,
    EvalCompleted,
    EventBus,
    Heartbeat,
    JobFailed,
    JobFinished,
    JobQueued,
    JobStarted,
    PreferenceMeasured,
    StepCompleted,
)
from .hub import MetricsHub
from .otel import OtelInstruments
from .prom import PromInstruments
from .sinks import SqliteSink


class MetricsRecorder:
    def __init__(
        self,
        hub: MetricsHub,
        prom: PromInstruments,
        otel: OtelInstruments | None = None,
        store: SqliteSink | None = None,
    ) -> None:
        self._hub = hub
        self._prom = prom
        self._otel = otel
        self._store = store

    def register(self, bus: EventBus) -> None:
        bus.subscribe(JobQueued, self._on_queued)
        bus.subscribe(JobStarted, self._on_started)
        bus.subscribe(DataPrepared, self._on_data)
        bus.subscribe(StepCompleted, self._on_step)
        bus.subscribe(AdapterReported, self._on_adapter)
        bus.subscribe(EvalCompleted, self._on_eval)
        bus.subscribe(PreferenceMeasured, self._on_preference)
        bus.subscribe(CheckpointSaved, self._on_checkpoint)
        bus.subscribe(Heartbeat, self._on_heartbeat)
        bus.subscribe(JobFinished, self._on_finished)
        bus.subscribe(JobFailed, self._on_failed)
        bus.subscribe(AlertRaised, self._on_alert)
        bus.subscribe(AlertCleared, self._on_alert_cleared)

    def _on_queued(self, event: JobQueued) -> None:
        self._prom.queue_depth.set(event.depth)

    def _on_started(self, event: JobStarted) -> None:
        self._prom.queue_depth.set(event.depth)
        self._prom.job_wait.observe(event.waited_seconds)
        if self._otel is not None:
            self._otel.active_jobs.add(1)

    def _on_data(self, event: DataPrepared) -> None:
        stats = event.payload
        documents = self._prom.documents
        documents.labels(job=event.job_id, disposition="used").inc(stats.documents)
        documents.labels(job=event.job_id, disposition="malformed").inc(stats.malformed)
        documents.labels(job=event.job_id, disposition="duplicate").inc(stats.duplicates)
        documents.labels(job=event.job_id, disposition="truncated").inc(stats.truncated)
        self._hub.emit_many(
            event.job_id,
            "data",
            {
                "tokens": stats.tokens,
                "mean_length": stats.mean_length,
                "longest": stats.longest,
                "unknown_rate": stats.unknown_rate,
                "truncation_rate": stats.truncation_rate,
            },
            step=0,
            at=event.at,
        )
        self._hub.emit_many(event.job_id, "data/length", stats.length_buckets, step=0, at=event.at)
        for source, count in stats.sources.items():
            self._hub.emit(event.job_id, f"data/source/{source}/documents", count["documents"], 0, event.at)
            self._hub.emit(event.job_id, f"data/source/{source}/tokens", count["tokens"], 0, event.at)

    def _on_step(self, event: StepCompleted) -> None:
        record, job = event.payload, event.job_id
        prom = self._prom
        prom.steps.labels(job=job).inc()
        prom.tokens.labels(job=job).inc(record.tokens)
        if record.skipped:
            prom.skipped.labels(job=job).inc()
        if record.clipped:
            prom.clipped.labels(job=job).inc()
        prom.loss.labels(job=job, kind="step").set(record.loss)
        prom.loss.labels(job=job, kind="ema").set(record.loss_ema)
        prom.learning_rate.labels(job=job).set(record.learning_rate)
        prom.gpu_memory.labels(job=job).set(record.gpu_memory_bytes)
        prom.grad_norm.labels(job=job).observe(record.grad_norm)
        prom.step_seconds.labels(job=job).observe(record.step_seconds)
        prom.data_wait.labels(job=job).observe(record.data_wait_seconds)
        if self._otel is not None:
            attributes = self._otel.attributes(job)
            self._otel.tokens.add(record.tokens, attributes)
            self._otel.step_duration.record(record.step_seconds, attributes)
        self._hub.emit_many(
            job,
            "train",
            {
                "loss": record.loss,
                "loss_ema": record.loss_ema,
                "learning_rate": record.learning_rate,
                "grad_norm": record.grad_norm,
                "padding_fraction": record.padding_fraction,
                "tokens_per_second": record.tokens_per_second,
                "samples_per_second": record.samples_per_second,
                "data_wait_fraction": record.data_wait_fraction,
                "epoch": record.epoch,
            },
            record.step,
            event.at,
        )
        self._hub.emit_many(job, "grad_norm", record.layer_norms, record.step, event.at)

    def _on_adapter(self, event: AdapterReported) -> None:
        report = event.payload
        self._hub.emit(event.job_id, "lora/trainable_fraction", report.trainable_fraction, report.step, event.at)
        self._hub.emit_many(event.job_id, "lora/update_norm", report.update_norms, report.step, event.at)

    def _on_eval(self, event: EvalCompleted) -> None:
        report, job = event.payload, event.job_id
        self._prom.eval_seconds.labels(job=job).observe(report.seconds)
        for summary in report.scores:
            self._prom.eval_score.labels(job=job, scorer=summary.name).set(summary.mean)
            self._prom.eval_failures.labels(job=job, scorer=summary.name).inc(summary.failures)
            self._hub.emit(job, f"eval/{summary.name}/mean", summary.mean, report.step, event.at)
            self._hub.emit(job, f"eval/{summary.name}/stderr", summary.stderr, report.step, event.at)
        self._hub.emit(job, "eval/loss", report.loss, report.step, event.at)
        self._hub.emit(job, "eval/perplexity", report.perplexity, report.step, event.at)
        self._hub.emit(job, "eval/truncated", report.truncated, report.step, event.at)
        if self._otel is not None:
            self._otel.generated.add(report.generated_tokens, self._otel.attributes(job))
            self._otel.eval_latency.record(report.latency_p50, self._otel.attributes(job, quantile="p50"))
            self._otel.eval_latency.record(report.latency_p95, self._otel.attributes(job, quantile="p95"))

    def _on_preference(self, event: PreferenceMeasured) -> None:
        report, job = event.payload, event.job_id
        self._prom.preference.labels(job=job, kind="accuracy").set(report.accuracy)
        self._prom.preference.labels(job=job, kind="margin").set(report.margin)
        self._hub.emit_many(
            job,
            "preference",
            {
                "loss": report.loss,
                "accuracy": report.accuracy,
                "margin": report.margin,
                "chosen_reward": report.chosen_reward,
                "rejected_reward": report.rejected_reward,
                "kl": report.kl,
                "tie_fraction": report.ties / report.pairs if report.pairs else 0.0,
            },
            report.step,
            event.at,
        )

    def _on_checkpoint(self, event: CheckpointSaved) -> None:
        info, job = event.payload, event.job_id
        self._prom.checkpoint_bytes.labels(job=job).set(info.size_bytes)
        self._prom.checkpoint_seconds.labels(job=job).observe(info.seconds)
        self._prom.checkpoints_pruned.labels(job=job).inc(info.pruned)

    def _on_heartbeat(self, event: Heartbeat) -> None:
        vitals, job = event.payload, event.job_id
        self._prom.worker_rss.labels(job=job).set(vitals.rss_bytes)
        self._prom.worker_cpu.labels(job=job).set(vitals.cpu_seconds)
        self._prom.events_dropped.labels(job=job).set(vitals.dropped)
        self._prom.last_heartbeat.labels(job=job).set(event.at)

    def _on_finished(self, event: JobFinished) -> None:
        summary = event.payload
        outcome = "cancelled" if summary.stop_reason == "cancelled" else "finished"
        self._prom.jobs.labels(outcome=outcome).inc()
        if self._otel is not None:
            self._otel.active_jobs.add(-1)
        self._hub.emit_many(event.job_id, "phase", summary.phase_seconds, summary.steps, event.at)
        if self._store is not None:
            self._store.record_job(event.job_id, outcome, event.at, summary=summary)

    def _on_failed(self, event: JobFailed) -> None:
        self._prom.jobs.labels(outcome="failed").inc()
        if self._otel is not None:
            self._otel.active_jobs.add(-1)
        if self._store is not None:
            self._store.record_job(event.job_id, "failed", event.at, error=f"{event.phase}: {event.error}")

    def _on_alert(self, event: AlertRaised) -> None:
        self._prom.alerts.labels(rule=event.rule, severity=event.severity).inc()
        if self._otel is not None:
            self._otel.alerts.add(1, self._otel.attributes(event.job_id, rule=event.rule))
        if self._store is not None:
            self._store.record_alert(event.job_id, event.rule, event.severity, event.message, event.at)

    def _on_alert_cleared(self, event: AlertCleared) -> None:
        self._prom.alert_seconds.labels(rule=event.rule).observe(event.active_seconds)
        if self._store is not None:
            self._store.close_alert(event.job_id, event.rule, event.active_seconds)
