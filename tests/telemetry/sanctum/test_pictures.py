"""The real app, run headless: how it looks, compared with pictures that somebody looked at."""

import asyncio
from collections.abc import Callable

import pytest

from telewire.telemetry.sanctum import SanctumAggregator
from telewire.telemetry.sanctum.app import SanctumApp

SCREEN = (80, 24)


@pytest.fixture(autouse=True)
def _colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


def screenshot(aggregator: SanctumAggregator) -> str:
    async def take() -> str:
        app = SanctumApp(aggregator, clock=lambda: 1_003.0)
        app.theme = "textual-dark"
        async with app.run_test(size=SCREEN) as pilot:
            async with asyncio.timeout(60):  # the footer is filled when the screen has told it the keys
                while not app.query("FooterKey"):
                    await pilot.pause()
            await pilot.pause()
            return app.export_screenshot()

    return asyncio.run(take())


@pytest.mark.parametrize("name", ["waiting", "healthy", "warning", "critical"])
def test_screen_looks_like_its_picture(
    scene: Callable[[str], SanctumAggregator], compare_picture: Callable[[str, str], None], name: str
) -> None:
    compare_picture(name, screenshot(scene(name)))


def test_missing_picture_fails_and_is_not_made(
    scene: Callable[[str], SanctumAggregator],
    compare_picture: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TELEWIRE_UPDATE_PICTURES", raising=False)
    with pytest.raises(pytest.fail.Exception, match=r"there is no picture .*nowhere\.svg"):
        compare_picture("nowhere", screenshot(scene("waiting")))


def test_different_screen_fails_and_shows_the_lines_that_differ(
    scene: Callable[[str], SanctumAggregator],
    compare_picture: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TELEWIRE_UPDATE_PICTURES", raising=False)
    with pytest.raises(pytest.fail.Exception, match=r"\+│ WAITING   waiting for the first update +│"):
        compare_picture("healthy", screenshot(scene("waiting")))
