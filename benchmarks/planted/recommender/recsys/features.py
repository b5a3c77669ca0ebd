"""Dense feature statistics: running moments, histograms and missing rates."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from .config import FeatureConfig
from .ingest import Batch
from .messages import FeatureReport, FeatureSummary


class HistogramDict(TypedDict):
    edges: list[float]
    counts: list[int]


class ReferenceEntry(TypedDict):
    mean: float
    std: float
    histogram: HistogramDict


@dataclass
class Welford:
    count: int = 0
    mean: float = 0.0
    m2: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    def update_many(self, values: list[float]) -> None:
        for v in values:
            self.count += 1
            delta = v - self.mean
            self.mean += delta / self.count
            self.m2 += delta * (v - self.mean)
            self.low = min(self.low, v)
            self.high = max(self.high, v)

    @property
    def std(self) -> float:
        return math.sqrt(self.m2 / (self.count - 1)) if self.count > 1 else 0.0


class Histogram:
    """Equal-width bins fixed by the first batch (or by the reference); the outer bins are open."""

    def __init__(self, bins: int, edges: list[float] | None = None) -> None:
        self._bins = bins
        self.edges: list[float] = list(edges) if edges else []
        self.counts = [0] * (len(self.edges) + 1) if edges else []

    def _fix_edges(self, values: list[float]) -> None:
        low, high = min(values), max(values)
        width = (high - low) / self._bins or 1.0
        self.edges = [low + width * (i + 1) for i in range(self._bins - 1)]
        self.counts = [0] * self._bins

    def update_many(self, values: list[float]) -> None:
        if not values:
            return
        if not self.edges:
            self._fix_edges(values)
        for v in values:
            self.counts[self._bin(v)] += 1

    def _bin(self, value: float) -> int:
        lo, hi = 0, len(self.edges)
        while lo < hi:
            mid = (lo + hi) // 2
            if value < self.edges[mid]:
                hi = mid
            else:
                lo = mid + 1
        return lo

    def clear(self) -> None:
        self.counts = [0] * len(self.counts)


class FeatureTracker:
    """Window statistics of every dense feature, taken from the training batches."""

    def __init__(self, cfg: FeatureConfig, reference: dict[str, ReferenceEntry] | None = None) -> None:
        self.cfg = cfg
        self._moments = {name: Welford() for name in cfg.dense}
        self._missing = dict.fromkeys(cfg.dense, 0)
        self._rows = 0
        self._histograms = {
            name: Histogram(
                cfg.histogram_bins,
                reference[name]["histogram"]["edges"] if reference and name in reference else None,
            )
            for name in cfg.dense
        }

    def observe(self, batch: Batch) -> None:
        self._rows += len(batch)
        dense, present = batch.dense.cpu(), batch.present.cpu()
        for j, name in enumerate(self.cfg.dense):
            mask = present[:, j]
            values = dense[mask, j].tolist()
            self._missing[name] += len(batch) - len(values)
            self._moments[name].update_many(values)
            self._histograms[name].update_many(values)

    def _summary(self, name: str) -> FeatureSummary:
        m = self._moments[name]
        return {
            "mean": m.mean,
            "std": m.std,
            "low": m.low if m.count else 0.0,
            "high": m.high if m.count else 0.0,
            "missing_rate": self._missing[name] / self._rows if self._rows else 0.0,
            "count": m.count,
        }

    def report(self, step: int) -> FeatureReport:
        return FeatureReport(step=step, features={name: self._summary(name) for name in self.cfg.dense})

    def histograms(self) -> dict[str, HistogramDict]:
        return {
            name: {"edges": list(h.edges), "counts": list(h.counts)}
            for name, h in self._histograms.items()
        }

    def reset_window(self) -> None:
        """Start a new window; histogram edges are kept so that windows stay comparable."""
        self._rows = 0
        for name in self.cfg.dense:
            self._moments[name] = Welford()
            self._missing[name] = 0
            self._histograms[name].clear()

    def write_reference(self, path: Path) -> None:
        payload: dict[str, ReferenceEntry] = {}
        for name, hist in self.histograms().items():
            moments = self._moments[name]
            payload[name] = {"mean": moments.mean, "std": moments.std, "histogram": hist}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(payload, indent=1))


def load_reference(path: Path) -> dict[str, ReferenceEntry] | None:
    if not path.exists():
        return None
    return json.loads(path.read_text())
