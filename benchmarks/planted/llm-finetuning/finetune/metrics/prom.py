"""Prometheus instruments of the service process."""
from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

_STEP_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32)
_NORM_BUCKETS = (0.01, 0.1, 0.25, 0.5, 1, 2, 5, 10, 50, 100)


class PromInstruments:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.steps = Counter("finetune_steps", "Optimizer steps", ["job"], registry=r)
        self.tokens = Counter("finetune_tokens", "Training tokens", ["job"], registry=r)
        self.skipped = Counter("finetune_skipped_steps", "Steps without an update", ["job"], registry=r)
        self.clipped = Counter("finetune_clipped_steps", "Steps with clipped gradients", ["job"], registry=r)
        self.loss = Gauge("finetune_loss", "Training loss", ["job", "kind"], registry=r)
        self.learning_rate = Gauge("finetune_learning_rate", "Learning rate", ["job"], registry=r)
        self.gpu_memory = Gauge("finetune_gpu_memory_bytes", "Peak GPU memory of a step", ["job"], registry=r)
        self.grad_norm = Histogram(
            "finetune_grad_norm", "Gradient norm before clipping", ["job"], buckets=_NORM_BUCKETS, registry=r
        )
        self.step_seconds = Histogram(
            "finetune_step_seconds", "Duration of a step", ["job"], buckets=_STEP_BUCKETS, registry=r
        )
        self.data_wait = Histogram(
            "finetune_data_wait_seconds", "Time a step waited for data", ["job"], buckets=_STEP_BUCKETS, registry=r
        )
        self.documents = Counter(
            "finetune_documents", "Documents seen in preparation", ["job", "disposition"], registry=r
        )
        self.eval_score = Gauge("finetune_eval_score", "Mean score", ["job", "scorer"], registry=r)
        self.eval_failures = Counter("finetune_eval_failures", "Unscorable samples", ["job", "scorer"], registry=r)
        self.eval_seconds = Histogram(
            "finetune_eval_seconds", "Duration of an evaluation", ["job"], buckets=(5, 15, 60, 300, 900), registry=r
        )
        self.preference = Gauge("finetune_preference", "Preference measurements", ["job", "kind"], registry=r)
        self.checkpoint_bytes = Gauge("finetune_checkpoint_bytes", "Size of the last checkpoint", ["job"], registry=r)
        self.checkpoint_seconds = Histogram("finetune_checkpoint_seconds", "Time to save", ["job"], registry=r)
        self.checkpoints_pruned = Counter("finetune_checkpoints_pruned", "Pruned checkpoints", ["job"], registry=r)
        self.jobs = Counter("finetune_jobs", "Finished jobs", ["outcome"], registry=r)
        self.job_wait = Histogram("finetune_job_wait_seconds", "Time a job was queued", registry=r)
        self.queue_depth = Gauge("finetune_queue_depth", "Jobs waiting", registry=r)
        self.worker_rss = Gauge("finetune_worker_rss_bytes", "Worker memory", ["job"], registry=r)
        self.worker_cpu = Gauge("finetune_worker_cpu_seconds", "Worker CPU time", ["job"], registry=r)
        self.last_heartbeat = Gauge("finetune_last_heartbeat_timestamp", "Last heartbeat", ["job"], registry=r)
        self.events_dropped = Gauge("finetune_events_dropped", "Events the worker dropped", ["job"], registry=r)
        self.undecodable = Counter("finetune_undecodable_messages", "Messages not understood", registry=r)
        self.alerts = Counter("finetune_alerts", "Alerts raised", ["rule", "severity"], registry=r)
        self.alert_seconds = Histogram("finetune_alert_seconds", "How long alerts lasted", ["rule"], registry=r)
        self.sink_errors = Counter("finetune_sink_errors", "Failed sink operations", ["sink"], registry=r)

    def serve(self, port: int) -> None:
        start_http_server(port, registry=self.registry)

    def count_sink_error(self, sink: str) -> None:
        self.sink_errors.labels(sink=sink).inc()
