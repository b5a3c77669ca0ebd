"""`telewire`: gathers the sub-commands of the sub-packages, each imported only when it is called."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "verify": (
        "telewire.verify.cli:verify",
        "Prove each edge of every record in the source (verify-wiring).",
    ),
    "explain": ("telewire.verify.cli:explain", "Say what a rule finds, and what to write instead."),
    "registry": ("telewire.registry.cli:registry", "List, show, check and grade records."),
    "records": ("telewire.records.cli:records", "Write the records' Markdown, or check that it is fresh."),
    "train": ("telewire.telemetry.training.cli:train", "Train a recurrent PPO under full telemetry."),
}


class _Gathered(click.Group):
    """A group whose commands are imported when they are run; their one-line helps stand in the table."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all sub-commands."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import a sub-command; None for an unknown name."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of sub-commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=_Gathered, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="telewire", prog_name="telewire")
def telewire() -> None:
    """A declarative telemetry registry and wiring verifier for Python training code."""


def main() -> None:
    """Run `telewire`."""
    telewire(prog_name="telewire")
