"""What was shown before has no part in what is shown: widgets keep nothing."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable
from typing import Any

import pytest
from rich.text import Text

from telewire.telemetry.payloads import LayerGradientStats, PPOUpdatePayload
from telewire.telemetry.sanctum import SanctumAggregator, SanctumSnapshot
from telewire.telemetry.sanctum.widgets import (
    AnomalyStrip,
    HealthStatusPanel,
    PolicyPanel,
    StatusBanner,
    ValuePanel,
)

AggregatorAfter = Callable[..., SanctumAggregator]
Update = Callable[..., PPOUpdatePayload]

LAYER = LayerGradientStats(
    layer_name="lstm.weight_hh_l0",
    element_count=4096,
    nan_count=0,
    inf_count=0,
    norm=0.75,
    mean=0.01,
    std=0.02,
    min=-0.1,
    max=0.2,
    zero_fraction=0.03,
    small_fraction=0.04,
    large_fraction=0.05,
)


def other(value: Any, number: int) -> Any:
    """A value of the same kind, another one for each number."""
    if isinstance(value, bool):
        return value ^ bool(number % 2)
    if isinstance(value, enum.Enum):
        members = list(type(value))
        return members[(members.index(value) + number) % len(members)]
    if isinstance(value, int):
        return value + number
    if isinstance(value, float):
        return value * (1 + number) + 0.03 * number
    if isinstance(value, tuple):
        return tuple(other(one, number) for one in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: other(getattr(value, field.name), number) for field in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **fields)
    return value


def snapshots(aggregator_after: AggregatorAfter, ppo_update: Update) -> list[SanctumSnapshot]:
    """States that differ in every signal, of every grade, and with what is not collected."""
    whole = ppo_update(worst_layer=LAYER, dead_layers=0, exploding_layers=0, loss_scale=4096.0)
    updates = [other(whole, number) for number in range(6)]
    updates += [ppo_update(nan_grad_count=7), ppo_update(inf_grad_count=2, grad_norm=math.nan)]
    updates += [ppo_update(grad_norm=None, lstm_health=None, performance=None, gradient_drift=None)]
    states = [[update] for update in updates]
    states += [[ppo_update(grad_norm=norm), ppo_update(grad_norm=None)] for norm in (3.5, 30.5)]
    return [aggregator_after(*state).get_snapshot() for state in states]


def shown(rendered: object) -> object:
    return (rendered.plain, rendered.spans) if isinstance(rendered, Text) else rendered


@pytest.mark.parametrize(
    "render",
    [
        StatusBanner.banner_text,
        StatusBanner.status,
        HealthStatusPanel.panel_text,
        PolicyPanel.panel_text,
        ValuePanel.panel_text,
        AnomalyStrip.strip_text,
    ],
)
def test_what_was_shown_before_has_no_part_in_what_is_shown(
    aggregator_after: AggregatorAfter,
    ppo_update: Update,
    render: Callable[[SanctumSnapshot], object],
) -> None:
    states = snapshots(aggregator_after, ppo_update)
    forward = [shown(render(state)) for state in states]
    backward = [shown(render(state)) for state in reversed(states)]
    assert forward == backward[::-1]
    assert len(set(map(str, forward))) > 2
