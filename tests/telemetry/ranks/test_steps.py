"""A step of several collections, put together over two ranks of which one is played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from telewire.telemetry.gradients import collect_gradients  # noqa: E402
from telewire.telemetry.measurements import GradientCollection  # noqa: E402
from telewire.telemetry.ranks import steps  # noqa: E402
from telewire.telemetry.ranks.reduction import ReducedStatistics, reduce_statistics  # noqa: E402
from telewire.telemetry.ranks.statistics import RankStatistics  # noqa: E402

from ..gradients.models import model_with  # noqa: E402


class BesideAnother:
    """An exchange of rank 0 with a rank that has collected these, one after the other; None where it is silent."""

    rank = 0
    world_size = 2

    def __init__(self, others: Sequence[GradientCollection | None]) -> None:
        self._others = list(others)

    def reduce(self, own: RankStatistics) -> ReducedStatistics:
        other = self._others.pop(0)
        if other is None:
            return reduce_statistics([own, None], unanswered=(1,))
        said = RankStatistics.of(update=own.update, gradients=other, clipped=other, scalars=own.scalars)
        return reduce_statistics([own, said])


def shared(
    monkeypatch: pytest.MonkeyPatch,
    own: Sequence[GradientCollection],
    others: Sequence[GradientCollection | None],
    clipped: Sequence[GradientCollection | None] | None = None,
) -> steps.SharedStep:
    monkeypatch.setattr(steps, "RankExchange", lambda layout: BesideAnother(others))
    exchange = steps.StepExchange()
    return exchange.share(
        update=1,
        collections=own,
        clipped=[None] * len(own) if clipped is None else clipped,
        loss=0.5,
        checks=True,
        escalated_updates=0,
    )


def not_averaged(norm: float) -> str:
    return (
        f"rank 1: its gradients (norm {norm}, 0 NaN, 0 infinite) are not those of rank 0 "
        "(norm 2, 0 NaN, 0 infinite): they were not averaged"
    )


def test_what_is_found_in_several_collections_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (collect_gradients(model_with(torch.full((4,), value))) for value in (1.0, 2.0))
    found = shared(monkeypatch, [one] * 4, [replace(one, replicated=None), None, None, two])
    assert found.report.details == {
        "rank_unanswered": ["rank 1: did not answer"],
        "replicas_differ": [not_averaged(4)],
    }
    assert (found.coverage.unanswered, found.coverage.missing) == (1, 1)


def test_what_is_found_in_each_collection_is_said_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, three = (collect_gradients(model_with(torch.full((4,), value))) for value in (1.0, 2.0, 3.0))
    found = shared(monkeypatch, [one, one], [two, three])
    assert found.report.details == {"replicas_differ": [not_averaged(4), not_averaged(6)]}


def test_after_clipping_shards_add_up_beside_what_every_rank_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    part, common = (collect_gradients(model_with(torch.full((4,), value))) for value in (2.0, 0.5))
    mixed = replace(common, sharded=part.replicated)
    found = shared(monkeypatch, [mixed, mixed, common], [mixed, mixed, common], [mixed, None, common])
    norms = [None if one is None else one.norm for one in found.clipped]
    assert norms == [pytest.approx((4.0**2 + 4.0**2 + 1.0) ** 0.5), None, 1.0]


def test_after_clipping_nothing_is_known_of_shards_without_those_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = collect_gradients(model_with(torch.full((4,), 2.0)))
    sharded = replace(part, replicated=None, sharded=part.replicated)
    (clipped,) = shared(monkeypatch, [sharded], [None], [sharded]).clipped
    assert clipped is not None
    assert (clipped.norm, clipped.nan_count, clipped.inf_count) == (None, None, None)
