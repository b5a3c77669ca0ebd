"""The panels of the policy and of the value function: words, numbers, and the styles of the grades."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from telewire.telemetry.payloads import HeadEntropy, PerformanceTrend, PPOUpdatePayload
from telewire.telemetry.sanctum import SanctumAggregator, SanctumSnapshot
from telewire.telemetry.sanctum.widgets import PolicyPanel, StatusBanner, ValuePanel
from telewire.telemetry.sanctum.widgets.numbers import percent
from telewire.telemetry.sanctum.widgets.table import VALUE_WIDTH

Snapshot = Callable[..., SanctumSnapshot]


@pytest.fixture
def after_update(
    aggregator_after: Callable[..., SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> Snapshot:
    """Return the snapshot after one healthy update with some fields replaced."""

    def build(**changes: object) -> SanctumSnapshot:
        return aggregator_after(ppo_update(**changes)).get_snapshot()

    return build


def row(panel: Text, signal: str) -> str:
    return next(" ".join(line.split()) for line in panel.plain.splitlines() if line.startswith(signal))


def test_every_row_of_the_policy_shows_its_own_value(after_update: Snapshot) -> None:
    panel = PolicyPanel.panel_text(after_update())
    rows = [" ".join(line.split()) for line in panel.plain.splitlines()[1:]]
    assert rows == [
        "Mean return 87.250 epoch 1, best 60, drop -35.0% healthy",
        "Policy loss -0.012 healthy",
        "Entropy 1.012 nats, all heads healthy",
        "Head push 0.400 57.7% of its largest, 0 in a row healthy",
        "Head hold 0.612 88.3% of its largest, 0 in a row healthy",
        "KL divergence 0.004 nats healthy",
        "Clipped 8.3% healthy",
        "Ratio max 1.900 step 12, env 3, adv 0.710 healthy",
        "Ratio min 0.380 step 31, env 0, adv -1.200 healthy",
        "Skipped steps 0 healthy",
    ]


def test_every_row_of_the_value_function_shows_its_own_value(after_update: Snapshot) -> None:
    panel = ValuePanel.panel_text(after_update())
    rows = [" ".join(line.split()) for line in panel.plain.splitlines()[1:]]
    assert rows == [
        "Value loss 0.345 healthy",
        "Explained var 62.0% at 40% of training, 0 in a row healthy",
        "Values mean 1.590, std 0.270 healthy",
        "Advantages mean 0.045, std 0.303 not graded",
    ]


@pytest.mark.parametrize(
    ("changes", "panel", "signal", "level"),
    [
        ({"policy_loss": 0.9}, PolicyPanel, "Policy loss", "WARNING"),
        ({"entropy": 0.001}, PolicyPanel, "Entropy", "CRITICAL"),
        ({"approx_kl": 0.1}, PolicyPanel, "KL divergence", "WARNING"),
        ({"clip_fraction": 0.6}, PolicyPanel, "Clipped", "CRITICAL"),
        ({"skipped_steps": 2}, PolicyPanel, "Skipped steps", "WARNING"),
        ({"value_loss": 30.0}, ValuePanel, "Value loss", "CRITICAL"),
        (
            {"head_hold_entropy": HeadEntropy(entropy=0.01, normalised=0.02, streak=4)},
            PolicyPanel,
            "Head hold",
            "WARNING",
        ),
        (
            {
                "performance": PerformanceTrend(
                    epoch=9, mean_return=20.0, best_return=100.0, drop=0.8, is_warming_up=False
                )
            },
            PolicyPanel,
            "Mean return",
            "CRITICAL",
        ),
    ],
)
def test_a_row_and_the_status_have_the_grade_of_the_record(
    after_update: Snapshot,
    changes: dict[str, object],
    panel: type[PolicyPanel | ValuePanel],
    signal: str,
    level: str,
) -> None:
    snapshot = after_update(**changes)
    assert row(panel.panel_text(snapshot), signal).endswith(level)
    assert StatusBanner.banner_text(snapshot).plain.startswith(level)


@pytest.mark.parametrize(("field", "signal"), [("ratio", "Ratio max"), ("value_health", "Explained var")])
def test_what_is_no_number_is_named_and_critical(after_update: Snapshot, field: str, signal: str) -> None:
    healthy = getattr(after_update().tamiyo, field)
    bad = {"ratio": {"max": math.nan}, "value_health": {"explained_variance": math.nan}}[field]
    snapshot = after_update(**{field: dataclasses.replace(healthy, **bad)})
    panel = (PolicyPanel if field == "ratio" else ValuePanel).panel_text(snapshot)
    assert "NaN" in row(panel, signal)
    assert row(panel, signal).endswith("CRITICAL")


@pytest.mark.parametrize("panel", [PolicyPanel, ValuePanel])
def test_before_the_first_update_nothing_is_graded(panel: type[PolicyPanel | ValuePanel]) -> None:
    text = panel.panel_text(SanctumAggregator().get_snapshot()).plain
    assert "waiting for the first update" in text
    assert "healthy" not in text


def test_before_the_first_epoch_has_ended_the_return_is_shown_and_not_graded(after_update: Snapshot) -> None:
    assert row(PolicyPanel.panel_text(after_update(performance=None)), "Mean return") == (
        "Mean return 87.250 no epoch has ended not collected"
    )


@pytest.mark.parametrize("panel", [PolicyPanel, ValuePanel])
def test_a_panel_fits_eighty_columns(after_update: Snapshot, panel: type[PolicyPanel | ValuePanel]) -> None:
    extreme = after_update(value_loss=math.inf, approx_kl=1.25e-12, entropy=-1.5e-300, performance=None)
    assert max(cell_len(line) for line in panel.panel_text(extreme).plain.splitlines()) <= 76


def test_a_share_out_of_all_proportion_leaves_its_grade_on_the_screen(after_update: Snapshot) -> None:
    health = dataclasses.replace(after_update().tamiyo.value_health, explained_variance=-1e14)
    panel = ValuePanel.panel_text(after_update(value_health=health))
    assert row(panel, "Explained var").split()[2] == "-1.0e+16%"
    assert max(cell_len(line) for line in panel.plain.splitlines()) <= 76


@given(st.floats(min_value=-1e97, max_value=1e97))
def test_a_percentage_fits_its_column_and_is_that_share(share: float) -> None:
    shown = percent(share)
    assert len(shown) <= VALUE_WIDTH
    assert float(shown.removesuffix("%")) / 100 == pytest.approx(share, rel=0.05, abs=0.0005)


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.5, "50.0%"),
        (-0.035, "-3.5%"),
        (998.9, "99890.0%"),
        (1e308, "1.0e+310%"),
        (None, "—"),
        (math.nan, "NaN"),
        (-math.inf, "-inf"),
    ],
)
def test_a_percentage_has_one_decimal_and_what_is_no_number_its_name(share: float | None, shown: str) -> None:
    assert percent(share) == shown
