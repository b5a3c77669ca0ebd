"""A consumer whose class nothing names has objects only where names are looked up while the program runs."""

from __future__ import annotations

import pytest

from .conftest import Project

SHOW = """

class Shown(Protocol):
    def render(self, state: State) -> str: ...


def show(widgets: list[Shown]) -> None:
    for widget in widgets:
        print(widget.render(state))


show([])
"""


def found(project: Project, program: str = "") -> list[tuple[str, str]]:
    """What is found where the program shows objects that have the banner's method, and does this as well."""
    project.replace("app/__main__.py", "print(StatusBanner().render(state))\n", f"{SHOW}{program}")
    text = (project.root / "app/__main__.py").read_text()
    kept = [line for line in text.splitlines() if line != "from .widgets import StatusBanner"]
    imports = "import importlib\nfrom typing import Protocol\n\nfrom . import widgets\n"
    project.write("app/__main__.py", imports + "\n".join(kept))
    return [(one.rule, one.message) for one in project.verify().findings]


@pytest.mark.parametrize(
    "program",
    [
        "",
        "importlib.import_module(input())\n",
        "exec(input(), {'state': state})\n",
        "class Loader:\n    def exec_module(self, one):\n        exec(input(), one.__dict__)\n\n\nprint(Loader())\n",
        "from .widgets import StatusBanner\n\nisinstance(state, StatusBanner)\n",
    ],
)
def test_what_nothing_names_nor_looks_up_is_never_made(project: Project, program: str) -> None:
    assert found(project, program) == [("TW202", "class StatusBanner is never used outside the tests")]


@pytest.mark.parametrize(
    ("program", "by"),
    [
        ("print(importlib.import_module(input()))\n", "app.__main__"),
        ("print(vars(widgets)[input()])\n", "app.__main__"),
        (
            "def looked_up():\n    return getattr(widgets, input())()\n\n\nshow([looked_up()])\n",
            "app.__main__:looked_up()",
        ),
        ("exec(input())\n", "app.__main__"),
        ("print(Shown.__subclasses__())\n", "app.__main__"),
    ],
)
def test_what_is_only_looked_up_is_not_resolved(project: Project, program: str, by: str) -> None:
    assert found(project, program) == [
        (
            "TW203",
            f"nothing names StatusBanner: nobody makes one, unless {by} looks it up by a name that is not known here",
        )
    ]


@pytest.mark.parametrize(
    "program",
    [
        "show([widgets.StatusBanner()])\n",
        "print(importlib.import_module(input()))\nshow([widgets.StatusBanner()])\n",
        "print(getattr(widgets, 'StatusBanner'))\n",
        "print(importlib.import_module(input()))\nKINDS = {'banner': 'app.widgets.StatusBanner'}\nprint(KINDS)\n",
    ],
)
def test_what_is_named_is_made(project: Project, program: str) -> None:
    assert found(project, program) == []
