"""Checkpoints: atomic writes, an index file, and retention of the latest and the best."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from .config import CheckpointConfig
from .messages import CheckpointEvent, EvalReport
from .timers import Stopwatch

log = logging.getLogger(__name__)


@dataclass
class Entry:
    step: int
    file: str
    reason: str
    metric: float | None


class CheckpointManager:
    def __init__(self, cfg: CheckpointConfig) -> None:
        self.cfg = cfg
        self._dir = Path(cfg.directory)
        self._dir.mkdir(parents=True, exist_ok=True)
        self._index = self._dir / "index.json"
        self._entries = self._read_index()

    def _read_index(self) -> list[Entry]:
        if not self._index.exists():
            return []
        entries = [Entry(**raw) for raw in json.loads(self._index.read_text())]
        return [e for e in entries if (self._dir / e.file).exists()]

    def _write_index(self) -> None:
        tmp = self._index.with_suffix(".tmp")
        tmp.write_text(json.dumps([asdict(e) for e in self._entries], indent=1))
        os.replace(tmp, self._index)

    def metric_of(self, report: EvalReport | None) -> float | None:
        return getattr(report, self.cfg.monitor) if report is not None else None

    def _ranked(self) -> list[Entry]:
        scored = [e for e in self._entries if e.metric is not None]
        return sorted(scored, key=lambda e: e.metric, reverse=self.cfg.higher_is_better)

    @property
    def best_metric(self) -> float | None:
        ranked = self._ranked()
        return ranked[0].metric if ranked else None

    def is_best(self, metric: float | None) -> bool:
        if metric is None:
            return False
        best = self.best_metric
        if best is None:
            return True
        return metric > best if self.cfg.higher_is_better else metric < best

    def _prune(self) -> int:
        keep = {e.file for e in self._entries[-self.cfg.keep_last :]}
        keep |= {e.file for e in self._ranked()[: self.cfg.keep_best]}
        gone = [e for e in self._entries if e.file not in keep]
        for entry in gone:
            (self._dir / entry.file).unlink(missing_ok=True)
        self._entries = [e for e in self._entries if e.file in keep]
        return len(gone)

    def save(self, step: int, state: dict[str, Any], reason: str, report: EvalReport | None) -> CheckpointEvent:
        path = self._dir / f"step-{step:08d}-{reason}.pt"
        with Stopwatch() as watch:
            tmp = path.with_suffix(".tmp")
            torch.save(state, tmp)
            os.replace(tmp, path)
            size = path.stat().st_size
            self._entries = [e for e in self._entries if e.file != path.name]
            self._entries.append(Entry(step, path.name, reason, self.metric_of(report)))
            pruned = self._prune()
            self._write_index()
        return CheckpointEvent(
            step=step,
            path=str(path),
            reason=reason,
            size_bytes=size,
            duration_s=watch.seconds,
            pruned=pruned,
            retained=len(self._entries),
            best_metric=self.best_metric,
        )

    def load_latest(self, device: str) -> dict[str, Any] | None:
        for entry in reversed(self._entries):
            try:
                return torch.load(self._dir / entry.file, map_location=device, weights_only=False)
            except (OSError, RuntimeError) as exc:
                log.warning("checkpoint %s cannot be read: %s", entry.file, exc)
        return None
