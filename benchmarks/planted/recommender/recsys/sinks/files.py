"""File sinks: rotated JSONL of every message, and a TensorBoard board of the curves."""

from __future__ import annotations

import dataclasses
import enum
import json
import time
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from torch.utils.tensorboard import SummaryWriter

from .. import messages as m
from ..config import SinkConfig
from . import Route, Sink, register_sink

#: Properties worth storing beside the fields.
_DERIVED: dict[type, tuple[str, ...]] = {
    m.IngestReport: ("dropped", "drop_rate"),
    m.DriftReport: ("worst",),
    m.GradReport: ("nonfinite",),
}


def encode(value: Any) -> Any:
    """A JSON-ready copy: dataclasses and named tuples become objects, enums their names."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        out = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        for name in _DERIVED.get(type(value), ()):
            out[name] = encode(getattr(value, name))
        return out
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {k: encode(v) for k, v in value._asdict().items()}
    if isinstance(value, dict):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(v) for v in value]
    return value


@register_sink("jsonl")
class JsonlSink(Sink):
    """One line per message: ``{"kind": ..., "t": ..., <fields>}``."""

    def __init__(self, cfg: SinkConfig, run_name: str) -> None:
        super().__init__(cfg, run_name)
        self._dir = Path(cfg.directory)
        self._limit = int(cfg.rotate_mb * 1024 * 1024)
        self._handle: TextIO | None = None
        self._part = 0
        self._since_flush = 0

    def start(self) -> None:
        self._dir.mkdir(parents=True, exist_ok=True)
        self._open()

    def _open(self) -> None:
        self._handle = (self._dir / f"{self.run_name}.{self._part:03d}.jsonl").open("a")

    def routes(self) -> dict[type, Route]:
        return {cls: partial(self._write, kind) for kind, cls in m.ALL_MESSAGES.items()}

    def _write(self, kind: str, msg: Any) -> None:
        handle = self._handle
        if handle is None:
            return
        handle.write(json.dumps({"kind": kind, "t": time.time(), **encode(msg)}) + "\n")
        self._since_flush += 1
        if self._since_flush >= self.cfg.commit_every:
            handle.flush()
            self._since_flush = 0
        if handle.tell() >= self._limit:
            handle.close()
            self._part += 1
            self._open()

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


@register_sink("board")
class BoardSink(Sink):
    """Curves for people: tags are ``area/name``."""

    def __init__(self, cfg: SinkConfig, run_name: str) -> None:
        super().__init__(cfg, run_name)
        self._writer: SummaryWriter | None = None

    def start(self) -> None:
        self._writer = SummaryWriter(str(Path(self.cfg.directory) / "board" / self.run_name))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def routes(self) -> dict[type, Route]:
        return {
            m.StepReport: self._step,
            m.GradReport: self._grad,
            m.EmbeddingReport: self._embedding,
            m.EvalReport: self._eval,
            m.DriftReport: self._drift,
            m.IngestReport: self._ingest,
            m.RankReport: self._ranks,
            m.RunSummary: self._summary,
        }

    def _scalars(self, area: str, values: dict[str, float], step: int) -> None:
        if self._writer is None:
            return
        for name, value in values.items():
            self._writer.add_scalar(f"{area}/{name}", value, step)

    def _step(self, msg: m.StepReport) -> None:
        self._scalars(
            "train",
            {
                "loss": msg.loss,
                "lr": msg.lr,
                "grad_norm": msg.grad_norm,
                "clip_scale": msg.clip_scale,
                "skipped_total": msg.skipped_total,
                "examples_per_s": msg.examples_per_s,
            },
            msg.step,
        )
        self._scalars("loss", msg.loss_parts, msg.step)
        self._scalars(
            "time",
            {
                "step_ms": msg.step_ms,
                "data_wait_ms": msg.data_wait_ms,
                "forward_ms": msg.forward_ms,
                "backward_ms": msg.backward_ms,
                "optim_ms": msg.optim_ms,
            },
            msg.step,
        )

    def _grad(self, msg: m.GradReport) -> None:
        for group, stats in msg.groups.items():
            self._scalars(f"grad/{group}", stats._asdict(), msg.step)
        self._scalars(
            "grad",
            {"direction_cosine": msg.direction_cosine, "update_ratio": msg.update_ratio},
            msg.step,
        )

    def _embedding(self, msg: m.EmbeddingReport) -> None:
        for table, stats in msg.tables.items():
            self._scalars(f"embedding/{table}", dict(stats), msg.step)

    def _eval(self, msg: m.EvalReport) -> None:
        self._scalars(
            "eval",
            {"auc": msg.auc, "logloss": msg.logloss, "ece": msg.ece, "bias": msg.bias},
            msg.step,
        )
        self._scalars("eval", {f"recall@{k}": v for k, v in msg.recall.items()}, msg.step)
        for segment, stats in msg.segments.items():
            self._scalars(f"segment/{segment}", stats._asdict(), msg.step)

    def _drift(self, msg: m.DriftReport) -> None:
        self._scalars("psi", {**msg.psi, "worst": msg.worst}, msg.step)
        self._scalars("mean_shift", msg.mean_shift, msg.step)

    def _ingest(self, msg: m.IngestReport) -> None:
        self._scalars(
            "ingest",
            {
                "drop_rate": msg.drop_rate,
                "positive_rate": msg.positive_rate,
                "store_hit_rate": msg.store_hit_rate,
            },
            msg.step,
        )

    def _ranks(self, msg: m.RankReport) -> None:
        self._scalars("ranks", {**msg.reduced, "skew": msg.skew}, msg.step)

    def _summary(self, msg: m.RunSummary) -> None:
        if self._writer is not None:
            self._writer.add_text("summary", json.dumps(encode(msg)), msg.steps)
