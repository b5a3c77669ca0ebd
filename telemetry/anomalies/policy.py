"""What is wrong with the policy after an update: ratios, divergence, entropies, and numbers that are none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ...registry import Registry
from .. import record_ids as ids
from ..anomaly_report import AnomalyReport
from ..measurements import HeadEntropy, PolicyStats, RatioExtremes, Transition
from .types import ENTROPY_COLLAPSE, KL_SPIKE, NUMERICAL_INSTABILITY, RATIO_COLLAPSE, RATIO_EXPLOSION
from .words import is_anomalous, judged, number


def check_numbers(stats: PolicyStats) -> AnomalyReport:
    """Report ``numerical_instability`` for every loss, ratio, value and advantage that is NaN or infinite.

    No threshold is needed: there is no training in which one of them may be.
    """
    report = AnomalyReport()
    measured = {
        "the policy loss": stats.policy_loss,
        "the value loss": stats.value_loss,
        "the entropy": stats.entropy,
        "the divergence": stats.approx_kl,
        "the clip fraction": stats.clip_fraction,
        "the largest ratio": stats.ratio.max,
        "the smallest ratio": stats.ratio.min,
        "the ratios' standard deviation": stats.ratio.std,
        "the explained variance": stats.explained_variance,
        "the mean value": stats.value_mean,
        "the values' standard deviation": stats.value_std,
        "the mean advantage": stats.advantage_mean,
        "the advantages' standard deviation": stats.advantage_std,
    }
    for name, value in measured.items():
        if value is not None and not math.isfinite(value):
            report.add(NUMERICAL_INSTABILITY, f"{name} is {value}")
    return report


def check_ratios(records: Registry, ratio: RatioExtremes) -> AnomalyReport:
    """Report ``ratio_explosion`` and ``ratio_collapse`` with the transitions that offend.

    Each side is graded beside a ratio of 1 on the other, so that the record's own bounds tell them apart.
    """
    report = AnomalyReport()
    high = records[ids.RATIO].grade(replace(ratio, min=1.0))
    if is_anomalous(high):
        report.add(RATIO_EXPLOSION, f"the largest ratios are {_list(ratio.highest)} {judged(high)}")
    low = records[ids.RATIO].grade(replace(ratio, max=1.0))
    if is_anomalous(low):
        report.add(RATIO_COLLAPSE, f"the smallest ratios are {_list(ratio.lowest)} {judged(low)}")
    both = records[ids.RATIO].grade(ratio)
    if not report.has_anomaly and is_anomalous(both):
        report.add(
            RATIO_EXPLOSION, f"the ratios go from {number(ratio.min)} to {number(ratio.max)} {judged(both)}"
        )
    return report


def check_kl(records: Registry, approx_kl: float) -> AnomalyReport:
    """Report ``kl_spike`` for a policy that has moved too far in one update."""
    report = AnomalyReport()
    grade = records[ids.APPROX_KL].grade(approx_kl)
    if is_anomalous(grade):
        report.add(
            KL_SPIKE, f"the divergence from the old policy is {number(approx_kl)} nats {judged(grade)}"
        )
    return report


def check_entropy(records: Registry, entropy: float, heads: Mapping[str, HeadEntropy]) -> AnomalyReport:
    """Report ``entropy_collapse`` of the whole policy, and of each head that has been too sure for too long."""
    report = AnomalyReport()
    grade = records[ids.ENTROPY].grade(entropy)
    if is_anomalous(grade):
        report.add(ENTROPY_COLLAPSE, f"the policy's entropy is {number(entropy)} nats {judged(grade)}")
    for name, head in heads.items():
        head_grade = records[ids.HEAD_ENTROPY].grade(head)
        if is_anomalous(head_grade):
            report.add(
                ENTROPY_COLLAPSE,
                f"head {name} has an entropy of {number(head.entropy)} nats, {number(head.normalised)} of its largest, "
                f"update {head.streak} in a row {judged(head_grade)}",
            )
    return report


def _list(transitions: tuple[Transition, ...]) -> str:
    return "; then ".join(str(transition) for transition in transitions)
