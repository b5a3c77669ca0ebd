"""What is wrong with an update's gradients: TELE-300, TELE-301 and TELE-330."""

from __future__ import annotations

from ...registry import NOT_COLLECTED, Registry
from .. import record_ids as ids
from ..anomaly_report import AnomalyReport
from ..measurements import GradientDrift
from .types import GRADIENT_DRIFT, NUMERICAL_INSTABILITY
from .words import is_nan, number


def check_gradients(
    records: Registry, *, nan_grad_count: int | None, inf_grad_count: int | None
) -> AnomalyReport:
    """Report ``numerical_instability`` for NaN and for infinite gradient elements.

    Counts that are None could not be taken, which happens only where a norm is not finite.
    """
    report = AnomalyReport()
    if nan_grad_count is None or inf_grad_count is None:
        report.add(NUMERICAL_INSTABILITY, "gradients are not finite, and changed before they were counted")
        return report
    nan_grade = records[ids.NAN_GRAD_COUNT].grade(nan_grad_count)
    if not nan_grade.is_healthy:
        report.add(NUMERICAL_INSTABILITY, f"{nan_grad_count} NaN gradient elements ({nan_grade.name})")
    inf_grade = records[ids.INF_GRAD_COUNT].grade(inf_grad_count)
    if not inf_grade.is_healthy:
        report.add(NUMERICAL_INSTABILITY, f"{inf_grad_count} infinite gradient elements ({inf_grade.name})")
    return report


def check_gradient_drift(records: Registry, drift: GradientDrift | None) -> AnomalyReport:
    """Report ``gradient_drift``; None (no gradient) and a first update have no anomaly.

    A norm or a health that was not finite has no distance from its average: it is reported as
    ``numerical_instability``.
    """
    report = AnomalyReport()
    grade = records[ids.GRADIENT_DRIFT].grade(drift)
    if drift is None or grade.is_healthy or grade == NOT_COLLECTED:
        return report
    if is_nan(drift.norm_drift) or is_nan(drift.health_drift):
        report.add(
            NUMERICAL_INSTABILITY,
            f"the gradient's norm or health is not finite ({grade.name}: {grade.means})",
        )
        return report
    report.add(
        GRADIENT_DRIFT,
        f"the gradient left its average of {number(drift.norm_ema)} by {number(drift.norm_drift)} and lost "
        f"{number(drift.health_drift)} of its sound layers, update {drift.streak} in a row "
        f"({grade.name}: {grade.means})",
    )
    return report
