"""What the ranks say together, against brute force."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from decimal import Context, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telewire.telemetry.measurements import GradientSums, NormState
from telewire.telemetry.ranks.reduction import reduce_statistics
from telewire.telemetry.ranks.statistics import RankStatistics

from .saying import says

WIDE = Context(prec=60, Emax=10**6, Emin=-(10**6))
ELEMENTS = st.floats(width=64) | st.sampled_from([0.0, 1e300, -1e-300, 5e-324, math.nan, math.inf, -math.inf])


def summed(elements: Sequence[float]) -> GradientSums:
    """As a rank would measure its own elements."""
    finite = [abs(element) for element in elements if math.isfinite(element)]
    scale = max(finite, default=0.0) or 1.0
    return GradientSums(
        element_count=len(elements),
        nan_count=sum(math.isnan(element) for element in elements),
        inf_count=sum(math.isinf(element) for element in elements),
        scale=scale,
        squares=math.fsum((element / scale) ** 2 for element in finite),
        overflow_limit=1.3e154,
        underflow_limit=1.5e-154,
        layer_overflowed=False,
    )


def exact_norm(elements: Sequence[float]) -> float:
    squares = Decimal(0)
    for element in elements:
        if math.isfinite(element):
            squares = WIDE.add(squares, WIDE.multiply(Decimal(element), Decimal(element)))
    return float(WIDE.sqrt(squares))


def is_norm_of(elements: Sequence[float], norm: float) -> bool:
    """Whether a norm is right to twelve digits; beside the largest float, rounding alone decides about infinity."""
    exact, found = (min(one, sys.float_info.max) for one in (exact_norm(elements), norm))
    return found == pytest.approx(exact, rel=1e-12, abs=5e-324)


@st.composite
def shards(draw: st.DrawFn) -> list[list[float]]:
    """A gradient cut unevenly among up to nine ranks, some of which may get nothing."""
    elements = draw(st.lists(ELEMENTS, max_size=20))
    ranks = draw(st.integers(1, 9))
    cuts = sorted(draw(st.lists(st.integers(0, len(elements)), min_size=ranks - 1, max_size=ranks - 1)))
    return [elements[start:end] for start, end in zip([0, *cuts], [*cuts, len(elements)], strict=True)]


@given(shards())
def test_shards_add_up_to_the_whole_gradient(parts: list[list[float]]) -> None:
    whole = [element for part in parts for element in part]
    gradients = reduce_statistics([says(sharded=summed(part)) for part in parts]).gradients
    assert gradients is not None
    assert gradients.element_count == len(whole)
    assert gradients.nan_count == sum(math.isnan(element) for element in whole)
    assert gradients.inf_count == sum(math.isinf(element) for element in whole)
    assert is_norm_of(whole, gradients.finite_norm)


@given(shards(), st.lists(ELEMENTS, max_size=9))
@example([[7.667518651637209e299, 1e300, 1e300, sys.float_info.max]], [1e300])
def test_what_every_rank_holds_counts_once_beside_the_shards(
    parts: list[list[float]], common: list[float]
) -> None:
    whole = [*common, *(element for part in parts for element in part)]
    answers = [says(sharded=summed(part), replicated=summed(common)) for part in parts]
    reduced = reduce_statistics(answers)
    assert reduced.gradients is not None
    assert reduced.gradients.element_count == len(whole)
    assert reduced.gradients.nan_count == sum(math.isnan(element) for element in whole)
    assert is_norm_of(whole, reduced.gradients.finite_norm)
    assert "replicas_differ" not in reduced.report.details


@given(shards())
def test_shards_add_up_after_clipping_too(parts: list[list[float]]) -> None:
    answers = [says(sharded=summed([1.0]), clipped_shards=summed(part)) for part in parts]
    clipped = reduce_statistics(answers).clipped_shards
    assert clipped is not None
    assert is_norm_of([element for part in parts for element in part], clipped.finite_norm)


@pytest.mark.parametrize("silent", [says(sharded=summed([1.0])), says(), None])
def test_without_the_shards_of_a_rank_nothing_is_known_of_the_norm_after_clipping(
    silent: RankStatistics | None,
) -> None:
    own = says(sharded=summed([1.0]), clipped_shards=summed([0.5]))
    assert reduce_statistics([own, silent]).clipped_shards is None


@given(shards())
def test_the_ranks_are_named_whose_shards_are_broken(parts: list[list[float]]) -> None:
    report = reduce_statistics([says(sharded=summed(part)) for part in parts]).report
    broken = [rank for rank, part in enumerate(parts) if not all(map(math.isfinite, part))]
    assert list(report.ranks) == broken
    assert len(report.lines) == len(broken)


def test_the_norm_neither_overflows_nor_vanishes_between_ranks() -> None:
    for size in (1e-300, 1e300):
        gradients = reduce_statistics([says(sharded=summed([size] * 8)) for _ in range(2)]).gradients
        assert gradients is not None
        assert gradients.norm == pytest.approx(4 * size)


def test_shards_that_overflow_only_together_are_called_overflowed() -> None:
    parts = [summed([1e154]) for _ in range(4)]
    assert {part.state for part in parts} == {NormState.FINITE}
    gradients = reduce_statistics([says(sharded=part) for part in parts]).gradients
    assert gradients is not None
    assert gradients.state is NormState.OVERFLOWED


def test_counts_above_two_to_the_24_stay_exact(sums) -> None:
    parts = [sums(nan_count=2**24 + 1, inf_count=2**53 + 1), sums(nan_count=2, inf_count=3)]
    gradients = reduce_statistics([says(sharded=part) for part in parts]).gradients
    assert gradients is not None
    assert (gradients.nan_count, gradients.inf_count) == (2**24 + 3, 2**53 + 4)


def test_a_gradient_that_most_ranks_do_not_have_is_named_with_its_rank() -> None:
    copies = [summed([3.0]), summed([3.0]), summed([4.0]), summed([3.0])]
    report = reduce_statistics([says(replicated=copy) for copy in copies]).report
    assert report.details == {
        "replicas_differ": [
            "rank 2: its gradients (norm 4, 0 NaN, 0 infinite) are not those of rank 0 "
            "(norm 3, 0 NaN, 0 infinite): they were not averaged"
        ]
    }


def test_a_nan_that_one_copy_holds_is_not_hidden_by_the_others() -> None:
    copies = [summed([3.0]), summed([math.nan]), summed([3.0])]
    reduced = reduce_statistics([says(replicated=copy) for copy in copies])
    assert reduced.gradients is not None
    assert reduced.gradients.nan_count == 1
    assert reduced.report.ranks == (1,)


def test_copies_with_the_same_nan_are_the_same() -> None:
    report = reduce_statistics([says(replicated=summed([math.nan, 2.0])) for _ in range(3)]).report
    assert not report.has_anomaly


def test_the_rank_whose_own_batch_broke_the_common_gradient_is_named() -> None:
    answers = [
        says(replicated=summed([math.nan]), own_gradients=summed([math.nan if rank == 3 else 1.0]))
        for rank in range(4)
    ]
    assert reduce_statistics(answers).report.lines == (
        "numerical_instability: rank 3: 1 NaN and 0 infinite gradient elements before averaging",
    )


def test_a_missing_shard_makes_the_sum_unknown_and_not_small() -> None:
    reduced = reduce_statistics([says(sharded=summed([1.0])), says(), says(sharded=summed([1.0]))])
    assert reduced.gradients is None
    assert reduced.missing_ranks == (1,)
    assert (reduced.coverage.world_size, reduced.coverage.missing, reduced.coverage.unanswered) == (3, 1, 0)


def test_a_missing_copy_does_not_make_the_gradient_unknown() -> None:
    reduced = reduce_statistics([says(replicated=summed([3.0])), says()])
    assert reduced.gradients == summed([3.0])
    assert reduced.missing_ranks == (1,)


def test_where_no_rank_has_collected_nothing_is_known() -> None:
    reduced = reduce_statistics([says(passes=None), says(passes=None)])
    assert (reduced.gradients, reduced.passes, reduced.lstm_health) == (None, None, {})


def test_a_silent_rank_is_an_anomaly_of_that_rank() -> None:
    reduced = reduce_statistics([says(replicated=summed([3.0])), None, None], unanswered=(2,))
    assert reduced.report.lines == ("rank_unanswered: rank 2: did not answer",)
    assert (reduced.missing_ranks, reduced.unanswered_ranks) == ((1, 2), (2,))


def test_a_rank_that_is_behind_is_named() -> None:
    reduced = reduce_statistics([says(update=7), says(update=6)])
    assert reduced.report.lines == ("ranks_out_of_step: rank 1: at update 6, others are at 7",)


def test_findings_are_attributed_to_the_rank_that_found_them() -> None:
    answers = [says(), says(findings=("lstm_nan: the hidden state: NaN",), omitted_findings=2)]
    assert reduce_statistics(answers).report.details == {
        "lstm_nan": ["rank 1: the hidden state: NaN"],
        "omitted_findings": ["rank 1: 2 more findings"],
    }


def test_a_finding_that_all_ranks_share_is_said_once_and_attributed_to_none() -> None:
    shared = "numerical_instability: 3 NaN gradient elements (warning)"
    reduced = reduce_statistics([says(findings=(shared,)), says(findings=("lstm_nan: seen", shared))])
    assert reduced.report.details == {
        "numerical_instability": ["all ranks: 3 NaN gradient elements (warning)"],
        "lstm_nan": ["rank 1: seen"],
    }
    assert reduced.report.ranks == (1,)


def test_a_loss_that_is_not_finite_names_its_rank() -> None:
    reduced = reduce_statistics([says(scalars={"loss": 1.0}), says(scalars={"loss": math.inf})])
    assert reduced.report.lines == ("numerical_instability: rank 1: loss is inf",)


def test_the_longest_escalation_holds_for_all() -> None:
    assert reduce_statistics([says(escalated_updates=2), says(escalated_updates=5)]).escalated_updates == 5


def test_a_number_is_averaged_over_the_ranks_that_collected_it() -> None:
    answers = [says(scalars={"loss": 1.0}), says(scalars={"loss": None}), says(scalars={"loss": 4.0})]
    reduced = reduce_statistics(answers)
    assert reduced.scalars == {"loss": {0: 1.0, 2: 4.0}}
    assert reduced.mean("loss") == 2.5


def test_a_number_that_no_rank_collected_has_no_mean() -> None:
    assert reduce_statistics([says(scalars={"loss": None})]).mean("loss") is None


def test_nan_on_one_rank_is_the_mean() -> None:
    reduced = reduce_statistics([says(scalars={"loss": 1.0}), says(scalars={"loss": math.nan})])
    assert math.isnan(reduced.mean("loss") or 0.0)
