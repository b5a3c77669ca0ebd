"""Turns measured values into named anomalies, by the thresholds of their records and by no others."""

from __future__ import annotations

from collections.abc import Mapping

from ..registry import Registry, shipped_registry
from . import record_ids as ids
from .anomalies import gradients, learning
from .anomalies import policy as policies
from .anomalies.lstm import DetectorRecordError, LSTMCheck
from .anomalies.types import NUMERICAL_INSTABILITY
from .anomaly_report import AnomalyReport
from .measurements import (
    GradientDrift,
    HeadEntropy,
    LSTMHealthMetrics,
    PerformanceTrend,
    PolicyStats,
    ValueHealth,
)

RECORDS = (
    ids.PERFORMANCE,
    ids.TRAINING_LOSS,
    ids.ENTROPY,
    ids.HEAD_ENTROPY,
    ids.APPROX_KL,
    ids.RATIO,
    ids.VALUE_HEALTH,
    ids.NAN_GRAD_COUNT,
    ids.INF_GRAD_COUNT,
    ids.GRADIENT_DRIFT,
)
"""The records that the checks grade by, beside TELE-340."""

__all__ = ["NUMERICAL_INSTABILITY", "AnomalyDetector", "AnomalyReport", "DetectorRecordError"]


class AnomalyDetector:
    """Checks one update's values. It keeps nothing between updates: what lasts says so itself, by its streak.

    No argument of a check has a default: a value that nobody passed cannot pass for a healthy one. None means that
    a value was not collected.

    Args:
        registry: where the records of the checks come from; the shipped one if None.

    Raises:
        KeyError: a record is missing from the registry.
        DetectorRecordError: TELE-340 calls no pair of norms healthy.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        records = shipped_registry() if registry is None else registry
        for record_id in RECORDS:
            records[record_id]  # a missing one is told now, not in the middle of a training
        self._records: Registry = records
        self._lstm: LSTMCheck = LSTMCheck(records)

    def check_gradients(self, *, nan_grad_count: int | None, inf_grad_count: int | None) -> AnomalyReport:
        """Report ``numerical_instability`` for NaN (TELE-300) and infinite (TELE-301) gradient elements."""
        return gradients.check_gradients(
            self._records, nan_grad_count=nan_grad_count, inf_grad_count=inf_grad_count
        )

    def check_gradient_drift(self, drift: GradientDrift | None) -> AnomalyReport:
        """Report ``gradient_drift`` (TELE-330), or ``numerical_instability`` for a norm that was not finite."""
        return gradients.check_gradient_drift(self._records, drift)

    def check_loss(self, loss: float | None) -> AnomalyReport:
        """Report ``numerical_instability`` for a loss that is no number (TELE-020); None (no loss) has none."""
        return learning.check_training_loss(self._records, loss)

    def check_lstm_health(self, health: LSTMHealthMetrics | None) -> AnomalyReport:
        """Report what is wrong with a hidden state by record TELE-340; see `LSTMCheck.check`."""
        return self._lstm.check(health)

    def check_numerical_stability(self, stats: PolicyStats) -> AnomalyReport:
        """Report ``numerical_instability`` for each loss, ratio, value and advantage that is NaN or infinite."""
        return policies.check_numbers(stats)

    def check_ratios(self, stats: PolicyStats) -> AnomalyReport:
        """Report ``ratio_explosion`` and ``ratio_collapse`` (TELE-110) with the transitions that offend."""
        return policies.check_ratios(self._records, stats.ratio)

    def check_kl_divergence(self, stats: PolicyStats) -> AnomalyReport:
        """Report ``kl_spike`` (TELE-102)."""
        return policies.check_kl(self._records, stats.approx_kl)

    def check_entropy(self, stats: PolicyStats, heads: Mapping[str, HeadEntropy]) -> AnomalyReport:
        """Report ``entropy_collapse`` of the policy (TELE-100) and of each head (TELE-101)."""
        return policies.check_entropy(self._records, stats.entropy, heads)

    def check_value_function(self, health: ValueHealth) -> AnomalyReport:
        """Report ``value_collapse`` (TELE-201) by the thresholds of the training's phase."""
        return learning.check_value_function(self._records, health)

    def check_performance_degradation(self, epoch_end: PerformanceTrend | None) -> AnomalyReport:
        """Report ``performance_degradation`` (TELE-001) of the epoch that has just ended; None within an epoch."""
        return learning.check_performance_degradation(self._records, epoch_end)

    def check_all(
        self,
        *,
        nan_grad_count: int | None,
        inf_grad_count: int | None,
        gradient_drift: GradientDrift | None,
        lstm_health: LSTMHealthMetrics | None,
        policy: PolicyStats | None,
        head_entropies: Mapping[str, HeadEntropy],
        value_health: ValueHealth | None,
        epoch_end: PerformanceTrend | None,
    ) -> AnomalyReport:
        """All checks of one update, merged; None for what this training does not have."""
        report = self.check_gradients(nan_grad_count=nan_grad_count, inf_grad_count=inf_grad_count)
        report.merge(self.check_gradient_drift(gradient_drift))
        report.merge(self.check_lstm_health(lstm_health))
        if policy is not None:
            report.merge(self.check_numerical_stability(policy))
            report.merge(self.check_ratios(policy))
            report.merge(self.check_kl_divergence(policy))
            report.merge(self.check_entropy(policy, head_entropies))
        if value_health is not None:
            report.merge(self.check_value_function(value_health))
        report.merge(self.check_performance_degradation(epoch_end))
        return report
