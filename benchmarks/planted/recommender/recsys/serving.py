"""Serving export: quantised item vectors in shards, behind a quality gate."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import torch

from .config import ModelConfig, ServingConfig
from .messages import EvalReport, ExportReport
from .model import TwoTower
from .timers import Stopwatch

log = logging.getLogger(__name__)


@dataclass
class ExportCounters:
    rows_written: int = 0
    rows_dead: int = 0
    values_clipped: int = 0
    values_total: int = 0
    squared_error: float = 0.0
    bytes_written: int = 0
    shards: int = 0

    @property
    def rmse(self) -> float:
        return (self.squared_error / self.values_total) ** 0.5 if self.values_total else 0.0


def quality_gate(cfg: ServingConfig, report: EvalReport | None) -> str:
    """The reason for which an export is refused; empty when it may go ahead."""
    if report is None:
        return "no_evaluation"
    if report.auc < cfg.min_auc:
        return "auc_below_minimum"
    if report.ece > cfg.max_ece:
        return "calibration"
    return ""


class ServingExporter:
    def __init__(self, cfg: ServingConfig, model_cfg: ModelConfig, model: TwoTower) -> None:
        self.cfg = cfg
        self._dead_norm = model_cfg.dead_norm
        self._model = model

    def _live_rows(self, counters: ExportCounters) -> tuple[list[str], torch.Tensor]:
        table = self._model.item_table
        owners = table.owners()
        rows = torch.tensor(sorted(owners), dtype=torch.long, device=table.weight.device)
        vectors = table.weight.detach()[rows]
        alive = vectors.norm(dim=1) >= self._dead_norm
        counters.rows_dead += int((~alive).sum())
        return [owners[r] for r in rows[alive].tolist()], vectors[alive].cpu()

    def _quantise(self, vectors: torch.Tensor, counters: ExportCounters) -> tuple[torch.Tensor, float]:
        """int8 with one scale per shard; values past ``clip_sigma`` are clipped."""
        limit = max(float(vectors.std()) * self.cfg.clip_sigma, 1e-8)
        counters.values_clipped += int((vectors.abs() > limit).sum())
        clipped = vectors.clamp(-limit, limit)
        scale = limit / 127
        codes = (clipped / scale).round().to(torch.int8)
        counters.squared_error += float((codes.float() * scale - vectors).pow(2).sum())
        counters.values_total += vectors.numel()
        return codes, scale

    def _chunks(self, keys: list[str], vectors: torch.Tensor) -> Iterator[tuple[list[str], torch.Tensor]]:
        size = self.cfg.rows_per_shard
        for start in range(0, len(keys), size):
            yield keys[start : start + size], vectors[start : start + size]

    def _write(self, target: Path, counters: ExportCounters) -> None:
        target.mkdir(parents=True, exist_ok=True)
        keys, vectors = self._live_rows(counters)
        manifest = []
        for number, (names, chunk) in enumerate(self._chunks(keys, vectors)):
            codes, scale = self._quantise(chunk, counters)
            path = target / f"items-{number:05d}.pt"
            torch.save({"items": names, "codes": codes, "scale": scale}, path)
            manifest.append({"file": path.name, "rows": len(names)})
            counters.rows_written += len(names)
            counters.bytes_written += path.stat().st_size
            counters.shards += 1
        (target / "manifest.json").write_text(json.dumps({"shards": manifest}, indent=1))

    def export(self, step: int, report: EvalReport | None) -> ExportReport:
        counters = ExportCounters()
        refusal = quality_gate(self.cfg, report)
        with Stopwatch() as watch:
            if refusal:
                log.warning("export at step %d refused: %s", step, refusal)
            else:
                self._write(Path(self.cfg.directory) / f"step-{step:08d}", counters)
        return ExportReport(
            step=step,
            accepted=not refusal,
            refusal=refusal,
            rows_written=counters.rows_written,
            rows_dead=counters.rows_dead,
            values_clipped=counters.values_clipped,
            quant_rmse=counters.rmse,
            shards=counters.shards,
            bytes_written=counters.bytes_written,
            duration_s=watch.seconds,
        )
