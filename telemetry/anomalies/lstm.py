"""What is wrong with an LSTM's hidden state, by record TELE-340."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from ...registry import Grade, Record, Registry
from .. import record_ids as ids
from ..anomaly_report import AnomalyReport
from ..measurements import LSTMHealthMetrics
from .types import (
    LSTM_C_EXPLOSION,
    LSTM_C_VANISHING,
    LSTM_H_EXPLOSION,
    LSTM_H_VANISHING,
    LSTM_INF,
    LSTM_NAN,
    LSTM_SATURATION,
    LSTM_UNCLASSIFIED,
)


class DetectorRecordError(ValueError):
    """A record's thresholds do not say enough to tell its anomalies apart."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The bounds of a record between which a norm is healthy; whether a bound is, its grade says."""

    lower: float
    upper: float

    @property
    def inside(self) -> float:
        """A value between the bounds."""
        return (self.lower + self.upper) / 2 if self.upper < math.inf else 2 * self.lower + 1


class LSTMCheck:
    """Names what the record objects to in a hidden state.

    Args:
        records: where TELE-340 comes from.

    Raises:
        DetectorRecordError: the record calls no pair of norms healthy.
    """

    def __init__(self, records: Registry) -> None:
        self._lstm_record: Record = records[ids.LSTM_HEALTH]
        h_bounds, c_bounds = _healthy_bounds(self._lstm_record)
        self._h_bounds: _Bounds = h_bounds
        self._c_bounds: _Bounds = c_bounds

    def check(self, health: LSTMHealthMetrics | None) -> AnomalyReport:
        """Report what is wrong with a hidden state by record TELE-340; None (no LSTM in use) has no anomaly.

        Types: ``lstm_nan``, ``lstm_inf``, ``lstm_h_explosion``, ``lstm_c_explosion``, ``lstm_h_vanishing``,
        ``lstm_c_vanishing``, ``lstm_saturation``, and ``lstm_unclassified`` where the record objects to something
        else. A state that holds an infinity is reported both as ``lstm_inf`` and as the explosion of the tensor
        that holds it.
        """
        report = AnomalyReport()
        if health is None:
            return report
        if health.has_nan or any(map(math.isnan, (health.h_norm, health.c_norm, health.h_saturation))):
            report.add(
                LSTM_NAN,
                f"the hidden state holds NaN (h_norm {health.h_norm:.3g}, c_norm {health.c_norm:.3g})",
            )
        if health.has_inf:
            report.add(
                LSTM_INF, f"the hidden state holds Inf (h_max {health.h_max:.3g}, c_max {health.c_max:.3g})"
            )

        # Each norm is graded on its own, beside a healthy other one: the record alone decides what its bounds
        # mean.
        sound = replace(health, has_nan=False, has_inf=False, h_saturation=0.0)
        h_grade = self._lstm_record.grade(replace(sound, c_norm=self._c_bounds.inside))
        if not h_grade.is_healthy:
            if health.h_norm >= self._h_bounds.upper:
                report.add(LSTM_H_EXPLOSION, _beyond("h_norm", health.h_norm, self._h_bounds.upper, h_grade))
            elif health.h_norm <= self._h_bounds.lower:
                report.add(LSTM_H_VANISHING, _beyond("h_norm", health.h_norm, self._h_bounds.lower, h_grade))
        c_grade = self._lstm_record.grade(replace(sound, h_norm=self._h_bounds.inside))
        if not c_grade.is_healthy:
            if health.c_norm >= self._c_bounds.upper:
                report.add(LSTM_C_EXPLOSION, _beyond("c_norm", health.c_norm, self._c_bounds.upper, c_grade))
            elif health.c_norm <= self._c_bounds.lower:
                report.add(LSTM_C_VANISHING, _beyond("c_norm", health.c_norm, self._c_bounds.lower, c_grade))

        unsaturated = replace(sound, h_norm=self._h_bounds.inside, c_norm=self._c_bounds.inside)
        saturation = self._lstm_record.grade(replace(unsaturated, h_saturation=health.h_saturation))
        is_the_cause = self._lstm_record.grade(unsaturated).is_healthy and not saturation.is_healthy
        if is_the_cause and not math.isnan(health.h_saturation):
            report.add(
                LSTM_SATURATION,
                f"{health.h_saturation:.3g} of the units, RMS of h {health.h_rms:.3g}, of c {health.c_rms:.3g} "
                f"({saturation.name})",
            )
        grade = self._lstm_record.grade(health)
        if not report.has_anomaly and not grade.is_healthy:
            report.add(LSTM_UNCLASSIFIED, f"{grade.name}: {health}")
        return report


def _healthy_bounds(record: Record) -> tuple[_Bounds, _Bounds]:
    """The bounds for h_norm and for c_norm between which the record calls the hidden state healthy."""
    for h_bounds in _intervals(record, "h_norm"):
        for c_bounds in _intervals(record, "c_norm"):
            inside = LSTMHealthMetrics(
                h_norm=h_bounds.inside,
                c_norm=c_bounds.inside,
                h_max=h_bounds.inside,
                c_max=c_bounds.inside,
                h_rms=0.5,
                c_rms=0.5,
                h_saturation=0.0,
                has_nan=False,
                has_inf=False,
            )
            if record.grade(inside).is_healthy:
                return h_bounds, c_bounds
    raise DetectorRecordError(
        f"the thresholds of {record.id} call no hidden state healthy, whatever its h_norm and c_norm, "
        "so explosion cannot be told from vanishing"
    )


def _intervals(record: Record, norm: str) -> list[_Bounds]:
    """The intervals into which the record's constants divide a norm's range [0, inf)."""
    cuts = record.thresholds.cuts
    edges = [0.0, *(float(cut) for cut in cuts.get(norm, ())), math.inf]
    return [_Bounds(lower=lower, upper=upper) for lower, upper in pairwise(edges)]


def _beyond(norm: str, value: float, bound: float, grade: Grade) -> str:
    return f"{norm} is {value:.3g}, the bound is {bound:g} ({grade.name}: {grade.means})"
