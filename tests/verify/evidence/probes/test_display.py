"""What consumers show is looked for on the real thing: text, and the style of each part of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rich.panel import Panel
from rich.text import Text

from telewire.verify.evidence.probes.display import look
from telewire.verify.evidence.probes.wires import DisplayPlan, EdgePlan

BANNER = EdgePlan("banner", True, ("State.count",), "TELE-301.yaml:80", 0, None, "", (), (), "Banner", ())


def problem(
    shown: object, text: str | None = None, style: str | None = None, absent: str | None = None
) -> str | None:
    return look(shown, BANNER, DisplayPlan(7, text, absent, style)).problem


COUNT = Text.assemble("now ", ("Inf:7", "bold red reverse"), "  ", ("NaN:0", "green on blue"))


@pytest.mark.parametrize(
    ("shown", "text", "style"),
    [
        ("Inf:7", "Inf:7", None),
        ("first\nInf   7 of 10", "Inf 7", None),
        (COUNT, "Inf:7", "red bold reverse"),
        (COUNT, "NaN:0", "green on blue"),
        (COUNT, "now Inf:7", None),
        (COUNT, "Inf:7", "#800000"),
        (Panel(COUNT), "Inf:7", "red"),
        ({"banner": COUNT}, "Inf:7", "bold"),
        ({"Banner": COUNT, "other": ""}, "Inf:7", "bold"),
        ("Inf:7", "7", None),
        ("7 of 10", "7", None),
        ("No.7, +7, update-7", "7", None),
    ],
)
def test_what_stands_there_is_found(shown: object, text: str, style: str | None) -> None:
    assert problem(shown, text, style) is None


@pytest.mark.parametrize(
    ("shown", "text", "style", "said"),
    [
        ("Inf:70", "Inf:7", None, "it is not there:\n    Inf:70"),
        ("Inf:7.5", "Inf:7", None, "it is not there"),
        ("Inf: 0.7", "7", None, "it is not there"),
        ("Inf: -7", "7", None, "it is not there"),
        ("Inf: \u22127", "7", None, "it is not there"),
        ("Inf: 1,7 and .7", "7", None, "it is not there"),
        ("", "Inf:7", None, "it is empty"),
        ("Inf:7", "Inf:7", "red", "a plain text has no style"),
        (COUNT, "NaN:0", "red", "'NaN:0' is not red"),
        (COUNT, "NaN:0", "green bold", "'NaN:0' is not bold"),
        (COUNT, "NaN:0", "green on red", "'NaN:0' is not on red"),
        (COUNT, "now Inf:7", "red", "'now ' is not red"),
        (None, "Inf:7", None, "nothing is on display: the drive returns None"),
        ({"other": ""}, "Inf:7", None, "nothing is on display of it, only of other"),
        (7, "Inf:7", None, "a int cannot be looked at; expected a Textual app or widget"),
    ],
)
def test_what_does_not_is_said(shown: object, text: str, style: str | None, said: str) -> None:
    found = problem(shown, text, style)
    assert found is not None
    assert found.startswith(f"banner has to show {text!r}")
    assert said in found


def test_what_must_not_be_there_is_said() -> None:
    assert problem("all is well", absent="Inf:") is None
    found = problem("Inf:7", absent="Inf:")
    assert found == "banner has to show no 'Inf:' for 7 (TELE-301.yaml:80): 'Inf:' is there:\n    Inf:7"


def on_screen(text: str | None, style: str | None, *, mounted: bool = True, height: str = "1") -> str | None:
    """Look for a text on a widget of a running app."""
    pytest.importorskip("textual")
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Banner(Static):
        DEFAULT_CSS = f"Banner {{ height: {height}; }}"

    class Screen(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("Inf:9")
            if mounted:
                yield Banner(Text.assemble(("Inf:7", "bold red")))

    async def run() -> str | None:
        app = Screen()
        async with app.run_test() as pilot:
            return problem(pilot, text, style) if height == "2" else problem(app, text, style)

    return asyncio.run(run())


def test_a_widget_is_found_in_a_running_app() -> None:
    assert on_screen("Inf:7", "red bold") is None


def test_a_widget_is_found_by_the_pilot_of_an_app() -> None:
    assert on_screen("Inf:7", "red bold", height="2") is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"text": "Inf:9", "style": None}, "it is not there:\n    Inf:7"),
        ({"text": "Inf:7", "style": "green"}, "'Inf:7' is not green"),
        ({"text": "Inf:7", "style": "red reverse"}, "'Inf:7' is not reverse"),
        ({"text": "Inf:7", "style": None, "mounted": False}, "no Banner is mounted in Screen"),
        ({"text": "Inf:7", "style": None, "height": "0"}, "it is mounted, and takes no place on the screen"),
    ],
)
def test_what_a_widget_does_not_show_is_said(arguments: dict[str, Any], said: str) -> None:
    found = on_screen(**arguments)
    assert found is not None
    assert said in found
