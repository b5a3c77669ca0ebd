"""One step of a training loop, put together over all ranks, and which steps all of them look at.

A rank that waits for the others must not be the only one that does: what decides whether a step is looked at is
computed from what every rank has received, and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..anomaly_report import AnomalyReport
from ..escalation import ESCALATION_UPDATES
from ..measurements import GradientCollection, GradientSums, RankCoverage
from .exchange import RankExchange
from .reduction import ReducedStatistics
from .row import RowLayout
from .statistics import RankStatistics

__all__ = ["SharedStep", "StepExchange"]

_LOSS = "loss"
_COLLECTIONS = "collections"
_CHECKS = "checks"
_LAYOUT = RowLayout(scalars=(_LOSS, _COLLECTIONS, _CHECKS))


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStep:
    """One step of all ranks. None means *not known*."""

    collections: tuple[GradientCollection, ...]
    """This rank's collections, with the counts and the norm of the whole model."""
    clipped: tuple[GradientCollection | None, ...]
    """The same after clipping, for each of them; None where this rank has not looked then."""
    loss: float | None
    """The mean loss over the ranks that have one."""
    coverage: RankCoverage
    """Of how many ranks these figures speak, in the collection of which the fewest do."""
    report: AnomalyReport
    """What the ranks found of their own, and what shows only by comparing them."""
    escalated_updates: int
    """For how many steps, this one included, all ranks collect at DEBUG."""


class StepExchange:
    """Exchanges the steps of all ranks: one collective for each collection of a step, one at least.

    Every rank makes it at the same point of the program, and calls `share` in each step that is due by what all
    of them know, whatever its own telemetry level.
    """

    def __init__(self) -> None:
        self._exchange: RankExchange = RankExchange(_LAYOUT)
        self._escalated_updates: int = 0

    @property
    def rank(self) -> int:
        """The rank of this process, from 0; rank 0 emits."""
        return self._exchange.rank

    @property
    def is_alone(self) -> bool:
        """Whether this is a training in one process."""
        return self._exchange.world_size == 1

    @property
    def is_escalated(self) -> bool:
        """Whether all ranks look at the step in hand for an anomaly before it."""
        return self._escalated_updates > 0

    def share(
        self,
        *,
        update: int,
        collections: Sequence[GradientCollection],
        clipped: Sequence[GradientCollection | None],
        loss: float | None,
        checks: bool,
        escalated_updates: int,
    ) -> SharedStep:
        """Exchange a step for that of all ranks.

        Args:
            update: number of the step.
            collections: of this rank's gradients; none where it has not looked, or nothing was there.
            clipped: the same gradients after clipping, for each of ``collections``; None where they were not looked
                at then.
            loss: of this rank's batch.
            checks: whether this rank looks for anomalies.
            escalated_updates: for how many more steps this rank collects at DEBUG.
        """
        first = self._exchange.reduce(
            RankStatistics.of(
                update=update,
                gradients=collections[0] if collections else None,
                clipped=clipped[0] if clipped else None,
                scalars={_LOSS: loss, _COLLECTIONS: float(len(collections)), _CHECKS: float(checks)},
                escalated_updates=escalated_updates,
            )
        )
        report = first.report
        pictures = [first]
        # Every rank makes as many collectives as the one that has most to say.
        for place in range(1, int(_largest(first, _COLLECTIONS))):
            reduced = self._exchange.reduce(
                RankStatistics.of(
                    update=update,
                    gradients=collections[place] if place < len(collections) else None,
                    clipped=clipped[place] if place < len(clipped) else None,
                    scalars=dict.fromkeys((_LOSS, _COLLECTIONS, _CHECKS)),
                )
            )
            pictures.append(reduced)
            _add_new(report, reduced.report)
        sums = [one.gradients for one in pictures]
        is_broken = any(one is not None and one.nan_count + one.inf_count > 0 for one in sums)
        escalated = first.escalated_updates
        if report.has_anomaly or (is_broken and _largest(first, _CHECKS) > 0):
            escalated = max(escalated, ESCALATION_UPDATES)
        self._escalated_updates = max(0, escalated - 1)
        return SharedStep(
            collections=tuple(_whole(*pair) for pair in zip(collections, sums, strict=False)),
            clipped=tuple(
                None if one is None else _whole_clipped(one, picture.clipped_shards)
                for one, picture in zip(clipped, pictures, strict=False)
            ),
            loss=first.mean(_LOSS),
            coverage=max(pictures, key=_lack).coverage,
            report=report,
            escalated_updates=escalated,
        )

    def close(self) -> None:
        """Exchange nothing any more."""
        self._exchange.close()


def _largest(reduced: ReducedStatistics, name: str) -> float:
    values: Mapping[int, float] = reduced.scalars[name]
    return max(values.values(), default=0.0)


def _lack(reduced: ReducedStatistics) -> tuple[int, int]:
    """How few ranks a picture speaks of: silent ones weigh more than those without gradients."""
    return (reduced.coverage.unanswered, reduced.coverage.missing)


def _add_new(report: AnomalyReport, other: AnomalyReport) -> None:
    """Add the findings that the report does not hold already: a silent rank is silent in each collection."""
    for anomaly, found in other.details.items():
        known = report.details.setdefault(anomaly, [])
        known.extend(detail for detail in found if detail not in known)
    report.found_on |= other.found_on


def _whole(collection: GradientCollection, sums: GradientSums | None) -> GradientCollection:
    """A collection with the counts and the norm of all ranks; without them where a shard is missing."""
    if sums is None:
        return replace(collection, nan_count=None, inf_count=None, norm=None)
    return replace(
        collection,
        nan_count=sums.nan_count,
        inf_count=sums.inf_count,
        norm=sums.norm,
        norm_state=sums.state,
    )


def _whole_clipped(clipped: GradientCollection, shards: GradientSums | None) -> GradientCollection:
    """A collection after clipping, with the shards of all ranks; without counts and norm where one is missing."""
    if clipped.sharded is None:
        return clipped
    if shards is None:
        return _whole(clipped, None)
    own = () if clipped.replicated is None else (clipped.replicated,)
    return _whole(clipped, GradientSums.merged([*own, shards]))
