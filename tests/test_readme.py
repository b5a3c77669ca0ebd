"""The README's promises: its code runs, its commands and links exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from telewire.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_loop_of_the_readme_reports_infinite_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(3, 1)
    loss = model(torch.tensor([[float("inf"), 1.0, 1.0]])).sum()
    (code,) = blocks("python")

    exec(compile(code, "README.md", "exec"), {"model": model, "loss": loss})

    assert capsys.readouterr().out.startswith("warning: inf_grad_count is 1.")


def test_the_loop_of_the_readme_is_silent_when_gradients_are_sound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(3, 1)
    loss = model(torch.ones(1, 3)).sum()
    (code,) = blocks("python")

    exec(compile(code, "README.md", "exec"), {"model": model, "loss": loss})

    assert capsys.readouterr().out == ""


def test_the_settings_of_the_readme_are_known() -> None:
    from telewire.registry.config import SETTINGS

    (block,) = blocks("toml")
    settings = tomllib.loads(block)["tool"]["telewire"]

    assert set(settings) <= SETTINGS


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_a_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`telewire (\w+)", README))))
def test_a_command_of_the_readme_exists(name: str) -> None:
    assert name in COMMANDS


@pytest.mark.parametrize("mark", ["verify", "test"])
def test_each_set_up_of_the_readme_is_one_line(mark: str) -> None:
    found = re.search(rf"<!-- run: {mark} -->\n```sh\n(.+)\n```", README)

    assert found is not None
    assert "\n" not in found.group(1)
