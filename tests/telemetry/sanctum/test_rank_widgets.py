"""What the dashboard shows of a training in several processes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telewire.telemetry.payloads import AnomalyPayload, PPOUpdatePayload, RankCoverage
from telewire.telemetry.sanctum.aggregator import SanctumAggregator
from telewire.telemetry.sanctum.widgets import AnomalyStrip, HealthStatusPanel, StatusBanner

Update = Callable[..., PPOUpdatePayload]


def row(ppo_update: Update, coverage: RankCoverage | None) -> str | None:
    aggregator = SanctumAggregator()
    aggregator.handle_ppo_update(ppo_update(rank_coverage=coverage))
    lines = HealthStatusPanel.panel_text(aggregator.get_snapshot()).plain.splitlines()
    return next((" ".join(line.split()) for line in lines if line.startswith("Ranks")), None)


@pytest.mark.parametrize(
    ("missing", "unanswered", "shown"),
    [
        (0, 0, "Ranks 4/4 0 missing, 0 unanswered healthy"),
        (1, 0, "Ranks 3/4 1 missing, 0 unanswered WARNING"),
        (3, 1, "Ranks 1/4 3 missing, 1 unanswered CRITICAL"),
    ],
)
def test_the_row_says_of_how_many_ranks_the_figures_speak(
    ppo_update: Update, missing: int, unanswered: int, shown: str
) -> None:
    assert row(ppo_update, RankCoverage(world_size=4, missing=missing, unanswered=unanswered)) == shown


@pytest.mark.parametrize("coverage", [None, RankCoverage(world_size=1, missing=0, unanswered=0)])
def test_a_training_in_one_process_has_no_row_for_ranks(
    ppo_update: Update, coverage: RankCoverage | None
) -> None:
    assert row(ppo_update, coverage) is None


def test_a_silent_rank_is_the_overall_status(ppo_update: Update) -> None:
    aggregator = SanctumAggregator()
    silent = RankCoverage(world_size=2, missing=1, unanswered=1)
    aggregator.handle_ppo_update(ppo_update(rank_coverage=silent))
    status = StatusBanner.status(aggregator.get_snapshot())
    assert status is not None
    assert status.name == "critical"


def strip(ppo_update: Update, *ranks: tuple[int, ...], update: int = 12) -> str:
    aggregator = SanctumAggregator()
    aggregator.handle_ppo_update(ppo_update(update=12))
    for some in ranks:
        aggregator.handle_anomaly(
            AnomalyPayload(update=update, anomalies=("lstm_nan",), details=("lstm_nan: seen",), ranks=some)
        )
    return AnomalyStrip.strip_text(aggregator.get_snapshot()).plain


def test_the_strip_names_the_rank(ppo_update: Update) -> None:
    assert "lstm_nan ×1  on rank 3  seen" in strip(ppo_update, (3,))


def test_the_ranks_of_several_reports_add_up(ppo_update: Update) -> None:
    assert "  on ranks 0, 2, 3  " in strip(ppo_update, (3, 0), (2, 3))


def test_an_anomaly_of_no_rank_names_none(ppo_update: Update) -> None:
    assert "rank" not in strip(ppo_update, ())


def test_the_ranks_of_an_older_update_are_not_named(ppo_update: Update) -> None:
    assert "rank" not in strip(ppo_update, (3,), update=11)
