"""Levels and their temporary escalation."""

import pytest

from telewire.telemetry.levels import TelemetryConfig, TelemetryLevel


def test_each_level_includes_those_below_it():
    config = TelemetryConfig(TelemetryLevel.MINIMAL)
    included = [level for level in TelemetryLevel if config.includes(level)]
    assert included == [TelemetryLevel.OFF, TelemetryLevel.MINIMAL]


def test_escalation_lasts_exactly_the_given_number_of_updates():
    config = TelemetryConfig(TelemetryLevel.NORMAL)
    config.escalate(2)
    levels = []
    for _ in range(3):
        levels.append(config.effective_level)
        config.tick()
    assert levels == [TelemetryLevel.DEBUG, TelemetryLevel.DEBUG, TelemetryLevel.NORMAL]


def test_escalation_leaves_the_chosen_level_as_it_is():
    config = TelemetryConfig(TelemetryLevel.MINIMAL)
    config.escalate(1)
    assert config.level is TelemetryLevel.MINIMAL


@pytest.mark.parametrize(("first", "second", "remaining"), [(5, 2, 5), (2, 5, 5)])
def test_a_second_escalation_extends_and_never_shortens_the_first(first, second, remaining):
    config = TelemetryConfig()
    config.escalate(first)
    config.escalate(second)
    assert config.escalated_updates == remaining


def test_off_is_never_escalated():
    config = TelemetryConfig(TelemetryLevel.OFF)
    config.escalate(3)
    assert config.effective_level is TelemetryLevel.OFF


def test_ticks_without_an_escalation_do_nothing():
    config = TelemetryConfig()
    config.tick()
    config.escalate(1)
    assert config.is_escalated


@pytest.mark.parametrize("updates", [0, -1])
def test_an_escalation_for_no_update_is_refused(updates):
    with pytest.raises(ValueError, match="at least 1 update"):
        TelemetryConfig().escalate(updates)
