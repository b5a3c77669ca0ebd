"""What is wrong with what is learnt: the loss, the value function, the return itself."""

from __future__ import annotations

from ...registry import Registry
from .. import record_ids as ids
from ..anomaly_report import AnomalyReport
from ..measurements import PerformanceTrend, ValueHealth
from .types import NUMERICAL_INSTABILITY, PERFORMANCE_DEGRADATION, VALUE_COLLAPSE
from .words import is_anomalous, judged, number


def check_training_loss(records: Registry, loss: float | None) -> AnomalyReport:
    """Report ``numerical_instability`` for a loss that is no number; None (no loss) has none."""
    report = AnomalyReport()
    grade = records[ids.TRAINING_LOSS].grade(loss)
    if loss is not None and not grade.is_healthy:
        report.add(NUMERICAL_INSTABILITY, f"the loss is {loss:.4g} ({grade.name})")
    return report


def check_value_function(records: Registry, health: ValueHealth) -> AnomalyReport:
    """Report ``value_collapse`` by the thresholds of the training's phase."""
    report = AnomalyReport()
    grade = records[ids.VALUE_HEALTH].grade(health)
    if is_anomalous(grade):
        report.add(
            VALUE_COLLAPSE,
            f"the values explain {number(health.explained_variance)} of the returns' variance and spread by "
            f"{number(health.value_std)} at {health.phase:.0%} of the training, update {health.streak} in a row "
            f"{judged(grade)}",
        )
    return report


def check_performance_degradation(records: Registry, trend: PerformanceTrend | None) -> AnomalyReport:
    """Report ``performance_degradation`` at the end of an epoch; None (no epoch has ended) has no anomaly."""
    report = AnomalyReport()
    grade = records[ids.PERFORMANCE].grade(trend)
    if trend is not None and is_anomalous(grade):
        report.add(
            PERFORMANCE_DEGRADATION,
            f"the mean return is {number(trend.mean_return)} at the end of epoch {trend.epoch}, "
            f"{number(trend.drop)} below the best of {number(trend.best_return)} {judged(grade)}",
        )
    return report
