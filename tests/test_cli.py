"""The one command, `telewire`, gathers the sub-commands without importing them."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from telewire.cli import COMMANDS, telewire


def test_help_lists_every_sub_command() -> None:
    result = CliRunner().invoke(telewire, ["--help"])

    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_sub_command_shows_its_own_help(name: str) -> None:
    result = CliRunner().invoke(telewire, [name, "--help"])

    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage:")


def test_an_unknown_sub_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(telewire, ["verfy"])

    assert result.exit_code == 2
    assert "verfy" in result.output


def test_every_sub_command_of_the_table_is_a_command() -> None:
    context = click.Context(telewire)

    assert all(isinstance(telewire.get_command(context, name), click.Command) for name in COMMANDS)


@pytest.mark.parametrize("command", [["telewire.cli"], ["telewire.verify.cli"]])
def test_help_starts_without_torch_textual_networkx_or_pydantic(command: list[str]) -> None:
    heavy = {"torch", "textual", "networkx", "pydantic", "numpy", "rich"}
    script = (
        f"import sys, {command[0]} as module\n"
        "try:\n"
        "    sys.argv = ['x', '--help']\n"
        "    module.main()\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)\n"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stderr.strip() == "[]"
