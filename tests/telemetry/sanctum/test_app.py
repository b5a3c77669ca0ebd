"""SanctumApp: the poll, the training beside it, and the way out."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from textual.widget import Widget
from textual.widgets import Static

from telewire.telemetry.payloads import PPOUpdatePayload
from telewire.telemetry.sanctum import SanctumAggregator
from telewire.telemetry.sanctum.app import SanctumApp
from telewire.telemetry.sanctum.widgets import (
    AnomalyStrip,
    HealthStatusPanel,
    PolicyPanel,
    StatusBanner,
    ValuePanel,
)


def run_state(app: SanctumApp) -> str:
    return str(app.query_one("#run-state", Static).render())


def test_status_and_anomalies_are_on_a_terminal_of_80_by_24_wherever_the_panels_are_scrolled(
    scene: Callable[[str], SanctumAggregator],
) -> None:
    async def run() -> None:
        app = SanctumApp(scene("critical"))
        async with app.run_test(size=(80, 24)) as pilot:
            for key in ("home", "end"):
                await pilot.press(key)
                await pilot.pause()
                assert app.screen.max_scroll_y == 0
                for widget in (StatusBanner, AnomalyStrip):
                    assert app.screen.region.contains_region(app.query_one(widget).region)

    asyncio.run(run())


@pytest.mark.parametrize("panel", [HealthStatusPanel, PolicyPanel, ValuePanel])
def test_every_line_of_a_panel_can_be_reached_on_a_terminal_of_80_by_24(
    scene: Callable[[str], SanctumAggregator], panel: type[Widget]
) -> None:
    async def run() -> None:
        app = SanctumApp(scene("critical"))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            panels, shown = app.query_one("#panels"), app.query_one(panel)
            seen: set[int] = set()
            await pilot.press("home")
            for _ in range(100):
                await pilot.pause()
                visible = shown.region.intersection(panels.region)
                seen.update(range(visible.y - shown.region.y, visible.bottom - shown.region.y))
                await pilot.press("down")
            assert seen == set(range(shown.region.height))
            assert shown.region.width <= panels.region.width

    asyncio.run(run())


def test_screen_follows_the_aggregator(
    scene: Callable[[str], SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> None:
    async def run() -> None:
        aggregator = scene("waiting")
        app = SanctumApp(aggregator)
        async with app.run_test() as pilot:
            aggregator.handle_ppo_update(ppo_update(inf_grad_count=7))
            app.refresh_snapshot()
            await pilot.pause()
            assert "Inf:7" in str(app.query_one(StatusBanner).render())

    asyncio.run(run())


def test_screen_refreshes_by_itself(
    scene: Callable[[str], SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> None:
    async def run() -> None:
        aggregator = scene("waiting")
        app = SanctumApp(aggregator, refresh_hz=1000.0)
        async with asyncio.timeout(20), app.run_test() as pilot:
            aggregator.handle_ppo_update(ppo_update(inf_grad_count=7))
            while "Inf:7" not in str(app.query_one(StatusBanner).render()):
                await pilot.pause()

    asyncio.run(run())


@pytest.mark.parametrize("refresh_hz", [0.0, -1.0, float("nan")])
def test_refresh_rate_must_be_positive(refresh_hz: float) -> None:
    with pytest.raises(ValueError, match="refresh_hz must be positive"):
        SanctumApp(SanctumAggregator(), refresh_hz=refresh_hz)


def test_age_of_the_newest_event_is_shown(scene: Callable[[str], SanctumAggregator]) -> None:
    async def run() -> None:
        app = SanctumApp(scene("healthy"), clock=lambda: 1_090.0)
        async with app.run_test():
            assert run_state(app) == "watching, newest event 90 s ago"

    asyncio.run(run())


def test_q_leaves_at_once_when_nothing_trains() -> None:
    async def run() -> None:
        app = SanctumApp(SanctumAggregator())
        async with app.run_test() as pilot:
            await pilot.press("q")
        assert app.return_code == 0

    asyncio.run(run())


def test_result_of_the_training_is_kept() -> None:
    async def run() -> None:
        app = SanctumApp(SanctumAggregator(), lambda stop: "summary")
        async with app.run_test() as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert run_state(app).startswith("training finished")
        assert app.training_result == "summary"
        assert app.training_error is None

    asyncio.run(run())


def test_training_runs_in_a_thread_of_its_own() -> None:
    async def run() -> None:
        app = SanctumApp(SanctumAggregator(), lambda stop: threading.get_ident())
        async with app.run_test():
            await app.workers.wait_for_complete()
        assert app.training_result != threading.get_ident()

    asyncio.run(run())


def test_error_of_the_training_stays_on_the_screen() -> None:
    def training(stop: threading.Event) -> None:
        raise ValueError("no such environment")

    async def run() -> None:
        app = SanctumApp(SanctumAggregator(), training)
        async with app.run_test() as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert run_state(app) == "training failed: ValueError: no such environment"

    asyncio.run(run())


def test_error_of_the_training_is_kept_and_makes_the_return_code_1() -> None:
    error = RuntimeError("broken")

    def training(stop: threading.Event) -> None:
        raise error

    async def run() -> None:
        app = SanctumApp(SanctumAggregator(), training)
        async with app.run_test() as pilot:
            await app.workers.wait_for_complete()
            await pilot.press("q")
        assert app.training_error is error
        assert app.return_code == 1

    asyncio.run(run())


def test_q_asks_the_training_to_stop_and_leaves_when_it_has() -> None:
    def training(stop: threading.Event) -> str:
        return "asked" if stop.wait(timeout=20) else "never asked"

    async def run() -> None:
        app = SanctumApp(SanctumAggregator(), training)
        async with app.run_test() as pilot:
            await pilot.press("q")
            await app.workers.wait_for_complete()
        assert app.training_result == "asked"
        assert app.return_code == 0

    asyncio.run(run())


def test_first_q_waits_for_a_training_that_still_works() -> None:
    release = threading.Event()

    async def run() -> None:
        app = SanctumApp(SanctumAggregator(), lambda stop: release.wait(timeout=20))
        async with app.run_test() as pilot:
            await pilot.press("q")
            await pilot.pause()
            assert app.is_running
            assert run_state(app).startswith("stopping after this update")
            release.set()
            await app.workers.wait_for_complete()

    asyncio.run(run())


def test_second_q_leaves_without_waiting() -> None:
    release = threading.Event()

    async def run() -> None:
        app = SanctumApp(SanctumAggregator(), lambda stop: release.wait(timeout=20))
        async with app.run_test() as pilot:
            await pilot.press("q")
            await pilot.press("q")
            await pilot.pause()
            still_working = app.training_result is None
            release.set()
        assert still_working
        assert app.return_code == 0

    asyncio.run(run())


def test_closing_the_app_in_any_way_asks_the_training_to_stop() -> None:
    def training(stop: threading.Event) -> str:
        return "asked" if stop.wait(timeout=20) else "never asked"

    async def run() -> None:
        app = SanctumApp(SanctumAggregator(), training)
        async with app.run_test():
            app.exit()
        # asyncio.run waits for the thread, so the result is looked at after it.
        apps.append(app)

    apps: list[SanctumApp] = []
    asyncio.run(run())
    assert apps[0].training_result == "asked"
