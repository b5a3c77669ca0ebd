"""Each row of a panel has the grade that the record gives to the very value that it shows."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from rich.text import Text

from telewire.telemetry.payloads import GradientDrift, PPOUpdatePayload, RankCoverage, ValueHealth
from telewire.telemetry.sanctum import SanctumAggregator
from telewire.telemetry.sanctum.widgets import HealthStatusPanel, PolicyPanel, StatusBanner, ValuePanel

Panel = type[HealthStatusPanel | PolicyPanel | ValuePanel]


def drift(*, norm_drift: float, streak: int) -> GradientDrift:
    return GradientDrift(
        norm_ema=1.25,
        norm_drift=norm_drift,
        health_ema=1.0,
        health_drift=0.0,
        is_warming_up=False,
        streak=streak,
    )


COUNTS_OF_LAYERS = [
    (2, "2", "WARNING"),
    (4, "4", "CRITICAL"),
    (0, "0", "healthy"),
    (None, "—", "not collected"),
]

ROWS: list[tuple[Panel, str, str, list[tuple[object, str, str]]]] = [
    (
        HealthStatusPanel,
        "Pre-clip norm",
        "pre_clip_grad_norm",
        [
            (15.0, "15.000", "healthy"),
            (150.0, "150.000", "WARNING"),
            (250.0, "250.000", "CRITICAL"),
            (None, "—", "not collected"),
            (2.0, "2.000", "healthy"),
        ],
    ),
    (
        HealthStatusPanel,
        "Norm variation",
        "grad_norm_variation",
        [
            (0.7, "0.700", "healthy"),
            (1.2, "1.200", "WARNING"),
            (1.6, "1.600", "CRITICAL"),
            (None, "—", "not collected"),
        ],
    ),
    (
        HealthStatusPanel,
        "Grad passes",
        "grad_passes",
        [(1, "1", "healthy"), (2, "2", "WARNING"), (3, "3", "WARNING"), (1, "1", "healthy")],
    ),
    (
        HealthStatusPanel,
        "Loss scale",
        "loss_scale",
        [
            (0.75, "0.750", "WARNING"),
            (1.5, "1.500", "healthy"),
            (5e-5, "5.00e-05", "CRITICAL"),
            (65536.0, "65536", "healthy"),
            (-math.inf, "-inf", "CRITICAL"),
            (None, "—", "not collected"),
        ],
    ),
    (HealthStatusPanel, "Dead layers", "dead_layers", COUNTS_OF_LAYERS),
    (HealthStatusPanel, "Exploding", "exploding_layers", COUNTS_OF_LAYERS),
    (
        HealthStatusPanel,
        "Grad drift",
        "gradient_drift",
        [
            (drift(norm_drift=0.25, streak=0), "0.250", "healthy"),
            (drift(norm_drift=1.5, streak=6), "1.500", "WARNING"),
            (drift(norm_drift=2.5, streak=25), "2.500", "CRITICAL"),
            (None, "—", "not collected"),
            (drift(norm_drift=0.75, streak=0), "0.750", "healthy"),
        ],
    ),
    (
        HealthStatusPanel,
        "Ranks",
        "rank_coverage",
        [
            (RankCoverage(world_size=4, missing=0, unanswered=0), "4/4", "healthy"),
            (RankCoverage(world_size=4, missing=1, unanswered=0), "3/4", "WARNING"),
            (RankCoverage(world_size=4, missing=3, unanswered=1), "1/4", "CRITICAL"),
        ],
    ),
    (
        PolicyPanel,
        "Policy loss",
        "policy_loss",
        [
            (0.375, "0.375", "healthy"),
            (0.875, "0.875", "WARNING"),
            (math.nan, "NaN", "CRITICAL"),
            (0.125, "0.125", "healthy"),
        ],
    ),
    (
        PolicyPanel,
        "Entropy",
        "entropy",
        [
            (0.0625, "0.062", "WARNING"),
            (0.0125, "0.013", "CRITICAL"),
            (0.125, "0.125", "healthy"),
            (0.075, "0.075", "WARNING"),
        ],
    ),
    (
        PolicyPanel,
        "KL divergence",
        "approx_kl",
        [
            (0.04, "0.040", "healthy"),
            (0.15, "0.150", "WARNING"),
            (0.25, "0.250", "CRITICAL"),
            (0.01, "0.010", "healthy"),
        ],
    ),
    (
        PolicyPanel,
        "Clipped",
        "clip_fraction",
        [
            (0.2, "20.0%", "healthy"),
            (0.4, "40.0%", "WARNING"),
            (0.625, "62.5%", "CRITICAL"),
            (0.1, "10.0%", "healthy"),
        ],
    ),
    (
        PolicyPanel,
        "Skipped steps",
        "skipped_steps",
        [(0, "0", "healthy"), (2, "2", "WARNING"), (5, "5", "CRITICAL"), (1, "1", "WARNING")],
    ),
    (
        ValuePanel,
        "Value loss",
        "value_loss",
        [
            (1.5, "1.500", "healthy"),
            (15.0, "15.000", "WARNING"),
            (30.0, "30.000", "CRITICAL"),
            (0.125, "0.125", "healthy"),
        ],
    ),
]
STYLES = {"healthy": "green", "WARNING": "bold yellow", "CRITICAL": "bold red", "not collected": "dim"}


@pytest.mark.parametrize("turn", [1, -1], ids=["forward", "backward"])
@pytest.mark.parametrize(("panel", "signal", "field", "expected"), ROWS, ids=[row[1] for row in ROWS])
def test_a_row_shows_each_value_with_the_word_and_the_style_of_its_grade(
    ppo_update: Callable[..., PPOUpdatePayload],
    aggregator_after: Callable[..., SanctumAggregator],
    panel: Panel,
    signal: str,
    field: str,
    expected: list[tuple[object, str, str]],
    turn: int,
) -> None:
    for value, shown, grade in expected[::turn]:
        text = panel.panel_text(aggregator_after(ppo_update(**{field: value})).get_snapshot())
        row = next(line for line in text.split("\n") if line.plain.startswith(signal))
        assert row.plain.removeprefix(signal).split()[0] == shown
        assert row.plain.endswith(f"  {grade}")
        assert styles_at_the_end(row) == {STYLES[grade]}


def styles_at_the_end(row: Text) -> set[str]:
    return {str(span.style) for span in row.spans if span.end == len(row.plain) and str(span.style)}


def test_each_row_has_its_own_colour_beside_rows_of_others(
    ppo_update: Callable[..., PPOUpdatePayload], aggregator_after: Callable[..., SanctumAggregator]
) -> None:
    update = ppo_update(policy_loss=0.9, entropy=1.0, clip_fraction=0.9, skipped_steps=1, approx_kl=0.01)
    text = PolicyPanel.panel_text(aggregator_after(update).get_snapshot())
    rows = {line.plain[:13].strip(): styles_at_the_end(line) for line in text.split("\n")}
    assert rows["Policy loss"] == rows["Skipped steps"] == {"bold yellow"}
    assert rows["Entropy"] == rows["KL divergence"] == {"green"}
    assert rows["Clipped"] == {"bold red"}


@pytest.mark.parametrize("turn", [1, -1], ids=["forward", "backward"])
def test_the_banner_shows_each_count_in_the_style_of_its_own_level(
    ppo_update: Callable[..., PPOUpdatePayload],
    aggregator_after: Callable[..., SanctumAggregator],
    turn: int,
) -> None:
    counts = [(2, "bold red"), (9, "bold red reverse"), (3, "bold red")]
    for count, style in counts[::turn]:
        update = ppo_update(nan_grad_count=count, inf_grad_count=count)
        banner = StatusBanner.banner_text(aggregator_after(update).get_snapshot())
        for words in (f"NaN:{count}", f"Inf:{count}"):
            start = banner.plain.index(words)
            assert [str(span.style) for span in banner.spans if span.start == start] == [style]


def test_a_streak_stands_beside_what_has_lasted(
    ppo_update: Callable[..., PPOUpdatePayload], aggregator_after: Callable[..., SanctumAggregator]
) -> None:
    for streak in (3, 7):
        health = ValueHealth(phase=0.5, explained_variance=0.5, value_mean=1.5, value_std=0.5, streak=streak)
        text = ValuePanel.panel_text(aggregator_after(ppo_update(value_health=health)).get_snapshot()).plain
        assert f"at 50% of training, {streak} in a row" in text


def test_the_sizes_of_the_states_stand_beside_their_saturation(
    ppo_update: Callable[..., PPOUpdatePayload], aggregator_after: Callable[..., SanctumAggregator]
) -> None:
    text = HealthStatusPanel.panel_text(aggregator_after(ppo_update()).get_snapshot()).plain
    line = next(line for line in text.splitlines() if line.startswith("LSTM saturated"))
    assert line.split() == ["LSTM", "saturated", "1.0%", "RMS", "h", "0.500,", "c", "0.600", "healthy"]
