"""From the backward pass of a real run to the real screen."""

import asyncio
import re

import pytest

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.sanctum.aggregator import SanctumAggregator
from telewire.telemetry.sanctum.app import SanctumApp
from telewire.telemetry.sanctum.widgets import HealthStatusPanel, StatusBanner
from telewire.telemetry.training.inject import Injection
from telewire.telemetry.training.loop import MINIMUM_UPDATES, TrainingConfig, TrainingLoop, TrainingResult

TRIES = 2_000


def screen_after_training(*inject: str) -> tuple[str, str]:
    """Banner and health panel after the last update of a run in the app's own worker."""

    async def run() -> tuple[str, str]:
        aggregator = SanctumAggregator()
        with TelemetryHub() as hub:
            hub.add_backend(aggregator)
            injections = [Injection.parse(text) for text in inject]
            loop = TrainingLoop(TrainingConfig(episodes=1, envs=2), hub, injections=injections)
            app = SanctumApp(aggregator, lambda stop: loop.run(stop=stop))
            async with app.run_test() as pilot:
                for _ in range(TRIES):
                    if app.training_result is not None or app.training_error is not None:
                        break
                    await pilot.pause(0.01)
                assert app.training_error is None
                assert isinstance(app.training_result, TrainingResult)
                assert hub.flush()
                app.refresh_snapshot()
                await pilot.pause()
                return (
                    str(app.query_one(StatusBanner).render()),
                    str(app.query_one(HealthStatusPanel).render()),
                )

    return asyncio.run(run())


def test_a_healthy_run_shows_no_broken_gradients() -> None:
    banner, _ = screen_after_training()
    assert f"update {MINIMUM_UPDATES}" in banner
    assert "NaN" not in banner
    assert "Inf" not in banner


@pytest.mark.parametrize(
    ("inject", "shown"), [("inf:7@5", "Inf:7"), ("inf:2@5", "Inf:2"), ("nan:4@5", "NaN:4")]
)
def test_injected_gradients_are_counted_on_the_status_banner(inject: str, shown: str) -> None:
    banner, _ = screen_after_training(inject)
    assert shown in banner


def test_both_kinds_are_counted_side_by_side() -> None:
    banner, _ = screen_after_training("nan:1@5", "inf:6@5")
    assert "NaN:1" in banner
    assert "Inf:6" in banner


def test_the_health_panel_names_the_poisoned_layer() -> None:
    _, panel = screen_after_training("inf:7@5")
    assert re.search(r"7 Inf of [\d,]+ in lstm\.weight_hh_l0", panel)
