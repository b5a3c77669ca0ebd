"""The README's promises: its code runs, its commands and links exist."""

from __future__ import annotations

import math
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


def block_with(text: str) -> str:
    """The one Python block that has this in it."""
    (block,) = [block for block in blocks("python") if text in block]
    return block


def run_plain_loop(inputs: float) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(3, 1)
    names = {
        "torch": torch,
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "criterion": torch.nn.functional.mse_loss,
        "batches": [(torch.full((2, 3), inputs), torch.ones(2, 1))],
    }
    exec(compile(block_with("TrainingMonitor"), "README.md", "exec"), names)


def test_the_loop_of_the_readme_reports_broken_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    run_plain_loop(math.nan)

    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("step    1  loss nan  lr 0.1  grad norm nan → nan  critical: ")
    assert "  numerical_instability: the loss is nan (critical)" in others


def test_the_loop_of_the_readme_says_that_a_sound_step_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    run_plain_loop(1.0)

    (line,) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"step    1  loss \S+  lr 0.1  grad norm \S+ → \S+  (healthy|warning: grad_norm \S+)", line
    )


def test_the_loop_of_the_readme_has_four_lines_of_ours() -> None:
    ours = [line for line in block_with("TrainingMonitor").splitlines() if re.search("[mM]onitor", line)]
    assert len(ours) == 4


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
