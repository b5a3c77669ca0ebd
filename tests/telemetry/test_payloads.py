"""Payloads are plain values: complete, frozen, and free of defaults that could hide a missing number."""

import dataclasses

import pytest

from telewire.telemetry.measurements import LayerGradientStats, LSTMHealthMetrics
from telewire.telemetry.payloads import (
    AnomalyPayload,
    EventKind,
    LayerDiagnosticsPayload,
    PPOUpdatePayload,
    TelemetryEvent,
)

VALUES = (
    LayerGradientStats,
    LSTMHealthMetrics,
    PPOUpdatePayload,
    AnomalyPayload,
    LayerDiagnosticsPayload,
    TelemetryEvent,
)


@pytest.mark.parametrize("value_type", VALUES)
def test_no_field_has_a_default(value_type):
    for field in dataclasses.fields(value_type):
        assert field.default is dataclasses.MISSING
        assert field.default_factory is dataclasses.MISSING


@pytest.mark.parametrize("value_type", VALUES)
def test_every_value_is_frozen_and_takes_no_new_attribute(value_type):
    assert value_type.__dataclass_params__.frozen
    assert "__slots__" in vars(value_type)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(PPOUpdatePayload)])
def test_a_ppo_update_cannot_be_built_without_any_one_of_its_fields(field):
    complete = {field.name: 1 for field in dataclasses.fields(PPOUpdatePayload)}
    del complete[field]
    with pytest.raises(TypeError, match=field):
        PPOUpdatePayload(**complete)


def test_an_event_kind_is_written_as_its_value():
    assert f"{EventKind.PPO_UPDATE}" == "ppo_update"
