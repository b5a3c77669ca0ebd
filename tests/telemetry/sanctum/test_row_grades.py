"""Each row of a panel has the grade that the record gives to the very value that it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telewire.telemetry.payloads import PPOUpdatePayload
from telewire.telemetry.sanctum import SanctumAggregator
from telewire.telemetry.sanctum.widgets import HealthStatusPanel, PolicyPanel, ValuePanel

ROWS: list[tuple[type[HealthStatusPanel | PolicyPanel | ValuePanel], str, str, list[tuple[object, str]]]] = [
    (
        HealthStatusPanel,
        "Pre-clip norm",
        "pre_clip_grad_norm",
        [
            (15.0, "healthy"),
            (150.0, "WARNING"),
            (250.0, "CRITICAL"),
            (None, "not collected"),
            (2.0, "healthy"),
        ],
    ),
    (
        HealthStatusPanel,
        "Norm variation",
        "grad_norm_variation",
        [(0.7, "healthy"), (1.2, "WARNING"), (1.6, "CRITICAL"), (None, "not collected"), (0.1, "healthy")],
    ),
    (
        HealthStatusPanel,
        "Grad passes",
        "grad_passes",
        [(1, "healthy"), (2, "WARNING"), (3, "WARNING"), (1, "healthy")],
    ),
    (
        HealthStatusPanel,
        "Loss scale",
        "loss_scale",
        [(0.75, "WARNING"), (1.5, "healthy"), (5e-5, "CRITICAL"), (None, "not collected"), (8.0, "healthy")],
    ),
    (
        HealthStatusPanel,
        "Dead layers",
        "dead_layers",
        [(2, "WARNING"), (4, "CRITICAL"), (0, "healthy"), (None, "not collected"), (3, "WARNING")],
    ),
    (
        HealthStatusPanel,
        "Exploding",
        "exploding_layers",
        [(2, "WARNING"), (4, "CRITICAL"), (0, "healthy"), (None, "not collected"), (3, "WARNING")],
    ),
    (
        PolicyPanel,
        "Policy loss",
        "policy_loss",
        [(0.3, "healthy"), (0.9, "WARNING"), (0.1, "healthy")],
    ),
    (
        ValuePanel,
        "Value loss",
        "value_loss",
        [(0.3, "healthy"), (30.0, "CRITICAL"), (0.1, "healthy")],
    ),
]


@pytest.mark.parametrize(("panel", "signal", "field", "grades"), ROWS, ids=[row[1] for row in ROWS])
def test_a_row_has_the_grade_of_the_value_that_it_shows(
    ppo_update: Callable[..., PPOUpdatePayload],
    aggregator_after: Callable[..., SanctumAggregator],
    panel: type[HealthStatusPanel | PolicyPanel | ValuePanel],
    signal: str,
    field: str,
    grades: list[tuple[object, str]],
) -> None:
    shown = []
    for value, _ in grades:
        text = panel.panel_text(aggregator_after(ppo_update(**{field: value})).get_snapshot()).plain
        shown.append(next(line for line in text.splitlines() if line.startswith(signal)))
    assert [line[-len(word) :] for line, (_, word) in zip(shown, grades, strict=True)] == [
        word for _, word in grades
    ]


def test_the_sizes_of_the_states_stand_beside_their_saturation(
    ppo_update: Callable[..., PPOUpdatePayload], aggregator_after: Callable[..., SanctumAggregator]
) -> None:
    text = HealthStatusPanel.panel_text(aggregator_after(ppo_update()).get_snapshot()).plain
    line = next(line for line in text.splitlines() if line.startswith("LSTM saturated"))
    assert line.split() == ["LSTM", "saturated", "1.0%", "RMS", "h", "0.500,", "c", "0.600", "healthy"]
