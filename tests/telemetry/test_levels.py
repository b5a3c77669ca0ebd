"""Levels and their temporary escalation."""

import pytest

from telewire.telemetry.levels import (
    CATEGORY_LEVELS,
    TelemetryConfig,
    TelemetryLevel,
    UnknownCategoryWarning,
)


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


@pytest.mark.parametrize("level", TelemetryLevel)
def test_a_category_is_collected_from_its_level_on(level):
    config = TelemetryConfig(level)
    collected = {category for category in CATEGORY_LEVELS if config.collects(category)}
    assert collected == {category for category, least in CATEGORY_LEVELS.items() if least <= level}


def test_nothing_at_all_is_collected_at_off():
    assert not any(TelemetryConfig(TelemetryLevel.OFF).collects(category) for category in CATEGORY_LEVELS)


def test_escalation_collects_the_layers_for_a_while():
    config = TelemetryConfig(TelemetryLevel.MINIMAL)
    config.escalate(1)
    during = config.collects("layers")
    config.tick()
    assert (during, config.collects("layers")) == (True, False)


def test_an_unknown_category_is_warned_of_and_not_collected():
    config = TelemetryConfig(TelemetryLevel.DEBUG)
    with pytest.warns(UnknownCategoryWarning, match="'layer' is not collected; did you mean 'layers'?"):
        assert config.collects("layer") is False


def test_a_category_like_no_other_is_answered_with_those_that_there_are():
    with pytest.warns(UnknownCategoryWarning, match="known: losses, gradients, "):
        TelemetryConfig().collects("weather")


def test_categories_can_be_declared():
    config = TelemetryConfig(TelemetryLevel.NORMAL, categories={"attention": TelemetryLevel.NORMAL})
    assert config.collects("attention")
