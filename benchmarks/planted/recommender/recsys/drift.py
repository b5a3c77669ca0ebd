"""Feature drift of the current window against a stored reference."""

from __future__ import annotations

import logging
import math
from typing import Sequence

from .config import FeatureConfig
from .features import FeatureTracker, ReferenceEntry
from .messages import DriftReport, FeatureReport, Severity

log = logging.getLogger(__name__)

_EPS = 1e-4


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [max(c / total, _EPS) for c in counts]


def population_stability(expected: Sequence[int], actual: Sequence[int]) -> float:
    """PSI between two histograms over the same bins."""
    if len(expected) != len(actual) or not sum(expected) or not sum(actual):
        return 0.0
    return sum(
        (a - e) * math.log(a / e) for e, a in zip(_shares(expected), _shares(actual), strict=True)
    )


class DriftMonitor:
    def __init__(self, cfg: FeatureConfig, reference: dict[str, ReferenceEntry] | None) -> None:
        self.cfg = cfg
        self._reference = reference
        if reference is None:
            log.info("no feature reference at %s: drift is not judged", cfg.reference_path)

    @property
    def active(self) -> bool:
        return self._reference is not None

    def _severity(self, psi: dict[str, float], missing: Sequence[str]) -> Severity:
        worst = max(psi.values(), default=0.0)
        if worst >= self.cfg.psi_critical:
            return Severity.CRITICAL
        if worst >= self.cfg.psi_warn or missing:
            return Severity.WARN
        return Severity.OK

    def compare(self, tracker: FeatureTracker, window: FeatureReport) -> DriftReport:
        reference = self._reference or {}
        psi: dict[str, float] = {}
        shift: dict[str, float] = {}
        for name, hist in tracker.histograms().items():
            entry = reference.get(name)
            if entry is None:
                continue
            psi[name] = population_stability(entry["histogram"]["counts"], hist["counts"])
            spread = entry["std"] or 1.0
            shift[name] = (window.features[name]["mean"] - entry["mean"]) / spread
        missing = tuple(
            name
            for name, summary in window.features.items()
            if summary["missing_rate"] > self.cfg.missing_warn
        )
        return DriftReport(
            step=window.step,
            psi=psi,
            mean_shift=shift,
            drifted=tuple(name for name, score in psi.items() if score >= self.cfg.psi_warn),
            missing_alarms=missing,
            severity=self._severity(psi, missing),
        )
