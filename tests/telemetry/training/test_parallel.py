"""The recurrent PPO in several processes."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import pytest

from telewire.telemetry.measurements import LSTMHealthMetrics
from telewire.telemetry.ranks.reduction import reduce_statistics
from telewire.telemetry.ranks.statistics import RankStatistics
from telewire.telemetry.training.parallel import (
    SHARED_METRICS,
    SharedMetric,
    gathered,
    joined_ranks,
    mean_over_ranks,
    rank_count,
    worst_lstm_health,
)


def state(h_norm: float) -> LSTMHealthMetrics:
    return LSTMHealthMetrics(
        h_norm=h_norm,
        c_norm=1.0,
        h_max=1.0,
        c_max=1.0,
        h_rms=0.1,
        c_rms=0.1,
        h_saturation=0.0,
        has_nan=math.isnan(h_norm),
        has_inf=False,
    )


def test_a_process_alone_is_rank_0_and_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined_ranks() as rank:
        assert (rank, rank_count(), gathered(("a",))) == (0, 1, [("a",)])


@pytest.mark.parametrize("name", SHARED_METRICS)
def test_a_metric_is_the_mean_of_what_the_ranks_have_of_it(name: SharedMetric) -> None:
    for first in (1.5, 4.0, 2.5):
        ranks = [
            RankStatistics.of(update=1, scalars=dict.fromkeys(SHARED_METRICS, 100.0) | {name: value})
            for value in (first, first + 3.0)
        ]
        assert mean_over_ranks(reduce_statistics(ranks), name, 7.0) == first + 1.5


def test_a_metric_that_no_rank_has_shared_stays_this_ranks_own() -> None:
    nothing = reduce_statistics([RankStatistics.of(update=1, scalars=dict.fromkeys(SHARED_METRICS))])
    assert [mean_over_ranks(nothing, "entropy", own) for own in (1.5, 4.0, 2.5)] == [1.5, 4.0, 2.5]


@pytest.mark.parametrize(
    ("norms", "worst"), [([1.0, 128.0, 2.0], 128.0), ([128.0, math.nan], math.nan), ([1.0, 2.0], 1.0)]
)
def test_the_hidden_state_shown_is_the_one_graded_worst(norms: list[float], worst: float) -> None:
    ranks = [RankStatistics.of(update=1, lstm_health=state(norm)) for norm in norms]
    shown = worst_lstm_health(reduce_statistics(ranks))
    assert shown is not None
    assert str(shown.h_norm) == str(worst)


def test_without_a_hidden_state_none_is_shown() -> None:
    assert worst_lstm_health(reduce_statistics([RankStatistics.of(update=1)])) is None


@pytest.fixture(scope="module")
def output() -> str:
    """Of a run in two processes, in which gradients of rank 1 are broken in the third update."""
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "torch.distributed.run",
                "--standalone",
                "--nproc-per-node=2",
                "-m",
                "telewire",
            ),
            *("train", "--episodes", "1", "--envs", "2", "--inject", "nan:7@3", "--inject-rank", "1"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_only_rank_0_reports(output: str) -> None:
    assert re.findall(r"^update +(\d)  episodes", output, re.MULTILINE) == ["1", "2", "3", "4", "5"]
    assert output.count("training ended") == 1


@pytest.mark.slow
def test_what_all_share_is_said_once_and_what_one_has_done_names_it(output: str) -> None:
    assert [line for line in output.splitlines() if line.startswith("update 3: ")] == [
        "update 3: numerical_instability: all ranks: 7 NaN gradient elements (critical)",
        "update 3: numerical_instability: all ranks: the gradient's norm or health is not finite "
        "(critical: The gradient has left its average for good, or has no finite size.)",
        "update 3: numerical_instability: rank 1: 7 NaN and 0 infinite gradient elements before averaging",
        "update 3: numerical_instability: rank 1: backpropagation met them first in lstm.weight_hh_l0 "
        "(7 NaN, 0 infinite)",
    ]


@pytest.mark.slow
def test_the_figures_speak_of_both_ranks(output: str) -> None:
    assert re.search(r"^TELE-710 +rank_coverage +2 of 2 +healthy +healthy 5 *$", output, re.MULTILINE)
