"""One picture of all ranks, from the row of each: pure functions, the same result on every rank.

Averaged gradients are copies: one of them counts, and a difference between them is an anomaly of its own. Shards
add up. Where the shard of a rank is missing, the sum is not known, and says so by being None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..anomaly_report import AnomalyReport
from ..measurements import GradientSums, LSTMHealthMetrics, NormState, RankCoverage
from .statistics import NUMERICAL_INSTABILITY, RankStatistics, broken_elements

__all__ = [
    "RANKS_OUT_OF_STEP",
    "RANK_UNANSWERED",
    "REPLICAS_DIFFER",
    "ReducedStatistics",
    "reduce_statistics",
]

REPLICAS_DIFFER = "replicas_differ"
"""Gradients that should be the same on every rank are not: they were not averaged."""
RANKS_OUT_OF_STEP = "ranks_out_of_step"
"""Ranks sent the statistics of different updates."""
RANK_UNANSWERED = "rank_unanswered"
"""A rank sent nothing."""
OMITTED_FINDINGS = "omitted_findings"
"""A rank found more than its row could carry."""

REPLICA_TOLERANCE = 1e-4
"""Relative difference between the norms of two copies that is put down to different hardware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReducedStatistics:
    """One collection of all ranks. None means *not known*: not collected, or a rank that it needs is missing."""

    coverage: RankCoverage
    """How many ranks there are, and how many are missing."""
    missing_ranks: tuple[int, ...]
    """Ranks whose gradients are not in the sums: they answered without, or not at all."""
    unanswered_ranks: tuple[int, ...]
    """Ranks that did not answer."""
    gradients: GradientSums | None
    """Sums over the gradients of the whole model, each element counted once."""
    clipped_shards: GradientSums | None
    """Sums over all shards after clipping."""
    passes: int | None
    """The most passes over the gradients that a rank took."""
    lstm_health: Mapping[int, LSTMHealthMetrics]
    """The hidden states that were measured, by rank."""
    scalars: Mapping[str, Mapping[int, float]]
    """The numbers that were collected: name, then rank."""
    report: AnomalyReport
    """What the ranks found of their own and what shows only by comparing them; each line names its rank."""
    escalated_updates: int
    """For how many more updates all ranks collect at DEBUG."""

    def mean(self, name: str) -> float | None:
        """Mean of a number over the ranks that collected it; None when none has. NaN on one rank is NaN.

        Raises:
            KeyError: no number has this name.
        """
        values = self.scalars[name].values()
        return math.fsum(values) / len(values) if values else None


def reduce_statistics(
    answers: Sequence[RankStatistics | None], *, unanswered: Sequence[int] = ()
) -> ReducedStatistics:
    """Make one picture of what each rank said.

    Args:
        answers: one per rank, in their order; None where nothing came from a rank.
        unanswered: of the ranks without an answer, those that were asked and stayed silent. The others could
            not be asked, because telemetry across ranks has been switched off.
    """
    known = {rank: answer for rank, answer in enumerate(answers) if answer is not None}
    missing = tuple(
        rank for rank in range(len(answers)) if rank not in known or not known[rank].has_gradients
    )
    report = AnomalyReport()
    for rank in unanswered:
        report.add(RANK_UNANSWERED, "did not answer", rank=rank)
    _compare_updates(known, report)
    _compare_replicas(known, report)
    common = _common_findings(known)
    for finding in common:
        anomaly, _, detail = finding.partition(": ")
        report.add(anomaly, f"all ranks: {detail}")
    for rank, answer in known.items():
        _attribute(rank, answer, common, report)
    passes = [answer.passes for answer in known.values() if answer.passes is not None]
    names = {name: None for answer in known.values() for name in answer.scalars}
    return ReducedStatistics(
        coverage=RankCoverage(world_size=len(answers), missing=len(missing), unanswered=len(unanswered)),
        missing_ranks=missing,
        unanswered_ranks=tuple(unanswered),
        gradients=_sum_gradients(known, is_whole=not missing),
        clipped_shards=_sum_clipped(known, is_whole=not missing),
        passes=max(passes, default=None),
        lstm_health={
            rank: answer.lstm_health for rank, answer in known.items() if answer.lstm_health is not None
        },
        scalars={name: _collected(name, known) for name in names},
        report=report,
        escalated_updates=max((answer.escalated_updates for answer in known.values()), default=0),
    )


def _sum_gradients(known: Mapping[int, RankStatistics], *, is_whole: bool) -> GradientSums | None:
    """One copy of what is replicated and the shards of every rank; None where a shard is missing."""
    copies = [answer.replicated for answer in known.values() if answer.replicated is not None]
    shards = [answer.sharded for answer in known.values() if answer.sharded is not None]
    if not copies and not shards:
        return None
    if shards and not is_whole:
        return None
    # Copies that differ are reported; the worst of them is counted, so that none is hidden by another.
    worst = [max(copies, key=_badness)] if copies else []
    return GradientSums.merged([*worst, *shards])


def _sum_clipped(known: Mapping[int, RankStatistics], *, is_whole: bool) -> GradientSums | None:
    """The shards of every rank after clipping; None where one is missing."""
    shards = [answer.clipped_shards for answer in known.values() if answer.sharded is not None]
    found = [one for one in shards if one is not None]
    return GradientSums.merged(found) if is_whole and found and len(found) == len(shards) else None


def _badness(sums: GradientSums) -> tuple[int, float]:
    return (sums.nan_count + sums.inf_count, sums.finite_norm)


def _compare_updates(known: Mapping[int, RankStatistics], report: AnomalyReport) -> None:
    newest = max((answer.update for answer in known.values()), default=0)
    for rank, answer in known.items():
        if answer.update != newest:
            report.add(RANKS_OUT_OF_STEP, f"at update {answer.update}, others are at {newest}", rank=rank)


def _compare_replicas(known: Mapping[int, RankStatistics], report: AnomalyReport) -> None:
    """Report the ranks whose copy differs from that of most ranks (of the lowest, where none has most)."""
    copies = {rank: answer.replicated for rank, answer in known.items() if answer.replicated is not None}
    groups: list[list[int]] = []
    for rank, copy in copies.items():
        for group in groups:
            if _is_same(copies[group[0]], copy):
                group.append(rank)
                break
        else:
            groups.append([rank])
    if len(groups) < 2:
        return
    # `max` takes the first of equals, and groups stand in the order of their lowest rank.
    reference = max(groups, key=len)
    for rank in sorted(set(copies) - set(reference)):
        report.add(
            REPLICAS_DIFFER,
            f"its gradients ({_describe(copies[rank])}) are not those of rank {reference[0]} "
            f"({_describe(copies[reference[0]])}): they were not averaged",
            rank=rank,
        )


def _is_same(one: GradientSums, other: GradientSums) -> bool:
    same_counts = (one.element_count, one.nan_count, one.inf_count) == (
        other.element_count,
        other.nan_count,
        other.inf_count,
    )
    if math.isinf(one.finite_norm) or math.isinf(other.finite_norm):
        return same_counts and one.finite_norm == other.finite_norm
    return same_counts and math.isclose(one.finite_norm, other.finite_norm, rel_tol=REPLICA_TOLERANCE)


def _describe(sums: GradientSums) -> str:
    return f"norm {sums.finite_norm:.6g}, {sums.nan_count} NaN, {sums.inf_count} infinite"


def _common_findings(known: Mapping[int, RankStatistics]) -> list[str]:
    """What every rank has found, word for word: it lies in what they share, such as averaged gradients."""
    if len(known) < 2:
        return []
    first, *others = known.values()
    return [finding for finding in first.findings if all(finding in other.findings for other in others)]


def _attribute(rank: int, answer: RankStatistics, common: Sequence[str], report: AnomalyReport) -> None:
    """Add what a rank's own gradients and shards say of it, and its own findings."""
    for sums, where in ((answer.own_gradients, "before averaging"), (answer.sharded, "in its shards")):
        if sums is not None and sums.state is NormState.NOT_FINITE:
            report.add(
                NUMERICAL_INSTABILITY, broken_elements(sums.nan_count, sums.inf_count, where), rank=rank
            )
    for name, value in answer.scalars.items():
        if value is not None and not math.isfinite(value):
            report.add(NUMERICAL_INSTABILITY, f"{name} is {value}", rank=rank)
    for finding in answer.findings:
        if finding in common:
            continue
        anomaly, _, detail = finding.partition(": ")
        report.add(anomaly, detail, rank=rank)
    if answer.omitted_findings:
        report.add(OMITTED_FINDINGS, f"{answer.omitted_findings} more findings", rank=rank)


def _collected(name: str, known: Mapping[int, RankStatistics]) -> dict[int, float]:
    values = {rank: answer.scalars.get(name) for rank, answer in known.items()}
    return {rank: value for rank, value in values.items() if value is not None}
