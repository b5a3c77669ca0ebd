"""Offline evaluation: AUC, calibration, recall@k, overall and by segment."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import Callable, Iterable

import torch

from . import ranking_metrics as rm
from .config import EvalConfig
from .ingest import Batch, Ingestor
from .messages import EvalReport, SegmentMetrics
from .model import TwoTower
from .timers import Stopwatch

log = logging.getLogger(__name__)


@dataclass
class _Collected:
    """Everything the metrics need, row by row; ``rank`` is -1 on negatives."""

    scores: list[float] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    segments: list[tuple[str, ...]] = field(default_factory=list)
    users: list[torch.Tensor] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    pool_index: dict[str, int] = field(default_factory=dict)
    pool: list[torch.Tensor] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)

    def add(self, batch: Batch, probabilities: torch.Tensor, user: torch.Tensor, item: torch.Tensor) -> None:
        labels = [int(y) for y in batch.labels.tolist()]
        self.scores.extend(probabilities.tolist())
        self.labels.extend(labels)
        tagged = [[f"{by}={v}" for v in values] for by, values in batch.segments.items()]
        self.segments.extend(zip(*tagged))
        for i, name in enumerate(batch.items):
            index = self.pool_index.setdefault(name, len(self.pool))
            if index == len(self.pool):
                self.pool.append(item[i])
            if labels[i]:
                self.users.append(user[i])
                self.target.append(index)

    def fill_ranks(self) -> None:
        if not self.users:
            self.rank = [-1] * len(self.labels)
            return
        ranks = rm.ranks_of_targets(
            torch.stack(self.users), torch.stack(self.pool), torch.tensor(self.target)
        ).tolist()
        positives = iter(ranks)
        self.rank = [next(positives) if y else -1 for y in self.labels]


class Evaluator:
    """Reads the evaluation shards anew for each run, through a fresh ingestor."""

    def __init__(
        self,
        cfg: EvalConfig,
        model: TwoTower,
        open_data: Callable[[], Ingestor],
        device: str,
    ) -> None:
        self.cfg = cfg
        self._model = model
        self._open_data = open_data
        self._device = device
        self._segment_k = cfg.ks[len(cfg.ks) // 2]

    @torch.no_grad()
    def _collect(self, batches: Iterable[Batch]) -> _Collected:
        got = _Collected()
        for batch in batches:
            out = self._model(batch.to(self._device))
            got.add(batch, torch.sigmoid(out.logits).cpu(), out.user_vec.cpu(), out.item_vec.cpu())
        got.fill_ranks()
        return got

    def _metrics_of(self, got: _Collected, rows: list[int]) -> SegmentMetrics:
        scores = [got.scores[i] for i in rows]
        labels = [got.labels[i] for i in rows]
        return SegmentMetrics(
            examples=len(rows),
            auc=rm.auc(scores, labels),
            recall=rm.recall_at([got.rank[i] for i in rows if got.rank[i] >= 0], self._segment_k),
            bias=rm.calibration(scores, labels, self.cfg.calibration_bins).bias,
        )

    def _segments(self, got: _Collected) -> tuple[dict[str, SegmentMetrics], int]:
        members: dict[str, list[int]] = defaultdict(list)
        for row, tags in enumerate(got.segments):
            for tag in tags:
                members[tag].append(row)
        large = {tag: rows for tag, rows in members.items() if len(rows) >= self.cfg.min_segment}
        return (
            {tag: self._metrics_of(got, rows) for tag, rows in sorted(large.items())},
            len(members) - len(large),
        )

    def run(self, step: int) -> EvalReport:
        data = self._open_data()
        was_training = self._model.training
        self._model.eval()
        try:
            with Stopwatch() as watch:
                got = self._collect(islice(data.batches(), self.cfg.max_batches))
                quality = rm.calibration(got.scores, got.labels, self.cfg.calibration_bins)
                segments, small = self._segments(got)
                ranks = [r for r in got.rank if r >= 0]
        finally:
            self._model.train(was_training)
        if data.counters.shards_failed:
            log.warning("evaluation lost %d shards", data.counters.shards_failed)
        return EvalReport(
            step=step,
            examples=len(got.labels),
            auc=rm.auc(got.scores, got.labels),
            logloss=rm.logloss(got.scores, got.labels),
            ece=quality.ece,
            bias=quality.bias,
            recall={k: rm.recall_at(ranks, k) for k in self.cfg.ks},
            segments=segments,
            segments_skipped=small,
            duration_s=watch.seconds,
        )
