"""What one rank says of itself in one collection, as a plain value that needs no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ..anomaly_report import AnomalyReport
from ..measurements import GradientCollection, GradientSums, LSTMHealthMetrics

__all__ = ["NUMERICAL_INSTABILITY", "RankStatistics", "broken_elements"]

NUMERICAL_INSTABILITY = "numerical_instability"
"""Numbers have become NaN or infinite; the detector calls it the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankStatistics:
    """One rank's own values of one collection. None means *not collected*."""

    update: int
    """Number of the update, counted from 1: ranks that differ in it are out of step."""
    replicated: GradientSums | None
    """Gradients that every rank holds whole, as the optimiser sees them: averaged over the ranks."""
    sharded: GradientSums | None
    """This rank's shards of distributed gradients, each counted by one rank only."""
    clipped_shards: GradientSums | None
    """The same shards as the optimiser was given them, after clipping."""
    passes: int | None
    """Passes over the gradients that the collection took."""
    own_gradients: GradientSums | None
    """Gradients of this rank's own batch, before they were averaged: only these tell whose batch broke them."""
    lstm_health: LSTMHealthMetrics | None
    """The hidden state of this rank's own environments."""
    scalars: Mapping[str, float | None]
    """Losses and other numbers of this rank's own batch; every rank has the same names."""
    findings: tuple[str, ...]
    """This rank's own anomalies, ``type: what was seen`` each."""
    omitted_findings: int
    """How many more findings this rank had than its row could carry."""
    escalated_updates: int
    """For how many more updates this rank collects at DEBUG: the highest of all ranks holds for each."""

    @classmethod
    def of(
        cls,
        *,
        update: int,
        gradients: GradientCollection | None = None,
        clipped: GradientCollection | None = None,
        own_gradients: Sequence[GradientCollection] | None = None,
        lstm_health: LSTMHealthMetrics | None = None,
        scalars: Mapping[str, float | None] | None = None,
        report: AnomalyReport | None = None,
        escalated_updates: int = 0,
    ) -> Self:
        """The statistics of one collection; what is left out was not collected.

        Args:
            update: number of the update.
            gradients: collected after averaging.
            clipped: the same, collected once more after clipping. What is replicated is the same on all ranks, and
                is not sent.
            own_gradients: collected before averaging, in as many parts as it took.
            lstm_health: of this rank's own hidden state.
            scalars: numbers of this rank's own batch.
            report: what this rank's own detector found in its own values. What shows in averaged gradients is
                no rank's own: grade the reduced counts for it, once.
            escalated_updates: for how many more updates this rank collects at DEBUG.
        """
        findings = list(report.lines) if report is not None else []
        if gradients is not None and gradients.sharded is not None:
            findings.extend(_first_broken_layer((gradients,)))
        if own_gradients is not None:
            findings.extend(_first_broken_layer(own_gradients))
            findings.extend(
                f"{NUMERICAL_INSTABILITY}: a norm of {part.norm} before averaging, which has overwritten the rest"
                for part in own_gradients
                if part.nan_count is None and part.norm is not None and not math.isfinite(part.norm)
            )
        return cls(
            update=update,
            replicated=None if gradients is None else gradients.replicated,
            sharded=None if gradients is None else gradients.sharded,
            clipped_shards=None if clipped is None else clipped.sharded,
            passes=None if gradients is None else gradients.passes,
            own_gradients=None if own_gradients is None else _merged(own_gradients),
            lstm_health=lstm_health,
            scalars={} if scalars is None else scalars,
            findings=tuple(findings),
            omitted_findings=0,
            escalated_updates=escalated_updates,
        )

    @property
    def has_gradients(self) -> bool:
        """Whether this rank has collected gradients."""
        return self.replicated is not None or self.sharded is not None


def broken_elements(nan_count: int, inf_count: int, where: str) -> str:
    """In words, how many elements are broken, and where."""
    return f"{nan_count} NaN and {inf_count} infinite gradient elements {where}"


def _first_broken_layer(parts: Sequence[GradientCollection]) -> list[str]:
    """Where backpropagation, which runs against the model's order, met the first broken gradient; [] for none.

    The parts are in the order in which they were collected.
    """
    for part in parts:
        if part.bad_layers:
            layer = part.bad_layers[-1]
            return [
                f"{NUMERICAL_INSTABILITY}: backpropagation met them first in {layer.layer_name} "
                f"({layer.nan_count} NaN, {layer.inf_count} infinite)"
            ]
    return []


def _merged(parts: Sequence[GradientCollection]) -> GradientSums | None:
    """The sums of all parts; None when one was not measured to the end."""
    known = [part.replicated for part in parts if part.replicated is not None]
    return GradientSums.merged(known) if known and len(known) == len(parts) else None
