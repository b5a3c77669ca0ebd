"""What a rank finds in gradients of its own batch that averaging has overwritten before they were read."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from telewire.telemetry.gradients import start_gradient_collection  # noqa: E402
from telewire.telemetry.ranks.reduction import reduce_statistics  # noqa: E402
from telewire.telemetry.ranks.statistics import RankStatistics  # noqa: E402

from ..gradients.models import model_with  # noqa: E402


def overwritten(value: float) -> RankStatistics:
    """The statistics of a rank whose own gradient held this value, and was averaged before it was read."""
    gradient = torch.tensor([value, 0.0])
    pending = start_gradient_collection(model_with(gradient))
    gradient.div_(2)
    return RankStatistics.of(update=1, own_gradients=[pending.read()])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_is_put_down_to_its_rank(value: float) -> None:
    report = reduce_statistics([RankStatistics.of(update=1), overwritten(value)]).report
    assert report.lines == (
        f"numerical_instability: rank 1: a norm of {value} before averaging, which has overwritten the rest",
    )


@pytest.mark.parametrize("value", [0.0, 1e-30])
def test_a_norm_that_is_too_small_to_be_believed_is_no_finding(value: float) -> None:
    assert overwritten(value).findings == ()
